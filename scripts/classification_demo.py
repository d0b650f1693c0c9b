"""The command that goes from drawn scenes to a classifier: `make classification-demo`."""

import dataclasses

from commands import launcher
from commands.command import Command
from common.option_fields import SCHEDULE, option


@dataclasses.dataclass(frozen=True)
class ClassificationDemoOptions:
    """How long the demo trains."""

    steps: int = option(
        700,
        "Training steps. The default takes about a minute on two CPU cores.",
        SCHEDULE,
        is_common=True,
    )


COMMAND = Command(
    description="""\
Goes from labeled images, which it draws, to a classifier: make classification-demo

Each step is an ordinary command of the project, printed before it runs, so that you can repeat it
by hand with other flags. A demo that was interrupted continues where it stopped.""",
    main="scripts.classification_demo_steps",
    options=(ClassificationDemoOptions,),
    needs_tensorflow=False,
)

if __name__ == "__main__":
    launcher.execute(COMMAND)
