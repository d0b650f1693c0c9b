"""Builds records: datasets.build_tfrecords. `build_tfrecords_flags` has its words and flags."""

import dataclasses
import sys
from collections.abc import Sequence

from captioning.commands.build_tfrecords_flags import BuildOptions, CaptioningBuildingOptions
from commands import build_settings
from commands.flags import Flags
from common.texts import printable
from datasets.captioning import check_report, checks, encoder, vocabulary
from datasets.captioning.encoder import CaptioningEncoder
from datasets.captioning.sources import caption_demo, open_source
from datasets.captioning.sources.source import Source
from datasets.records import building
from datasets.records.problems import Problem


def main(flags: Flags, arguments: list[str]) -> int:
    """Checks the source, writes the records, and says what to do next."""
    del arguments
    options = flags.options(BuildOptions)
    how = flags.options(CaptioningBuildingOptions)
    settings = build_settings.of(how)
    source = _open_source(options)
    counts = vocabulary.count_words(source.captions(), options.splitting)
    if options.word_counts_file is None:
        known = vocabulary.choose(
            counts, options.splitting, options.min_word_count, options.max_words
        )
    else:
        known = vocabulary.read_word_counts(options.word_counts_file, options.splitting)

    is_single = options.one_record_per_caption

    def check(_ahead: object = None) -> check_report.Report:
        report = checks.check_source(
            source, known, num_workers=how.num_workers, memory_limit=settings.memory_limit
        )
        print(check_report.format_report(report))
        if is_single and settings.skip_errors:  # Each caption of an image is skipped.
            return dataclasses.replace(report, problems=_per_caption(report.problems, source))
        return report

    if how.check_only:
        return 1 if check().errors else 0
    splits = {name: encoder.mix(samples, is_single) for name, samples in source.splits.items()}
    spec = building.build(
        CaptioningEncoder(source.name, known, is_single),
        splits,
        source.problems,
        check,
        settings,
        options.data_dir or caption_demo.DEFAULT_FOLDER,
    )
    path = vocabulary.word_counts_path(spec.directory)
    vocabulary.write_word_counts(path, known, counts)
    print(f"\n{printable(spec.name)}: a vocabulary of {len(known)} words in {printable(path)}")
    building.print_splits(spec, "captions with images" if is_single else "images")
    building.print_training(spec, "python train.py --task=captioning")
    return 0


def _open_source(options: BuildOptions) -> Source:
    name = options.dataset or ("coco_captions" if options.data_dir else caption_demo.NAME)
    data_dir = options.data_dir
    if data_dir is None:
        if name != caption_demo.NAME:
            raise ValueError(
                f"--dataset={name} needs --data_dir, the folder of images and captions."
            )
        data_dir = caption_demo.DEFAULT_FOLDER
        print(
            f"No --data_dir is given, so this is the demo: images that the project draws into "
            f"{data_dir}. For your own: --dataset=coco_captions --data_dir=FOLDER (with make: "
            "DATASET=coco_captions DATA_DIR=FOLDER); docs/captioning.md draws what it should hold.",
            file=sys.stderr,
        )
    return open_source(name, data_dir, val_fraction=options.val_fraction, seed=options.seed)


def _per_caption(problems: Sequence[Problem], source: Source) -> tuple[Problem, ...]:
    """Returns problems of images as those of the records that each image becomes."""
    names = {
        (split, sample.name): encoder.caption_names(sample)
        for split, samples in source.splits.items()
        for sample in samples
    }
    return tuple(
        dataclasses.replace(problem, name=name)
        for problem in problems
        for name in names.get((problem.split or "", problem.name or ""), [problem.name])
    )
