"""Builds records: datasets.build_tfrecords. `build_tfrecords_flags` has its words and flags."""

import sys

from classification.commands.build_tfrecords_flags import (
    BuildOptions,
    ClassificationBuildingOptions,
)
from commands import build_settings
from commands.flags import Flags
from datasets.classification import check_report, checks
from datasets.classification.encoder import ClassificationEncoder
from datasets.classification.sources import class_demo, open_source
from datasets.classification.sources.source import Source
from datasets.records import building, shard_plan


def main(flags: Flags, arguments: list[str]) -> int:
    """Checks the source, writes the records, and says what to do next."""
    del arguments
    options = flags.options(BuildOptions)
    how = flags.options(ClassificationBuildingOptions)
    settings = build_settings.of(how)
    source = _open_source(options)

    def check(_ahead: object = None) -> check_report.Report:
        report = checks.check_source(
            source, num_workers=how.num_workers, memory_limit=settings.memory_limit
        )
        print(check_report.format_report(report))
        return report

    if how.check_only:
        return 1 if check().errors else 0
    splits = {name: shard_plan.mix(samples) for name, samples in source.splits.items()}
    spec = building.build(
        ClassificationEncoder(source),
        splits,
        source.problems,
        check,
        settings,
        options.data_dir or class_demo.DEFAULT_FOLDER,
    )
    building.print_summary(spec, "python train.py --task=classification")
    return 0


def _open_source(options: BuildOptions) -> Source:
    name = options.dataset or ("class_folders" if options.data_dir else "class_demo")
    data_dir = options.data_dir
    if data_dir is None:
        if name != "class_demo":
            raise ValueError(f"--dataset={name} needs --data_dir, the folder of its images.")
        data_dir = class_demo.DEFAULT_FOLDER
        print(
            f"No --data_dir is given, so this is the demo: images that the project draws into "
            f"{data_dir}. For your own: --dataset=class_folders --data_dir=FOLDER (with make: "
            "DATASET=class_folders DATA_DIR=FOLDER); docs/classification.md draws what it should "
            "hold.",
            file=sys.stderr,
        )
    return open_source(
        name,
        data_dir,
        val_fraction=options.val_fraction,
        seed=options.seed,
        class_names_file=options.class_names_file,
        labels_csv=options.labels_csv,
    )
