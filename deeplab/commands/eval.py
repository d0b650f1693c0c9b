"""Scores checkpoints: eval.py. `eval_flags` has its words and flags."""

import contextlib
import dataclasses
import os

from commands import weights
from commands.flags import Flags
from common import files
from common.run_options import OPTIONS_FILE
from common.texts import printable
from deeplab.commands.checkpoint_run import CheckpointRun
from deeplab.commands.eval_flags import EvalOptions
from deeplab.evaluation import score_report, validation
from deeplab.evaluation.evaluator import Evaluation
from deeplab.run_description import read_description
from training import best_checkpoint


def main(flags: Flags, arguments: list[str]) -> None:
    """Turns flags into options and scores one checkpoint after the other."""
    del arguments
    options = flags.options(EvalOptions)
    run = CheckpointRun(
        flags,
        "eval",
        split=options.eval_split,
        batch_size=options.eval_batch_size,
        crop_size=options.eval_crop_size,
        logdir=options.eval_logdir,
        limit_flag="max_number_of_evaluations",
    )
    with contextlib.closing(run):
        for checkpoint, saved_names in run:
            use_ema = bool(saved_names)
            directory = run.results_folder(checkpoint, use_ema)
            files.remove_leftovers(directory)
            evaluation = run.evaluator.score()
            title = printable(weights.title(checkpoint, saved_names))
            table = score_report.format_table(evaluation, run.spec.class_names)
            try:
                # First, so that a disk that is full does not lose them.
                print(f"{title}\n{table}", flush=True)
            finally:  # Nor does a terminal or a pipe that has gone away.
                path = _write(run, evaluation, directory, use_ema)
            print(printable(path))
            kept = _keep_if_best(run, evaluation, use_ema)
            if kept:
                print(printable(kept))


def _write(run: CheckpointRun, evaluation: Evaluation, directory: str, use_ema: bool) -> str:
    """Writes the scores and TensorBoard's events; returns the path of the scores."""
    path = score_report.write_json(
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
    )
    score_report.write_summaries(
        evaluation, directory, scales=run.scales, add_flipped=run.add_flipped
    )
    return path


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
    trained_on = read_description(directory).dataset_name
    if trained_on != run.spec.name:
        return (
            f"not compared with the best so far: the training run was on the dataset {trained_on!r}"
        )
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
