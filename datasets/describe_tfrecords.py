"""Writes the `dataset.json` of TFRecords that another program made, so that they can be trained on.

    python -m datasets.describe_tfrecords --tfrecords=DIR --class_names=background,cat,dog

The records have the keys of research/deeplab (docs/datasets.md lists them); of these the image, the
mask and the file name are read. Every record is decoded, as training does it, and pixels are
counted. Nothing in the shards is changed.
"""

import os
import sys

from absl import flags

from commands import launcher
from datasets.segmentation import foreign_records
from datasets.segmentation.sources import class_file
from datasets.segmentation.specs import DATASET_FILE, write_spec

_TFRECORDS = flags.DEFINE_string(
    "tfrecords",
    None,
    "Folder of the shards, such as train-00000-of-00010 or val.tfrecord; dataset.json goes there.",
)
_CLASS_NAMES = flags.DEFINE_list(
    "class_names",
    None,
    "Name of each class id, from 0 on, comma separated. Default: class_0, class_1, … up to the "
    "largest id in the masks.",
)
_PALETTE = flags.DEFINE_list(
    "palette",
    None,
    "Color of each class id, such as #000000,#3c3cc8. Default: those of PASCAL VOC.",
)
_IGNORE_LABEL = flags.DEFINE_integer(
    "ignore_label",
    class_file.DEFAULT_IGNORE_LABEL,
    "Id of pixels that are never trained on or scored; may be one of the classes.",
    lower_bound=0,
    upper_bound=255,
)
_CLASSES_FILE = flags.DEFINE_string(
    "classes_file",
    None,
    "classes.json with names, palette and ignore_label, in place of the three flags.",
)
_NAME = flags.DEFINE_string("name", None, "Name of the dataset. Default: that of the folder.")
_OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "Replace a dataset.json that is there, after the records were changed."
)
_NUM_WORKERS = flags.DEFINE_integer(
    "num_workers", None, "Threads, each of which reads a shard. Default: one per core.", 1
)


def main(_: list[str]) -> None:
    """Reads the shards and writes their description."""
    directory = _TFRECORDS.value
    if directory is None:
        raise ValueError("--tfrecords is missing: give the folder of the shards.")
    if not os.path.isdir(directory):
        raise ValueError(f"--tfrecords={directory} is not a folder.")
    path = os.path.join(directory, DATASET_FILE)
    if os.path.exists(path) and not _OVERWRITE.value:
        raise ValueError(f"{path} is there already; --overwrite replaces it.")
    classes = _read_classes()
    spec = foreign_records.describe(
        directory,
        name=_NAME.value or os.path.basename(os.path.abspath(directory)),
        class_names=None if classes is None else classes.names,
        palette=_read_palette() if classes is None else classes.display_palette,
        ignore_label=_IGNORE_LABEL.value if classes is None else classes.ignore_label,
        num_workers=_NUM_WORKERS.value,
    )
    write_spec(spec)
    print(f"{path}: {spec.num_classes} classes, {spec.ignore_label} is ignored")
    for name, split in spec.splits.items():
        print(
            f"  {name:8} {split.num_examples:7} images up to {split.max_width}x"
            f"{split.max_height}, shards: {split.num_shards}"
        )
    for name, flag in (("train", "train.py --train_split"), ("val", "eval.py --eval_split")):
        if name not in spec.splits:
            print(f"There is no split {name!r}: name another with {flag}.", file=sys.stderr)
    print(f"Train on it: python train.py --dataset_dir={directory}")


def _read_classes() -> class_file.ClassFile | None:
    """Returns what the flags or the class file say; None where they name no class."""
    if _CLASSES_FILE.value is not None:
        if _CLASS_NAMES.value or _PALETTE.value:
            raise ValueError("--classes_file says what --class_names and --palette say; give one.")
        return class_file.read_class_file(_CLASSES_FILE.value)
    if not _CLASS_NAMES.value:
        return None
    names = tuple(name.strip() for name in _CLASS_NAMES.value)
    wrong = f"{len(names)} names" if len(names) > 256 else None
    if len(set(names)) < len(names):
        wrong = f"the name {max(names, key=names.count)!r} twice"
    if "" in names:
        wrong = "an empty name"
    if wrong:
        raise ValueError(f"--class_names has {wrong}; expected 1 to 256 different names.")
    return class_file.ClassFile(names, _read_palette(), _IGNORE_LABEL.value)


def _read_palette() -> tuple[tuple[int, int, int], ...] | None:
    colors = [_read_color(text.strip()) for text in _PALETTE.value or ()]
    return tuple(colors) or None


def _read_color(text: str) -> tuple[int, int, int]:
    try:
        red, green, blue = bytes.fromhex(text.removeprefix("#"))
    except ValueError:
        raise ValueError(
            f"--palette has {text!r}; expected colors such as #3c3cc8, comma separated."
        ) from None
    return red, green, blue


if __name__ == "__main__":
    launcher.run(main)
