"""How the exports of classifiers are compared and scored; `commands.export_forms` does it."""

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow.compat.v1 as tf
import tqdm
from PIL import Image

from classification import inference_graph
from classification.data import input_pipeline
from classification.evaluation import metrics
from classification.run_description import RunDescription
from commands.export_forms import check_split
from commands.exported_task import ExportedTask
from datasets.classification import specs
from datasets.classification.specs import ClassificationSpec
from datasets.records import shard_check
from serving import parity
from serving.image_classifier import ImageClassifier

_IMAGES_AT_ONCE = 8
_Batch = tuple[list[np.ndarray], list[int]]


def exported_task(description: RunDescription) -> ExportedTask[ImageClassifier]:
    """Returns what there is to know of the exports of a classifier."""

    def open_split(directory: str, split: str) -> Callable[[ImageClassifier], dict[str, float]]:
        return _open_split(directory, split, description)

    return ExportedTask(
        ImageClassifier,
        as_input=_as_input,
        compare=parity.compare_classification,
        parity=parity.ClassParity,
        open_split=open_split,
        answer=lambda image, run, metadata: inference_graph.build_answer(
            image, run, metadata.class_names
        ),
        answered_ids=lambda answer: answer["class_ids"],
        score_titles={"accuracy": "accuracy", "top_5": f"top-{metrics.TOP} accuracy"},
        # Else 8 bits move the logits up to four times as far (docs/classification.md).
        is_calibrated_thoroughly=True,
    )


def _as_input(model: ImageClassifier, image: Image.Image) -> np.ndarray:
    del model  # All take images of any size.
    return np.asarray(image)


def _open_split(
    directory: str, split: str, description: RunDescription
) -> Callable[[ImageClassifier], dict[str, float]]:
    """Returns a function that computes the shares of right classes of a model on a split."""
    spec = specs.read_spec(directory)
    check_split(directory, split, spec.splits)
    offset = description.view.labels_offset
    names, num_classes = spec.class_names[offset:], description.model.num_classes
    if len(names) != num_classes or description.class_names not in ((), names):
        raise ValueError(
            f"{directory} has the {len(names)} classes {', '.join(names):.200}, but the network "
            f"was trained on {description.dataset_name!r} with the {num_classes} classes "
            f"{', '.join(description.class_names):.200}; give the folder of its own dataset as "
            "--quantize_dataset_dir."
        )
    shard_check.complete_shards(spec, split)

    def score(model: ImageClassifier) -> dict[str, float]:
        counter = metrics.Counter(num_classes)
        for images, labels in _batches(spec, split, offset):
            counter.add(np.asarray(labels), model.probabilities(images))
        scores = counter.metrics()
        return {"accuracy": scores.accuracy, "top_5": scores.top_5}

    return score


def _batches(spec: ClassificationSpec, split: str, labels_offset: int) -> Iterator[_Batch]:
    """Yields lists of uint8 images [height, width, 3] and of the network's class ids.

    Raises:
      ValueError: an image is broken, or not all of them were read; the message names it.
    """
    num_examples = spec.split(split).num_examples
    with tf.Graph().as_default(), tf.Session() as session:
        examples = input_pipeline.whole_images(spec, split, labels_offset)
        example = tf.data.make_one_shot_iterator(examples).get_next()
        images: list[np.ndarray] = []
        labels: list[int] = []
        num_read = 0
        with tqdm.tqdm(total=num_examples, desc=split, unit="image", disable=None) as progress:
            while True:
                try:
                    values = session.run(example)
                except tf.errors.OutOfRangeError:
                    break
                except tf.errors.OpError as error:
                    raise (input_pipeline.explain(error, spec, split) or error) from None
                images.append(values["image"])
                labels.append(int(values["label"]))
                num_read += 1
                if len(images) == _IMAGES_AT_ONCE:
                    yield images, labels
                    images, labels = [], []
                    progress.update(_IMAGES_AT_ONCE)
        if images:
            yield images, labels
        if num_read != num_examples:
            raise shard_check.explain_missing(spec, split, num_read)
