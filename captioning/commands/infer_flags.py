"""The command infer.py of captioning: its words and its flags."""

import dataclasses

from commands.command import Command
from commands.flags import Flags
from commands.shared_options import ToldImagesOptions
from common.option_fields import RESULTS, change, changed, option


@dataclasses.dataclass(frozen=True)
class _InferOptions(ToldImagesOptions):
    """What is told of each image, and where."""

    top: int = option(
        1,
        "Captions that are told of each image, the likeliest ones; as many as the export searches "
        "for, at most.",
        RESULTS,
        is_common=True,
        lower=1,
        aliases=("k", "top_k", "num_captions"),
    )
    coco_images: str | None = option(
        None,
        "A JSON file of COCO whose image ids the results take; without it an id is the number in a "
        "file's name, as COCO names its images, or else the name.",
        RESULTS,
    )
    input_files: tuple[str, ...] = option(
        (),
        "research/im2txt's way to name images: files or patterns with commas between them, besides "
        "those that are given without a flag.",
        RESULTS,
    )
    vocab_file: str | None = option(
        None,
        "research/im2txt's word_counts.txt. There is no need for it, since the words are in the "
        "export; they are compared.",
        RESULTS,
    )
    text_files: bool = option(
        False,
        "Also write the likeliest caption of photo.jpg to photo.txt beside it, unless there is "
        "such a file.",
        RESULTS,
        is_common=True,
    )
    sheet_dir: str | None = option(
        None,
        "Folder for a sheet of each image, NAME_caption.png: the image with its caption and, of "
        "networks with attention, where they looked for each word.",
        RESULTS,
        is_common=True,
        aliases=("attention_dir", "sheets"),
    )


InferOptions = changed(
    _InferOptions,
    output=change(
        None,
        help="File for the captions; they are printed in any case. .json is COCO's form of "
        "results, .csv has a row for each caption.",
    ),
    model=change(None, synonyms=("checkpoint_path",)),
)


def _explain_unknown(name: str, value: str, flags: Flags) -> str | None:
    del value, flags
    if name in ("beam_size", "max_caption_length", "length_normalization_factor"):
        return f"--{name} is fixed in the export: give it to export_model.py."
    return None


COMMAND = Command(
    description="""\
Describes images: python infer.py photo.jpg holiday/ --output=captions.json

For every image: the likeliest caption, with its probability. An image that cannot be read is
reported and the rest goes on; the exit status is then 1.""",
    main="captioning.commands.infer",
    options=(InferOptions,),
    positional="IMAGES…: files, folders or patterns",
    explain_unknown=_explain_unknown,
)
