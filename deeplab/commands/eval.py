"""Scores checkpoints: eval.py. `eval_flags` has its words and flags."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Sequence

from commands import weights
from commands.flags import Flags
from common import checkpoint_files, files
from common.run_options import OPTIONS_FILE
from common.texts import printable
from datasets.records import origin
from deeplab.commands import checkpoint_run
from deeplab.commands.checkpoint_run import CheckpointRun
from deeplab.commands.eval_flags import EvalOptions
from deeplab.evaluation import image_scores, score_report, validation
from deeplab.evaluation.details import Details
from deeplab.evaluation.evaluator import Evaluation
from deeplab.run_description import read_description
from training import best_checkpoint
from training.validation import find_chosen


def main(flags: Flags, arguments: list[str]) -> None:
    """Turns flags into options and scores one checkpoint after the other."""
    del arguments
    options = flags.options(EvalOptions)
    paths = _named(flags.value("checkpoint_path"))
    if len(paths) > 1:
        _compare(flags, options, paths)
        return
    run = _open(flags, options, options.eval_logdir, *paths)
    with contextlib.closing(run):
        for _ in _score(run, options):
            pass


def _named(given: Sequence[str] | None) -> list[str]:
    """Returns the checkpoints that `checkpoint_path` names, also one with a comma in its name."""
    if given is not None and not given:
        raise ValueError("checkpoint_path is empty: name a checkpoint, or omit the flag.")
    whole = ",".join(given or ())
    if os.path.isdir(whole) or checkpoint_files.exists(checkpoint_files.prefix_of(whole)):
        return [whole]
    return list(given or ())


def _open(
    flags: Flags, options: EvalOptions, logdir: str | None, checkpoint_path: str | None = None
) -> CheckpointRun:
    return CheckpointRun(
        flags,
        "eval",
        split=options.eval_split,
        batch_size=options.eval_batch_size,
        crop_size=options.eval_crop_size,
        logdir=logdir,
        limit_flag="max_number_of_evaluations",
        checkpoint_path=checkpoint_path,
        with_probabilities=options.calibration,
    )


def _score(
    run: CheckpointRun, options: EvalOptions, keeps_best: bool = True
) -> Iterator[tuple[str, Evaluation, Details]]:
    """Scores the checkpoints of a run, and prints and writes what they score.

    Args:
      run, options: what is scored.
      keeps_best: whether the best one is kept.

    Yields:
      What each is called, its scores and their details.
    """
    for checkpoint, saved_names in run:
        use_ema = bool(saved_names)
        directory = run.results_folder(checkpoint, use_ema)
        files.remove_leftovers(directory)
        details = Details.of(
            run.spec,
            boundaries=options.boundary_iou,
            calibration=options.calibration,
            images=options.per_image_csv,
        )
        evaluation = run.evaluator.score(list(details.collectors()))
        title = weights.title(checkpoint, saved_names)
        table = score_report.format_table(evaluation, run.spec.class_names, details)
        try:
            # First, so that a disk that is full does not lose them.
            print(f"{printable(title)}\n{table}", flush=True)
        finally:  # Nor does a terminal or a pipe that has gone away.
            paths = _write(run, evaluation, details, directory, use_ema)
        print("\n".join(map(printable, paths)))
        kept = _keep_if_best(run, evaluation, use_ema) if keeps_best else None
        if kept:
            print(printable(kept))
        yield title, evaluation, details


def _compare(flags: Flags, options: EvalOptions, paths: Sequence[str]) -> None:
    """Scores several checkpoints on the same split, and compares them.

    Raises:
      ValueError: one is missing or does not suit the flags, or their datasets differ.
    """
    folder = flags.value("checkpoint_dir")
    for path in paths:  # All before the first download.
        checkpoint_run.refuse_parts(path)
    found = [find_chosen(path, folder) for path in paths]
    checkpoint_run.check_same_dataset(flags, found, options.eval_split, options.eval_crop_size)
    scored: list[tuple[str, Evaluation, Details]] = []
    for number, checkpoint in enumerate(found, start=1):
        logdir = options.eval_logdir
        if logdir:  # Checkpoints of one step would have one file.
            run_folder = os.path.abspath(best_checkpoint.training_folder(checkpoint))
            logdir = os.path.join(logdir, f"{number}_{os.path.basename(run_folder)}")
        run = _open(flags, options, logdir, checkpoint)
        with contextlib.closing(run):
            # A new best would replace the old one, which may be the next to be scored.
            scored += _score(run, options, keeps_best=False)
            class_names = run.spec.class_names
        print()
    print(score_report.format_comparison(scored, class_names))


def _write(
    run: CheckpointRun, evaluation: Evaluation, details: Details, directory: str, use_ema: bool
) -> list[str]:
    """Writes the scores and TensorBoard's events; returns the paths of the scores."""
    paths = [
        score_report.write_json(
            evaluation,
            directory,
            dataset_name=run.spec.name,
            class_names=run.spec.class_names,
            options={
                "dataset_dir": run.spec.directory,
                "use_ema": use_ema,
                **validation.seen_as(run.inputs, run.scales, run.add_flipped),
                "eval_batch_size": run.batch_size,
                "model": dataclasses.asdict(run.model_options),
            },
            details=details,
        )
    ]
    if details.images is not None:
        paths.append(paths[0].removesuffix(".json") + "-images.csv")
        image_scores.write_csv(paths[-1], details.images.scores, run.spec.class_names)
    score_report.write_summaries(
        evaluation, directory, scales=run.scales, add_flipped=run.add_flipped
    )
    return paths


def _keep_if_best(run: CheckpointRun, evaluation: Evaluation, use_ema: bool) -> str | None:
    """Keeps a training run's best checkpoint by its score on "val" of its own dataset.

    Returns:
      A line for the user; None where the score does not count.
    """
    directory = os.path.dirname(evaluation.checkpoint) or "."
    if evaluation.split != validation.SPLIT:
        return None
    if not os.path.exists(os.path.join(directory, OPTIONS_FILE)):
        return None  # a download, which is not ours to write to
    trained = read_description(directory)
    other = origin.describe_other(run.spec, evaluation.split, trained)
    if other is not None:
        return f"not compared with the best so far: the training run was on {other}"
    return best_checkpoint.keep_if_best(
        evaluation.checkpoint,
        validation.METRIC,
        evaluation.metrics.mean_iou,
        validation.conditions(
            run.spec, evaluation, run.inputs, run.model_options, run.scales, run.add_flipped
        ),
        step=evaluation.step,
        use_ema=use_ema,
        companions=[OPTIONS_FILE],
    )
