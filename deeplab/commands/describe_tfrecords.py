"""Describes records of other programs. `describe_tfrecords_flags` has its words and flags."""

from commands import descriptions
from commands.flags import Flags
from datasets.records import building
from datasets.segmentation import foreign_records
from datasets.segmentation.sources import class_file
from datasets.segmentation.specs import write_spec
from deeplab.commands.describe_tfrecords_flags import DescribeOptions


def main(flags: Flags, arguments: list[str]) -> None:
    """Reads the shards and writes their description."""
    del arguments
    options = flags.options(DescribeOptions)
    directory, path = descriptions.find_folder(options.tfrecords, options.overwrite)
    classes = _read_classes(options)
    spec = foreign_records.describe(
        directory,
        name=options.name or descriptions.name_of(directory),
        class_names=None if classes is None else classes.names,
        palette=_read_palette(options) if classes is None else classes.display_palette,
        ignore_label=options.ignore_label if classes is None else classes.ignore_label,
        num_workers=options.num_workers,
    )
    write_spec(spec)
    print(f"{path}: {spec.num_classes} classes, {spec.ignore_label} is ignored")
    for name, split in spec.splits.items():
        print(
            f"  {name:8} {split.num_examples:7} images up to {split.max_width}x"
            f"{split.max_height}, shards: {split.num_shards}"
        )
    descriptions.warn_of_missing_splits(spec.splits)
    building.print_training(spec, "python train.py")


def _read_classes(options: DescribeOptions) -> class_file.ClassFile | None:
    """Returns what the flags or the class file say; None where they name no class."""
    if options.classes_file is not None:
        if options.class_names or options.palette:
            raise ValueError("--classes_file says what --class_names and --palette say; give one.")
        return class_file.read_class_file(options.classes_file)
    if not options.class_names:
        return None
    names = tuple(name.strip() for name in options.class_names)
    wrong = f"{len(names)} names" if len(names) > 256 else None
    if len(set(names)) < len(names):
        wrong = f"the name {max(names, key=names.count)!r} twice"
    if "" in names:
        wrong = "an empty name"
    if wrong:
        raise ValueError(f"--class_names has {wrong}; expected 1 to 256 different names.")
    return class_file.ClassFile(names, _read_palette(options), options.ignore_label)


def _read_palette(options: DescribeOptions) -> tuple[tuple[int, int, int], ...] | None:
    colors = [_read_color(text.strip()) for text in options.palette]
    return tuple(colors) or None


def _read_color(text: str) -> tuple[int, int, int]:
    try:
        red, green, blue = bytes.fromhex(text.removeprefix("#"))
    except ValueError:
        raise ValueError(
            f"--palette has {text!r}; expected colors such as #3c3cc8, comma separated."
        ) from None
    return red, green, blue
