"""The command export_model.py of captioning: its words and its flags."""

import dataclasses

from captioning.commands.shared_options import SearchFlags
from commands.command import Command
from commands.flags import Flags
from commands.shared_options import ExportedFileOptions, WeightsOptions
from common.option_fields import RESULTS, option


@dataclasses.dataclass(frozen=True)
class FormOptions:
    """What an export is written as besides."""

    save_im2txt_graph: bool = option(
        False,
        "Also write im2txt_graph.pb, the graph that research/im2txt's programs ask for one word "
        "after the other, and its word_counts.txt. For show_and_tell only.",
        RESULTS,
    )


def _explain_unknown(name: str, value: str, flags: Flags) -> str | None:
    del value, flags
    if name not in ("formats", "quantize", "bundle", "verify_images", "calibration_images"):
        return None
    return (
        f"there is no flag --{name} for captioning: captions are searched for word by word inside "
        "the .pb, which TensorFlow runs."
    )


COMMAND = Command(
    description="""\
Freezes a network that describes images into one .pb for inference: python export_model.py

Without flags it exports the best checkpoint of the newest training run if that has validated itself
(--validate_every), and otherwise the newest one (--checkpoint_path=latest). Preprocessing, the
search for captions and the vocabulary are in the file: it takes images of any size and gives
sentences. The flags of the search are fixed with it.""",
    main="captioning.commands.export_model",
    options=(ExportedFileOptions, SearchFlags, FormOptions, WeightsOptions),
    explain_unknown=_explain_unknown,
)
