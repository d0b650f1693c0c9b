"""The command datasets.build_tfrecords of captioning: its words and its flags."""

import dataclasses
import os

from commands.build_options import BuildingOptions
from commands.command import Command
from commands.dataset_sources import SOURCES
from commands.flags import Flags
from common.option_fields import DATA, NETWORK, change, changed, option, refused

# Of `datasets.captioning.sources` and `tokens`, which are imported when the command runs.
_SOURCES = SOURCES["captioning"]
_SPLITTINGS = ("im2txt", "tutorial")


@dataclasses.dataclass(frozen=True)
class BuildOptions:
    """What is read."""

    dataset: str | None = option(
        None,
        "What data_dir holds: images and captions in COCO's JSON (coco_captions), in the tables of "
        "Flickr8k and Flickr30k (flickr_captions), in Karpathy's JSON for either "
        "(karpathy_splits), or the demo, which is drawn if it does not exist.",
        DATA,
        is_common=True,
        choices=_SOURCES,
        computed_default="coco_captions with data_dir, caption_demo without",
    )
    data_dir: str | None = option(
        None,
        "Folder of the images and captions.",
        DATA,
        is_common=True,
        computed_default="for the demo, data/caption_demo",
        aliases=("input", "input_dir", "images", "image_dir", "root"),
    )
    val_fraction: float | None = option(
        None,
        "Share of the images that becomes the split val, for data without one; all captions of an "
        "image go with it.",
        DATA,
        is_common=True,
        computed_default="0.1 for data without any splits, else none",
        aliases=("val_split", "test_size", "split"),
    )
    seed: int = option(
        0, "Another seed chooses other images for val_fraction; nothing else changes.", DATA
    )
    splitting: str = option(
        "im2txt",
        "How a caption becomes words: as research/im2txt does it, in lower case and with "
        "punctuation as words, or as the attention tutorial does, without punctuation.",
        NETWORK,
        is_common=True,
        choices=_SPLITTINGS,
        aliases=("tokenizer", "tokens"),
    )
    min_word_count: int = option(
        4,
        "Words that the captions of train have less often are unknown.",
        NETWORK,
        is_common=True,
        lower=1,
    )
    max_words: int | None = option(
        None,
        "The vocabulary has so many words at most, the most frequent ones.",
        NETWORK,
        is_common=True,
        lower=4,
        computed_default="as many as there are",
        aliases=("vocab_size", "top_k"),
    )
    word_counts_file: str | None = option(
        None,
        "Take the vocabulary of this word_counts.txt, research/im2txt's or another dataset's, "
        "instead of one from the captions.",
        NETWORK,
        aliases=("vocab_file", "vocabulary"),
    )
    one_record_per_caption: bool = option(
        False,
        "Write an image once for each of its captions, in research/im2txt's form, whose programs "
        "read it; otherwise a record has an image and all its captions.",
        DATA,
    )


@dataclasses.dataclass(frozen=True)
class MarkOptions:
    """research/im2txt's names of the words that mark something, which are the same here."""

    start_word: str = refused("<S>", "captions start with <S> here; omit the flag")
    end_word: str = refused("</S>", "captions end with </S> here; omit the flag")
    unknown_word: str = refused("<UNK>", "<UNK> stands for unknown words here; omit the flag")


CaptioningBuildingOptions = changed(
    BuildingOptions,
    num_shards=change(None, computed_default="about one per 2300 records"),
    num_workers=change(None, synonyms=("num_threads",)),
)


def _explain_unknown(name: str, value: str, flags: Flags) -> str | None:
    """Explains flags of research/im2txt's build_mscoco_data.py."""
    if name in ("train_image_dir", "val_image_dir", "train_captions_file", "val_captions_file"):
        folder = os.path.dirname(os.path.abspath(os.path.expanduser(value))) if value else "FOLDER"
        if os.path.basename(folder) == "annotations":
            folder = os.path.dirname(folder)
        return (
            f"there is no flag --{name}; the four flags of images and captions are one here: "
            f"--data_dir={folder}, the folder of train2014, val2014 and annotations."
        )
    if name in ("train_shards", "val_shards", "test_shards"):
        return (
            f"there is no flag --{name}; use --num_shards=INT, the shards of each split, or omit "
            "it: there is about one per 2300 records, as in im2txt's."
        )
    if name == "word_counts_output_file":
        return (
            f"there is no flag --{name}; word_counts.txt is written beside the records, in "
            "--output_dir."
        )
    return None


COMMAND = Command(
    description="""\
Builds TFRecords from images and what people said of them:
python -m datasets.build_tfrecords --task=captioning --dataset=coco_captions --data_dir=coco

Everything is checked first. The vocabulary lies in dataset.json and, as research/im2txt writes it,
in word_counts.txt beside the records. A run that was interrupted goes on where it stopped when the
same command is given again.""",
    main="captioning.commands.build_tfrecords",
    options=(BuildOptions, MarkOptions, CaptioningBuildingOptions),
    explain_unknown=_explain_unknown,
)
