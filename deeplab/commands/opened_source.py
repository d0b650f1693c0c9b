"""Opens the images and masks that a command is to read."""

import sys
from collections.abc import Mapping

from common.texts import first_few, printable
from datasets.segmentation.masks import mask_values
from datasets.segmentation.sources import (
    FOLDER,
    demo,
    find_below,
    find_source,
    layouts,
    open_source,
)
from datasets.segmentation.sources.source import Source
from deeplab.commands.source_options import SourceOptions


def of(options: SourceOptions) -> Source | None:
    """Opens the source that flags name, and says what a folder is read as.

    Returns:
      The source; None where a flag is wrong, which is on stderr.

    Raises:
      ValueError: the folder is not laid out as expected.
    """
    try:
        return _open(options)
    except mask_values.MappingError as error:  # The flag is at fault, not the data.
        print(f"error: --mask_values={options.mask_values}: {error}", file=sys.stderr)
        return None


def _open(options: SourceOptions) -> Source:
    name, data_dir = options.dataset, options.data_dir
    is_found, advice = False, ""
    if name is None and data_dir is not None:
        is_found, name = True, find_source(data_dir)
        if name == FOLDER and not layouts.has_images(data_dir):
            below = find_below(data_dir)
            if len(below) == 1:
                ((data_dir, name),) = below.items()
            advice = _describe_below(below)
    if data_dir is None:
        name = name or "demo"
        if name != "demo":
            raise ValueError(
                f"--dataset={name} needs --data_dir, the folder of its images and masks."
            )
        data_dir = demo.DEFAULT_FOLDER
        print(
            f"No --data_dir is given, so this is the demo: images that the project draws into "
            f"{data_dir}. For your own: --data_dir=FOLDER (with make: DATA_DIR=FOLDER); "
            "docs/datasets.md draws what it should hold.",
            file=sys.stderr,
        )
    assert name is not None
    if is_found and name != FOLDER:
        print(f"{printable(data_dir)} is read as --dataset={name}")
    try:
        source = open_source(
            name,
            data_dir,
            classes_file=options.classes_file,
            val_fraction=options.val_fraction,
            seed=options.seed,
            mask_values=mask_values.parse(options.mask_values) if options.mask_values else None,
            overlaps=options.overlaps,
        )
    except ValueError as error:
        if not advice or isinstance(error, mask_values.MappingError):
            raise
        raise ValueError(f"{error}{advice}") from error
    if is_found and name == FOLDER:  # What nothing was recognised in is a folder if it opens.
        print(f"{printable(data_dir)} is read as --dataset={name}")
    return source


def _describe_below(below: Mapping[str, str]) -> str:
    """Returns a sentence about the folders below that were recognised, where there are several."""
    if len(below) < 2:
        return ""
    named = [f"{path} ({name})" for path, name in below.items()]
    return f" Below it are {first_few(named)}: give one of them."
