"""Predictions in the forms that clients ask for; everything here runs in a pool of threads."""

import io
import json
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from PIL import Image

from serving.caption_model import Caption
from serving.drawing import visualize
from serving.http import rle
from serving.http.hosting import Prediction
from serving.http.predictors import Predictor
from serving.http.refusals import Refusal

_BLACK = (0, 0, 0)  # A class of this color is left as the image is.
_JPEG_QUALITY = 92
_MAX_JPEG_SIDE = 65_500  # Of libjpeg.


def mask_png(ids: np.ndarray, palette: visualize.Palette) -> bytes:
    """Returns a PNG whose pixels are class ids and whose palette has their colors."""
    return encode(visualize.mask_image(ids, palette), "PNG")


def overlay(
    image: np.ndarray,
    ids: np.ndarray,
    predictor: Predictor,
    opacity: float,
    classes: Collection[int] | None,
    file_format: str,
) -> bytes:
    """Returns an image with its mask painted over it, as "JPEG" or "PNG".

    Args:
      image: uint8 [height, width, 3], RGB.
      ids: class ids.
      predictor: has the names and the palette.
      opacity: of the mask, 0..1.
      classes: those that are painted; None for all but the background.

    Raises:
      Refusal: 400 for an image that is too long for a JPEG.
    """
    if file_format == "JPEG" and max(ids.shape) > _MAX_JPEG_SIDE:
        raise Refusal(
            400,
            f"a JPEG has at most {_MAX_JPEG_SIDE} rows and columns, and the image is "
            f"{ids.shape[0]}x{ids.shape[1]} (height x width); ask for format=overlay_png.",
        )
    painted = Image.fromarray(image)
    palette = list(predictor.model.palette)
    if classes is not None:
        palette = [
            color if class_id in classes else _BLACK for class_id, color in enumerate(palette)
        ]
    visualize.paint_overlay(painted, ids, palette, predictor.model.class_names, opacity)
    return encode(painted, file_format, quality=_JPEG_QUALITY, subsampling=0)


def npy(array: np.ndarray) -> bytes:
    """Returns an array as a `.npy` file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def describe_segments(name: str, prediction: Prediction) -> dict[str, Any]:
    """Returns the classes of an image, the largest first, with shares and COCO's RLE."""
    predictor, ids, planned = prediction
    model = predictor.model
    height, width = ids.shape
    shares = visualize.class_shares(ids, model.num_classes)
    counts = np.bincount(ids.reshape(-1), minlength=model.num_classes)
    network_size = model.fitted_size(height, width) if planned is None else planned.tile
    classes = []
    for class_id in sorted(np.flatnonzero(shares), key=lambda class_id: -shares[class_id]):
        entry = {
            "id": int(class_id),
            "name": model.class_names[class_id],
            "color": color_text(model.palette[class_id]),
            "share": round(float(shares[class_id]), 6),
            "pixels": int(counts[class_id]),
        }
        entry["rle"] = {"size": [height, width], "counts": rle.encode(ids == class_id)}
        classes.append(entry)
    return {
        "model": name,
        "version": predictor.version,
        "height": height,
        "width": width,
        "network_size": list(network_size),
        "tiles": 1 if planned is None else planned.num_tiles,
        "classes": classes,
    }


def describe_classes(
    name: str, predictor: Predictor, probabilities: np.ndarray, top: int
) -> dict[str, Any]:
    """Returns the likeliest classes of an image; of equal ones, the smaller id first."""
    order = np.argsort(-probabilities, kind="stable")[:top]
    return {
        "model": name,
        "version": predictor.version,
        "classes": [
            {
                "id": int(class_id),
                "name": predictor.model.class_names[class_id],
                "probability": float(probabilities[class_id]),
            }
            for class_id in order
        ],
    }


def describe_captions(
    name: str, predictor: Predictor, captions: Sequence[Caption], top: int
) -> dict[str, Any]:
    """Returns the likeliest captions of an image."""
    return {
        "model": name,
        "version": predictor.version,
        "captions": [
            {
                "text": each.text,
                "probability": each.probability,
                "log_probability": each.log_probability,
            }
            for each in captions[:top]
        ],
    }


def find_classes(text: str, names: Sequence[str]) -> set[int]:
    """Returns the ids of classes that a request names: "cat,dog" or "8,12".

    Raises:
      Refusal: 400 for one that does not exist.
    """
    found: set[int] = set()
    for word in filter(None, (word.strip() for word in text.split(","))):
        if word in names:
            found.update(class_id for class_id, name in enumerate(names) if name == word)
        elif word.isascii() and word.isdecimal() and len(word) < 6 and int(word) < len(names):
            found.add(int(word))
        else:
            raise Refusal(
                400,
                f"there is no class {word[:80]!r}; give names, or ids from 0 to {len(names) - 1}.",
            )
    return found


def color_text(color: Sequence[int]) -> str:
    """Returns an RGB color as "#rrggbb"."""
    return "#" + bytes(color).hex()


def to_json(value: Any) -> bytes:
    """Returns JSON in UTF-8; half a character, which a client may send, as JSON escapes it."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def encode(image: Image.Image, file_format: str, **how: Any) -> bytes:
    """Returns an image as the bytes of a file; `how` is Pillow's."""
    file = io.BytesIO()
    if file_format == "PNG":
        how = {"compress_level": 3}  # Half the time of 6 for a tenth more bytes.
    image.save(file, file_format, **how)
    return file.getvalue()
