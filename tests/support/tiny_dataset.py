"""Small datasets on disk for tests: images of noise with masks, as records."""

import pathlib
from collections.abc import Sequence

import cv2
import numpy as np

from datasets.records import tfrecords
from datasets.segmentation import laplacian, record_format, specs

IGNORE_LABEL = 255


def random_image(seed: int, height: int, width: int, num_classes: int = 3):
    """Returns an image uint8 [height, width, 3] and a mask uint8 [height, width]."""
    random = np.random.RandomState(seed)
    image = random.randint(0, 256, (height, width, 3)).astype(np.uint8)
    mask = random.choice([*range(num_classes), IGNORE_LABEL], (height, width)).astype(np.uint8)
    return image, mask


def encode(name: str, image: np.ndarray, mask: np.ndarray, with_gradient: bool = True) -> bytes:
    """Returns the serialized record of an image, which is stored as PNG."""
    png = cv2.imencode(".png", image[..., ::-1])[1].tobytes()
    gradient = laplacian.laplacian(image) if with_gradient else None
    return record_format.encode_example(name, png, "png", mask, gradient).SerializeToString()


def write(
    directory: pathlib.Path,
    images: Sequence[tuple[str, np.ndarray, np.ndarray]],
    *,
    split: str = "train",
    num_classes: int = 3,
    num_shards: int = 1,
    with_gradient: bool = True,
) -> specs.DatasetSpec:
    """Writes one split and returns its description.

    Args:
      directory: where the shards go.
      images: (name, image, mask) of each record.
      split, num_classes, num_shards, with_gradient: of the dataset.
    """
    for index in range(num_shards):
        path = tfrecords.shard_path(str(directory), split, index, num_shards)
        with tfrecords.write_shard(path) as writer:
            for example in images[index::num_shards]:
                writer.write(encode(*example, with_gradient=with_gradient))
    counts = np.zeros(num_classes, np.int64)
    for _, _, mask in images:
        counts += np.bincount(mask[mask < num_classes], minlength=num_classes)
    spec = specs.DatasetSpec(
        name="tiny",
        directory=str(directory),
        class_names=tuple(f"class {index}" for index in range(num_classes)),
        palette=tuple((index, 0, 255 - index) for index in range(num_classes)),
        ignore_label=IGNORE_LABEL,
        has_gradient=with_gradient,
        splits={
            split: specs.SplitSpec(
                num_examples=len(images),
                num_shards=num_shards,
                pixels_per_class=tuple(counts.tolist()),
                examples_per_class=(len(images),) * num_classes,
                ignored_pixels=int(sum((mask == IGNORE_LABEL).sum() for _, _, mask in images)),
                max_height=max(image.shape[0] for _, image, _ in images),
                max_width=max(image.shape[1] for _, image, _ in images),
            )
        },
    )
    specs.write_spec(spec)
    return spec
