"""The command that paints drawn scenes in styles of their own: `make style-demo`."""

import dataclasses

from commands import launcher
from commands.command import Command
from common.option_fields import NETWORK, SCHEDULE, option


@dataclasses.dataclass(frozen=True)
class StyleDemoOptions:
    """What looks at the images, and how long the demo trains it."""

    weights: str | None = option(
        None,
        "VGG-16 or VGG-19 to use instead of the one that the demo trains; see "
        "python -m style_transfer.stylize --help.",
        NETWORK,
        is_common=True,
        computed_default="a small VGG, trained on drawn images",
    )
    steps: int = option(
        400,
        "Training steps of the small VGG. The default takes about a minute on two CPU cores.",
        SCHEDULE,
        is_common=True,
    )


COMMAND = Command(
    description="""\
Draws scenes and patterns, and paints the ones in the style of the others: make style-demo

Each step is an ordinary command of the project, printed before it runs, so that you can repeat it
by hand with other flags. Nothing is downloaded: the network that compares styles is a small VGG,
which the demo trains to classify drawn images. With --weights it is a real one.""",
    main="scripts.style_demo_steps",
    options=(StyleDemoOptions,),
)

if __name__ == "__main__":
    launcher.execute(COMMAND)
