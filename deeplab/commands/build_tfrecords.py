"""Builds records: datasets.build_tfrecords. `build_tfrecords_flags` has its words and flags."""

import sys

from commands import build_settings
from commands.build_options import BuildingOptions
from commands.flags import Flags
from datasets.records import building
from datasets.records.shards_ahead import ShardsAhead
from datasets.segmentation import check_report, checks
from datasets.segmentation.encoder import SegmentationEncoder
from datasets.segmentation.sources import demo
from datasets.segmentation.sources.source import Source
from deeplab.commands import dataset_sheet, opened_source
from deeplab.commands.build_tfrecords_flags import BuildOptions


def main(flags: Flags, arguments: list[str]) -> int:
    """Checks the source, writes the records, and says what to do next."""
    del arguments
    options = flags.options(BuildOptions)
    how = flags.options(BuildingOptions)
    settings = build_settings.of(how)
    if options.sheet:
        dataset_sheet.check_path(options.sheet)
    source = opened_source.of(options)
    if source is None:
        return 2

    encoder = SegmentationEncoder(source, options.gradient_format if options.gradient else None)

    def check(ahead: ShardsAhead | None = None) -> check_report.Report:
        report = checks.check_source(
            source,
            num_workers=how.num_workers,
            memory_limit=settings.memory_limit,
            records=None if ahead is None else checks.Records(encoder, ahead),
        )
        print(check_report.format_report(report))
        if options.sheet or (how.check_only and options.sheet is None):
            _write_sheet(options.sheet, source, report)
        return report

    if how.check_only:
        return 1 if check().errors else 0
    data_dir = options.data_dir or demo.DEFAULT_FOLDER
    spec = building.build(encoder, source.splits, source.problems, check, settings, data_dir)
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
