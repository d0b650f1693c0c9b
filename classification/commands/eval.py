"""Scores checkpoints of a classifier: eval.py. `eval_flags` has its words and flags."""

import contextlib
import dataclasses
import os

from classification.commands.checkpoint_run import CheckpointRun
from classification.commands.eval_flags import EvalOptions
from classification.evaluation import prediction_files, score_report, validation
from classification.evaluation.evaluator import Evaluation
from commands import weights
from commands.flags import Flags
from common import files
from common.run_options import OPTIONS_FILE
from common.texts import printable
from datasets.records import origin
from training import best_checkpoint


def main(flags: Flags, arguments: list[str]) -> None:
    """Turns flags into options and scores one checkpoint after the other."""
    del arguments
    options = flags.options(EvalOptions)
    run = CheckpointRun(
        flags,
        "eval",
        split=options.eval_split,
        logdir=options.eval_logdir,
        limit_flag="max_number_of_evaluations",
        compares_statistics=True,
    )
    class_names = run.description.class_names
    with contextlib.closing(run):
        for checkpoint, saved_names in run:
            use_ema = bool(saved_names)
            directory = run.results_folder(checkpoint, use_ema)
            files.remove_leftovers(directory)
            predictions = prediction_files.Predictions(class_names)
            evaluation = run.evaluator.score(predictions.add if options.save_predictions else None)
            title = printable(weights.title(checkpoint, saved_names))
            try:
                # First, so that a disk that is full does not lose them.
                print(f"{title}\n{score_report.format_table(evaluation, class_names)}", flush=True)
            finally:  # Nor does a terminal or a pipe that has gone away.
                path = _write(run, evaluation, directory, use_ema)
            print(printable(path))
            if options.save_predictions:
                path = os.path.join(directory, f"predictions-{evaluation.step}.csv")
                predictions.write(path)
                print(printable(path))
            kept = _keep_if_best(run, evaluation, use_ema)
            if kept:
                print(printable(kept))


def _write(run: CheckpointRun, evaluation: Evaluation, directory: str, use_ema: bool) -> str:
    """Writes the scores, a picture of the confusions and TensorBoard's events."""
    class_names = run.description.class_names
    path = score_report.write_json(
        evaluation,
        directory,
        dataset_name=run.spec.name,
        class_names=class_names,
        options={
            "dataset_dir": run.spec.directory,
            "use_ema": use_ema,
            **dataclasses.asdict(run.description.view),
            "model": dataclasses.asdict(run.description.model),
        },
    )
    prediction_files.write_confusion(
        os.path.join(directory, f"confusion-{evaluation.step}.png"),
        evaluation.confusion,
        class_names,
    )
    score_report.write_summaries(evaluation, directory, class_names)
    return path


def _keep_if_best(run: CheckpointRun, evaluation: Evaluation, use_ema: bool) -> str | None:
    """Keeps a training run's best checkpoint by its score on "val" of its own dataset.

    Returns:
      A line for the user; None where the score does not count.
    """
    if evaluation.split != validation.SPLIT:
        return None
    if not run.description.dataset_name:
        return None  # Of another program: its folder is no training run's.
    other = origin.describe_other(run.spec, evaluation.split, run.description)
    if other is not None:
        return f"not compared with the best so far: the training run was on {other}"
    return best_checkpoint.keep_if_best(
        evaluation.checkpoint,
        validation.METRIC,
        evaluation.metrics.accuracy,
        validation.conditions(run.spec, evaluation, run.description),
        step=evaluation.step,
        use_ema=use_ema,
        companions=[OPTIONS_FILE],
    )
