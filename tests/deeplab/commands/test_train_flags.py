"""The words of train.py's flags."""

from commands import help_pages
from commands.flags import Flags
from deeplab.commands import train_flags
from deeplab.commands.train_flags import COMMAND
from deeplab.recipe import choice
from deeplab.recipe.data_facts import DataFacts
from deeplab.recipe.machine_facts import MachineFacts
from deeplab.recipe.start_facts import StartFacts


def test_help_names_the_flags_that_are_chosen():
    facts = MachineFacts(2, 8, 64.0), MachineFacts(0, 2, 64.0)
    data = DataFacts(30, 6, 900, 900, (1.0, 9.0), ("line",), ())
    start = StartFacts("x", "mobilenet_v2", 0.5)
    flags = {
        name
        for machine in facts
        for name in choice.with_steps(
            choice.choose(data, machine, start), data, 1.0, step_secs=1.0, validation_secs=1.0
        ).flags
    }
    assert flags == set(train_flags.CHOSEN)
    definitions = Flags(COMMAND.options, COMMAND.computed_defaults).definitions
    assert help_pages.shown_default(definitions["output_stride"]) == "chosen (16)"
