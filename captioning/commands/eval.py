"""Scores checkpoints: eval.py. `eval_flags` has its words and flags."""

import contextlib
import dataclasses
import os

import tensorflow.compat.v1 as tf

from captioning import run_description
from captioning.commands.dataset_choice import find_split, read_dataset
from captioning.commands.eval_flags import EvalOptions
from captioning.commands.shared_options import BatchOptions, SearchFlags
from captioning.evaluation import score_report, validation
from captioning.evaluation.evaluator import DescribedImage, Evaluation, Evaluator
from captioning.options import SearchOptions
from captioning.run_description import RunDescription
from commands import checkpoint_search, weights
from commands.checkpoint_search import Checkpoints
from commands.flags import Flags
from commands.shared_options import CheckpointOptions, DatasetOptions
from common import files
from common.run_options import OPTIONS_FILE
from common.texts import printable
from datasets.captioning.specs import CaptioningSpec
from datasets.records import origin
from training import best_checkpoint, published_checkpoints


def main(flags: Flags, arguments: list[str]) -> None:
    """Turns flags into options and scores one checkpoint after the other."""
    del arguments
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.FATAL)  # its lines about checkpoints repeat ours
    options = flags.options(EvalOptions)
    search = flags.options(SearchFlags).search_options()
    split = find_split(flags, "eval_split")
    checkpoint_path = flags.options(CheckpointOptions).checkpoint_path
    published_checkpoints.require_kind(checkpoint_path, None, "network of captions")
    found = Checkpoints(flags, "eval", split, options.eval_logdir, "max_number_of_evaluations")
    description = run_description.read_description(os.path.dirname(found.first) or ".")
    spec = read_dataset(flags, description)
    if flags.value("input_file_pattern") is None:
        dataset = flags.options(DatasetOptions)
        checkpoint_search.warn_of_other_dataset(dataset, spec, split, description)
    evaluator = Evaluator(
        spec,
        split,
        description,
        search=search,
        batch_size=flags.options(BatchOptions).eval_batch_size,
    )
    with contextlib.closing(evaluator):
        for checkpoint, saved_names in found.restored(evaluator):
            use_ema = bool(saved_names)
            directory = found.results_folder(checkpoint, use_ema)
            files.remove_leftovers(directory)
            images: list[DescribedImage] = []
            evaluation = evaluator.score(images.append)
            title = printable(weights.title(checkpoint, saved_names))
            try:
                # First, so that a disk that is full does not lose them.
                print(f"{title}\n{score_report.format_scores(evaluation, images)}", flush=True)
            finally:  # Nor does a terminal or a pipe that has gone away.
                how = {
                    "dataset_dir": spec.directory,
                    "use_ema": use_ema,
                    **dataclasses.asdict(description.view),
                    "model": dataclasses.asdict(description.model),
                    "search": dataclasses.asdict(search),
                }
                path = score_report.write_json(evaluation, directory, spec.name, how)
                score_report.write_summaries(evaluation, directory)
            print(printable(path))
            if options.save_captions:
                print(printable(score_report.write_captions(images, directory, evaluation.step)))
            kept = _keep_if_best(spec, description, search, evaluation, use_ema)
            if kept:
                print(printable(kept))


def _keep_if_best(
    spec: CaptioningSpec,
    description: RunDescription,
    search: SearchOptions,
    evaluation: Evaluation,
    use_ema: bool,
) -> str | None:
    """Keeps a training run's best checkpoint by its score on "val" of its own dataset.

    Returns:
      A line for the user; None where the score does not count.
    """
    if evaluation.split != validation.SPLIT:
        return None
    other = origin.describe_other(spec, evaluation.split, description)
    if other is not None:
        return f"not compared with the best so far: the training run was on {other}"
    return best_checkpoint.keep_if_best(
        evaluation.checkpoint,
        validation.METRIC,
        evaluation.scores.cider,
        validation.conditions(spec, evaluation, description, search),
        step=evaluation.step,
        use_ema=use_ema,
        companions=[OPTIONS_FILE],
    )
