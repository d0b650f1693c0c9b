"""The command export_model.py of classification: its words and its flags."""

from classification.commands.shared_options import EvaluatedViewOptions
from commands.command import Command
from commands.flags import Flags
from commands.shared_options import ExportedFileOptions, FormOptions, WeightsOptions


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

Without flags it exports the newest checkpoint of the newest training run; --checkpoint_path=best
takes the best one. Class names and preprocessing are in the file: it takes images of any size.""",
    main="classification.commands.export_model",
    options=(ExportedFileOptions, FormOptions, WeightsOptions, EvaluatedViewOptions),
    explain_unknown=_explain_unknown,
)
