"""The batch that training contenders see in every step: nothing is read or decoded."""

from collections.abc import Mapping
from typing import Any

import numpy as np

_IGNORE_LABEL = 255
_IGNORED_SHARE = 0.05
# About those of COCO: mean and standard deviation of a caption's words, and the fewest and most.
_MEAN_WORDS, _WORDS_DEVIATION = 11.3, 2.5
_FEWEST_WORDS, _MOST_WORDS = 6, 18


def labeled_images(batch_size: int, size: int, num_classes: int) -> dict[str, np.ndarray]:
    """Makes images and a class for each.

    Returns:
      "image" float32 [batch, size, size, 3], 0..255; "label" int32 [batch].
    """
    random = np.random.RandomState(0)
    image = random.uniform(0, 255, [batch_size, size, size, 3]).astype(np.float32)
    return {"image": image, "label": random.randint(0, num_classes, batch_size).astype(np.int32)}


def draw_captions(count: int, num_words: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws captions, in which word 0 marks the end and 1 the start, and the next are frequent.

    Returns:
      (ids, int32 [count, length], 0 after the end; lengths, int32 [count]), both with the words
      that mark start and end.
    """
    random = np.random.RandomState(0)
    drawn = random.normal(_MEAN_WORDS, _WORDS_DEVIATION, count).round()
    lengths = np.clip(drawn, _FEWEST_WORDS, _MOST_WORDS).astype(np.int32) + 2
    shares = 1 / np.arange(2, num_words - 1)
    words = random.choice(shares.size, [count, lengths.max()], p=shares / shares.sum()) + 2
    words[:, 0] = 1
    places = np.arange(lengths.max())
    return np.where(places < lengths[:, np.newaxis] - 1, words, 0).astype(np.int32), lengths


def captioned_step(parameters: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Makes the batch of a contender of `caption_train`, as `input_pipeline.training_batches`.

    Args:
      parameters: of the contender: "images", "captions_per_image", "num_words", "size" of the
        images, the shape of their "features", and whether the latter come in their place.

    Returns:
      "image" float32 [images, height, width, 3], 0..255, or "features" float16 [images, height,
      width, depth]; "ids", "lengths", "image_name" and "image_id".
    """
    random = np.random.RandomState(0)
    num_images, count = parameters["images"], parameters["captions_per_image"]
    ids, lengths = draw_captions(num_images * count, parameters["num_words"])
    batch = {
        "ids": ids.reshape([num_images, count, -1]),
        "lengths": lengths.reshape([num_images, count]),
        "image_name": np.array([f"image_{index}" for index in range(num_images)]),
        "image_id": np.arange(num_images),
    }
    if parameters["encoder_is"] == "features":
        features = random.uniform(0, 1, [num_images, *parameters["features"]])
        return {**batch, "features": features.astype(np.float16)}
    size = parameters["size"]
    image = random.uniform(0, 255, [num_images, size, size, 3])
    return {**batch, "image": image.astype(np.float32)}


def constant_batch(batch_size: int, crop_size: int, num_classes: int) -> dict[str, np.ndarray]:
    """Makes images and masks.

    Returns:
      "image" float32 [batch, crop, crop, 3], 0..255; "label" int32 [batch, crop, crop, 1], in
      blobs, a share of them ignored.
    """
    random = np.random.RandomState(0)
    image = random.uniform(0, 255, [batch_size, crop_size, crop_size, 3]).astype(np.float32)
    cells = random.randint(0, num_classes, [batch_size, 9, 9, 1])
    cells[random.uniform(size=cells.shape) < _IGNORED_SHARE] = _IGNORE_LABEL
    places = np.arange(crop_size) * 9 // crop_size
    label = cells[:, places][:, :, places].astype(np.int32)
    return {"image": image, "label": label}
