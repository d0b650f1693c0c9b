"""The command that goes from data to colored masks: `make demo`."""

import dataclasses

from commands import launcher
from commands.command import Command
from common.option_fields import SCHEDULE, option


@dataclasses.dataclass(frozen=True)
class DemoOptions:
    """How long the demo trains."""

    steps: int = option(
        2600,
        "Training steps. The default takes about seven minutes on two CPU cores.",
        SCHEDULE,
        is_common=True,
    )


COMMAND = Command(
    description="""\
Goes from data to colored masks on images that it draws: make demo

Each step is an ordinary command of the project, printed before it runs, so that you can repeat it
by hand with other flags. A demo that was interrupted continues where it stopped.""",
    main="scripts.demo_steps",
    options=(DemoOptions,),
    needs_tensorflow=False,
)

if __name__ == "__main__":
    launcher.execute(COMMAND)
