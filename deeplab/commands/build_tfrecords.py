"""Builds records: datasets.build_tfrecords. `build_tfrecords_flags` has its words and flags."""

import sys

from commands import build_settings
from commands.build_options import BuildingOptions
from commands.flags import Flags
from common.texts import printable
from datasets.records import building
from datasets.segmentation import check_report, checks
from datasets.segmentation.encoder import SegmentationEncoder
from datasets.segmentation.masks import mask_values
from datasets.segmentation.sources import demo, find_source, open_source
from datasets.segmentation.sources.source import Source
from deeplab.commands import dataset_sheet
from deeplab.commands.build_tfrecords_flags import BuildOptions


def main(flags: Flags, arguments: list[str]) -> int:
    """Checks the source, writes the records, and says what to do next."""
    del arguments
    options = flags.options(BuildOptions)
    how = flags.options(BuildingOptions)
    settings = build_settings.of(how)
    if options.sheet:
        dataset_sheet.check_path(options.sheet)
    try:
        source = _open_source(options)
    except mask_values.MappingError as error:  # The flag is at fault, not the data.
        print(f"error: --mask_values={options.mask_values}: {error}", file=sys.stderr)
        return 2

    def check() -> check_report.Report:
        report = checks.check_source(
            source, num_workers=how.num_workers, memory_limit=settings.memory_limit
        )
        print(check_report.format_report(report))
        if options.sheet or (how.check_only and options.sheet is None):
            _write_sheet(options.sheet, source, report)
        return report

    if how.check_only:
        return 1 if check().errors else 0
    encoder = SegmentationEncoder(source, options.gradient_format if options.gradient else None)
    spec = building.build(encoder, source.splits, source.problems, check, settings)
    building.print_summary(spec, "python train.py")
    return 0


def _write_sheet(path: str | None, source: Source, report: check_report.Report) -> None:
    """Draws a sheet; one that nobody asked for may fail without ending the command."""
    try:
        said = dataset_sheet.write(path or dataset_sheet.default_path(source.name), source, report)
    except OSError as error:
        if path is not None:
            raise
        print(f"note: the sheet of images with their masks is not drawn: {error}", file=sys.stderr)
    else:
        if said is not None:
            print(said)


def _open_source(options: BuildOptions) -> Source:
    name, data_dir = options.dataset, options.data_dir
    if name is None and data_dir is not None:
        name = find_source(data_dir)
        print(f"{printable(data_dir)} is read as --dataset={name}")
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
    return open_source(
        name,
        data_dir,
        classes_file=options.classes_file,
        val_fraction=options.val_fraction,
        seed=options.seed,
        mask_values=mask_values.parse(options.mask_values) if options.mask_values else None,
        overlaps=options.overlaps,
    )
