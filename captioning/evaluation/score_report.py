"""Reports of an evaluation: lines for people, JSON for programs, and TensorBoard."""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from captioning.evaluation.evaluator import DescribedImage, Evaluation
from common import files, json_files
from common.texts import printable
from training import summaries

FORMAT_VERSION = 1
_NUM_EXAMPLES = 5


def format_scores(evaluation: Evaluation, examples: Sequence[DescribedImage]) -> str:
    """Formats the scores, some captions, and a warning where all are alike."""
    scores = evaluation.scores
    lines = [
        f"{printable(each.name)}: {printable(' '.join(each.caption))}"
        for each in examples[:_NUM_EXAMPLES]
    ]
    bleu = ", ".join(f"BLEU-{n} {value:.3f}" for n, value in enumerate(scores.bleu, 1))
    lines.append(
        f"CIDEr-D {scores.cider:.3f}, {bleu}, ROUGE-L {scores.rouge_l:.3f}, perplexity "
        f"{scores.perplexity:.2f} (METEOR: not computed)"
    )
    lines.append(
        f"{scores.distinct:.0%} of the captions are distinct, {scores.mean_length:.1f} words each, "
        f"on {scores.num_images} images of {evaluation.split!r} with {scores.num_captions} "
        f"captions at step {evaluation.step} ({evaluation.seconds:.0f} s)"
    )
    warning = scores.warning()
    return "\n".join([*lines, *([f"WARNING: {warning}"] if warning else [])])


def write_json(
    evaluation: Evaluation, directory: str, dataset_name: str, options: Mapping[str, Any]
) -> str:
    """Writes `eval-STEP.json`, whole or not at all, and returns its path.

    Args:
      evaluation: the scores.
      directory: folder of the file; created if missing.
      dataset_name: of the dataset.
      options: how the evaluation was done; JSON's types.
    """
    content = {
        "format_version": FORMAT_VERSION,
        "dataset": dataset_name,
        "split": evaluation.split,
        "checkpoint": evaluation.checkpoint,
        "step": evaluation.step,
        **dataclasses.asdict(evaluation.scores),
        "meteor": None,
        "options": dict(options),
        "seconds": round(evaluation.seconds, 2),
    }
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, f"eval-{evaluation.step}.json")
    json_files.write(path, content)
    return path


def write_captions(images: Sequence[DescribedImage], directory: str, step: int) -> str:
    """Writes captions as COCO's tools take results, and returns the file's path."""
    found: dict[int, str] = {}
    for each in images:
        found.setdefault(each.image_id, " ".join(each.caption))
    path = os.path.join(directory, f"captions-{step}.json")
    results = [{"image_id": key, "caption": caption} for key, caption in found.items()]
    files.write(path, json.dumps(results, ensure_ascii=False, indent=1).encode())
    return path


def write_summaries(evaluation: Evaluation, directory: str) -> None:
    """Writes the scores to an event file for TensorBoard (OSError: it cannot be written)."""
    scores = evaluation.scores
    values = {
        "eval/cider": scores.cider,
        "eval/perplexity": scores.perplexity,
        "eval/rouge_l": scores.rouge_l,
        "eval/distinct": scores.distinct,
        **{f"eval/bleu_{n}": value for n, value in enumerate(scores.bleu, 1)},
    }
    summaries.write_scalars(directory, values, evaluation.step)
