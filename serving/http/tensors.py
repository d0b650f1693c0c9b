"""Tensors in JSON and bytes -> images, with the limits of images."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from serving.http import image_input
from serving.http.image_input import ImageLimits
from serving.http.refusals import Refusal

# Memory that a byte of JSON takes as Python's objects: "[0,0,0]," becomes a list of 88 bytes.
JSON_BYTES = 12


def parse_json(data: bytes) -> dict[str, Any]:
    """Returns the JSON object of a body (Refusal 400 for anything else)."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise Refusal(400, "the body is not JSON.") from None
    if not isinstance(value, dict):
        raise Refusal(400, f"the body is a JSON {type(value).__name__}; expected an object.")
    return value


def from_base64(value: Any, name: str) -> bytes:
    """Returns what base64 holds, with or without "data:…;base64," before it (Refusal 400)."""
    if not isinstance(value, str):
        raise Refusal(400, f"{name} is not text; expected an image file as base64.")
    if value.startswith("data:"):
        value = value.partition(",")[2]
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(400, f"{name} is not base64; expected an image file in it.") from None


def images_of(values: Any, name: str, limits: ImageLimits) -> list[np.ndarray]:
    """Returns images given as numbers: one [height, width, 3], or a batch of them.

    Raises:
      Refusal: 400 for numbers that are not 0 to 255 or a shape of another kind, 413 for an image
        that is too large.
    """
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, OverflowError):
        raise Refusal(400, f"{name} has rows of different lengths.") from None
    if array.dtype.kind not in "iuf" or array.ndim not in (3, 4) or array.shape[-1] != 3:
        raise Refusal(
            400,
            f"{name} has shape {list(array.shape)[:6]}; expected numbers [height, width, 3], or a "
            "batch of them.",
        )
    batch = array if array.ndim == 4 else array[np.newaxis]
    if not len(batch):
        raise Refusal(400, f"{name} holds no image.")
    limits.check(*batch.shape[1:3])
    if batch.dtype != np.uint8:
        if not (np.all(batch >= 0) and np.all(batch <= 255) and np.all(batch == np.floor(batch))):
            raise Refusal(400, f"{name} has other values than the whole numbers 0 to 255.")
        batch = batch.astype(np.uint8)
    return list(batch)


def num_bytes(images: Sequence[np.ndarray]) -> int:
    """Returns the memory that images take until they are answered."""
    return sum(image_input.num_bytes(*image.shape[:2]) for image in images)
