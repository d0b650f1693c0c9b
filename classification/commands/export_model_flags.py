"""The command export_model.py of classification: its words and its flags."""

import dataclasses

from classification.commands.shared_options import (
    EvaluatedViewOptions,
    TrainedNetworkOptions,
)
from commands.command import Command
from commands.flags import Flags
from commands.shared_options import ExportedFileOptions, FormOptions, WeightsOptions
from common.option_fields import NETWORK, option


@dataclasses.dataclass(frozen=True)
class ClassNamesOptions:
    """The classes of a checkpoint that no options.json describes."""

    class_names_file: str | None = option(
        None,
        "Text file with the name of each class of the network, one a line, for a checkpoint "
        "without options.json; with labels_offset it may name the leading classes, too.",
        NETWORK,
    )


def _explain_unknown(name: str, value: str, flags: Flags) -> str | None:
    del value, flags
    if name not in ("static_graph", "nostatic_graph"):
        return None
    return (
        f"there is no flag --{name} for classifiers: their graphs have neither assertions nor "
        "operations whose output size depends on values."
    )


COMMAND = Command(
    description="""\
Freezes a classifier into one .pb for inference: python export_model.py

Without flags it exports the best checkpoint of the newest training run if that has validated itself
(--validate_every), and otherwise the newest one (--checkpoint_path=latest). Class names and
preprocessing are in the file: it takes images of any size.""",
    main="classification.commands.export_model",
    options=(
        ExportedFileOptions,
        FormOptions,
        WeightsOptions,
        ClassNamesOptions,
        TrainedNetworkOptions,
        EvaluatedViewOptions,
    ),
    explain_unknown=_explain_unknown,
)
