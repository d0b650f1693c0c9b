"""Writes a page about a trained network: report.py. `report_flags` has its words and flags."""

import contextlib
import os
from collections.abc import Sequence

from commands import weights
from commands.flags import Flags
from commands.shared_options import CheckpointOptions
from common import files
from common.texts import printable
from deeplab.commands import checkpoint_run
from deeplab.commands.checkpoint_run import CheckpointRun
from deeplab.commands.report_flags import ReportOptions
from deeplab.evaluation import image_scores, score_report, validation
from deeplab.evaluation.details import Details
from deeplab.report import page, scored_run, worst_images
from deeplab.report.page import Report
from deeplab.report.scored_run import ScoredRun
from deeplab.report.worst_images import WorstImages
from training import best_checkpoint, checkpoints, command_log
from training.validation import find_chosen

PAGE = "report.html"
_TABLES = ("images.csv", "images_of_b.csv")


def main(flags: Flags, arguments: list[str]) -> None:
    """Turns flags into options, scores, and writes the page."""
    del arguments
    options = flags.options(ReportOptions)
    choice = flags.options(CheckpointOptions)
    for named in (choice.checkpoint_path, choice.checkpoint_dir, options.compare_with):
        checkpoint_run.refuse_parts(named)  # All before the first download.
    found = [_find(choice)]
    if options.compare_with is not None:
        found.append(find_chosen(options.compare_with))
        checkpoint_run.check_same_dataset(
            flags, found, options.report_split, options.report_crop_size
        )
    runs: list[ScoredRun] = []
    directory = ""
    for checkpoint in found:
        run = CheckpointRun(
            flags,
            "report",
            split=options.report_split,
            batch_size=options.report_batch_size,
            crop_size=options.report_crop_size,
            logdir=directory or options.report_logdir,
            limit_flag=None,
            checkpoint_path=checkpoint,
            with_probabilities=True,
        )
        with contextlib.closing(run):
            ((prefix, saved_names),) = run
            directory = directory or run.results_folder(prefix, bool(saved_names))
            chosen = [each.index for each in runs[0].images] if runs else None
            title = weights.title(prefix, saved_names)
            runs.append(_score(run, options, prefix, title, chosen))
    spec = run.spec
    _print(runs, spec.class_names)
    files.remove_leftovers(directory)
    os.makedirs(directory, exist_ok=True)
    tables = _TABLES[: len(runs)]
    for name, each in zip(tables, runs, strict=True):
        assert each.details.images is not None
        path = os.path.join(directory, name)
        image_scores.write_csv(path, each.details.images.scores, spec.class_names)
        print(printable(path))
    report = Report(
        spec=spec,
        split=options.report_split,
        runs=runs,
        photos=worst_images.read_images(
            spec, options.report_split, [each.index for each in runs[0].images]
        ),
        files=tables,
        made_by=command_log.this_process(),
    )
    path = os.path.join(directory, PAGE)
    files.write(path, page.render(report).encode(errors="replace"))
    print(printable(path))


def _find(options: CheckpointOptions) -> str:
    """Returns the checkpoint that flags name, or the one that the training run is used with."""
    if options.checkpoint_path is not None:
        return find_chosen(options.checkpoint_path, options.checkpoint_dir)
    return find_chosen(options.checkpoint_dir or checkpoints.find_newest_run())


def _score(
    run: CheckpointRun,
    options: ReportOptions,
    checkpoint: str,
    title: str,
    chosen: Sequence[int] | None,
) -> ScoredRun:
    """Scores the checkpoint that a run has restored.

    Args:
      run: of it.
      options: of the command.
      checkpoint: its prefix.
      title: what it is called.
      chosen: indices of the images whose predictions are shown; None for the worst.
    """
    details = Details.of(run.spec, boundaries=True, calibration=True, images=True)
    assert details.images is not None
    worst = WorstImages(details.images, options.num_worst_images, chosen)
    # First, so that a damaged file does not lose the scores.
    training = scored_run.read_training(
        best_checkpoint.training_folder(checkpoint), options.report_split
    )
    evaluation = run.evaluator.score([*details.collectors(), worst])
    seen_as = validation.seen_as(run.inputs, run.scales, run.add_flipped)
    return ScoredRun(
        title=title,
        evaluation=evaluation,
        details=details,
        images=worst.found(),
        training=training,
        conditions={
            "output_stride": run.model_options.output_stride,
            **{name: value for name, value in seen_as.items() if value is not None},
        },
    )


def _print(runs: Sequence[ScoredRun], class_names: Sequence[str]) -> None:
    if len(runs) > 1:
        scored = [(each.title, each.evaluation, each.details) for each in runs]
        print(score_report.format_comparison(scored, class_names), flush=True)
        return
    (run,) = runs
    table = score_report.format_table(run.evaluation, class_names, run.details)
    print(f"{printable(run.title)}\n{table}", flush=True)
