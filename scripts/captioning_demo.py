"""The command that goes from drawn postcards to their captions: `make captioning-demo`."""

import dataclasses

from commands import launcher
from commands.command import Command
from common.option_fields import SCHEDULE, option


@dataclasses.dataclass(frozen=True)
class CaptioningDemoOptions:
    """How long the demo trains."""

    steps: int = option(
        950,
        "Training steps. The default takes about two minutes on two CPU cores.",
        SCHEDULE,
        is_common=True,
    )


COMMAND = Command(
    description="""\
Goes from images with captions, both of which it makes, to a network that describes images:
make captioning-demo

Each step is an ordinary command of the project, printed before it runs, so that you can repeat it
by hand with other flags. A demo that was interrupted continues where it stopped.""",
    main="scripts.captioning_demo_steps",
    options=(CaptioningDemoOptions,),
    needs_tensorflow=False,
)

if __name__ == "__main__":
    launcher.execute(COMMAND)
