"""Builds records: datasets.build_tfrecords. `build_tfrecords_flags` has its words and flags."""

import sys

from classification.commands.build_tfrecords_flags import BuildOptions
from commands.flags import Flags
from common import texts
from datasets.classification import check_report, checks, encoder
from datasets.classification.encoder import ClassificationEncoder
from datasets.classification.sources import class_demo, open_source
from datasets.classification.sources.source import Source
from datasets.images.memory_limit import MemoryLimit
from datasets.records import building
from datasets.records.building import BuildSettings


def main(flags: Flags, arguments: list[str]) -> int:
    """Checks the source, writes the records, and says what to do next."""
    del arguments
    options = flags.options(BuildOptions)
    settings = BuildSettings(
        output_dir=options.output_dir,
        num_shards=options.num_shards,
        is_checked=options.check,
        skip_errors=options.on_error == "skip",
        num_workers=options.num_workers,
        memory_limit=MemoryLimit(options.memory_limit_mb),
        runner=options.runner,
        beam_options=options.beam_options,
    )
    settings.require_runner()
    source = _open_source(options)

    def check() -> check_report.Report:
        report = checks.check_source(
            source, num_workers=options.num_workers, memory_limit=settings.memory_limit
        )
        print(check_report.format_report(report))
        return report

    if options.check_only:
        return 1 if check().errors else 0
    splits = {name: encoder.mix(samples) for name, samples in source.splits.items()}
    spec = building.build(ClassificationEncoder(source), splits, source.problems, check, settings)
    title = f"{spec.name}: {spec.num_classes} classes in {spec.directory}"
    print(f"\n{texts.printable(title)}")
    for name, split in spec.splits.items():
        building.print_split(name, split, spec.shard_paths(name))
    print("Train on it: python train.py --task=classification")
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
