"""How the exports of segmentation are compared and scored; `commands.export_forms` does it."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow.compat.v1 as tf
from PIL import Image

from commands.export_forms import check_split
from commands.exported_task import ExportedTask
from datasets.records import shard_check, tfrecords
from datasets.segmentation import record_format, specs
from deeplab import inference_graph
from deeplab.evaluation import metrics
from serving import parity
from serving.contract import Metadata
from serving.deeplab_model import DeepLabModel

_IMAGES_AT_ONCE = 8


def exported_task(num_classes: int) -> ExportedTask[DeepLabModel]:
    """Returns what there is to know of the exports of a network with a number of classes."""

    def open_split(directory: str, split: str) -> Callable[[DeepLabModel], dict[str, float]]:
        return _open_split(directory, split, num_classes)

    return ExportedTask(
        DeepLabModel,
        as_input=_as_input,
        compare=parity.compare_segmentation,
        parity=parity.PixelParity,
        open_split=open_split,
        answer=_answer,
        answered_ids=_answered_ids,
        score_titles={"mean_iou": "mean IoU"},
    )


def _answer(image: tf.Tensor, run: inference_graph.Run, metadata: Metadata) -> dict[str, tf.Tensor]:
    # A graph that resizes takes images of any size.
    crop_size = metadata.crop_size if metadata.min_resize_value is None else None
    return {inference_graph.MASK_BYTES: inference_graph.build_mask_file(image, run, crop_size)}


def _answered_ids(answer: Mapping[str, np.ndarray]) -> np.ndarray:
    (content,) = answer[inference_graph.MASK_BYTES]
    return np.asarray(Image.open(io.BytesIO(content)))[np.newaxis]


def _as_input(model: DeepLabModel, image: Image.Image) -> np.ndarray:
    return np.asarray(model.fit(image))


def _open_split(
    directory: str, split: str, num_classes: int
) -> Callable[[DeepLabModel], dict[str, float]]:
    """Returns a function that computes the mean IoU of a model on a split, at single scale."""
    spec = specs.read_spec(directory)
    check_split(directory, split, spec.splits)
    if len(spec.class_names) != num_classes:
        raise ValueError(
            f"{directory} has {len(spec.class_names)} classes, but the network {num_classes}; give "
            "the folder of its own dataset as --quantize_dataset_dir."
        )
    paths = shard_check.complete_shards(spec, split)

    def score(model: DeepLabModel) -> dict[str, float]:
        counts = np.zeros([num_classes] * 2, np.int64)
        for images, labels in _batches(paths):
            for label, ids in zip(labels, model.segment_batch(images), strict=True):
                counts += metrics.confusion_matrix(label, ids, num_classes, spec.ignore_label)
        return {"mean_iou": metrics.compute_metrics(counts).mean_iou}

    return score


def _batches(paths: Sequence[str]) -> Iterator[tuple[list[np.ndarray], list[np.ndarray]]]:
    """Yields lists of uint8 images [height, width, 3] and labels [height, width]."""
    with tf.Graph().as_default(), tf.Session() as session:
        serialized = tf.placeholder(tf.string, [])
        example = record_format.parse_example(serialized, with_gradient=False)
        images, labels = [], []
        for path in paths:
            for record in tfrecords.read_records(path):
                values = session.run(
                    {name: example[name] for name in ("image", "label")}, {serialized: record}
                )
                images.append(values["image"])
                labels.append(values["label"][..., 0])
                if len(images) == _IMAGES_AT_ONCE:
                    yield images, labels
                    images, labels = [], []
        if images:
            yield images, labels
