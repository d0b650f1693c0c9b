"""The batch that training contenders see in every step: nothing is read or decoded."""

import numpy as np

_IGNORE_LABEL = 255
_IGNORED_SHARE = 0.05


def labeled_images(batch_size: int, size: int, num_classes: int) -> dict[str, np.ndarray]:
    """Makes images and a class for each.

    Returns:
      "image" float32 [batch, size, size, 3], 0..255; "label" int32 [batch].
    """
    random = np.random.RandomState(0)
    image = random.uniform(0, 255, [batch_size, size, size, 3]).astype(np.float32)
    return {"image": image, "label": random.randint(0, num_classes, batch_size).astype(np.int32)}


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
