"""Writes the images of a split and the predictions for them, as research/deeplab's vis.py does.

    segmentation_results/NAME_image.jpg        the image, the file that the record holds
    segmentation_results/NAME_prediction.png   a palette PNG: class ids, shown in class colors
    raw_segmentation_results/NAME.png          8-bit gray, ids as a benchmark's server wants them

In research/deeplab the predictions are RGB, and all files are numbered.
"""

import dataclasses
import io
import os
import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import tensorflow.compat.v1 as tf
from PIL import Image

from common import files, image_files
from datasets.segmentation.sources import cityscapes
from serving.drawing import visualize

RESULTS_FOLDER = "segmentation_results"
RAW_FOLDER = "raw_segmentation_results"

# Endings of the files that records keep as they are.
_ENDINGS = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png"}
_IMAGE_EXTENSION = re.compile(f"({'|'.join(map(re.escape, image_files.ENDINGS))})$", re.IGNORECASE)
# File systems allow 255 bytes in a name; the longest ending takes some of them.
_MAX_STEM_BYTES = 255 - len("_prediction.png")


@dataclasses.dataclass(frozen=True)
class EncodedImage:
    """An image as its record holds it.

    Attributes:
      encoded: bytes of a JPEG or PNG file.
      size: (height, width), pixels.
    """

    encoded: bytes
    size: tuple[int, int]


def read_image(record: bytes) -> EncodedImage:
    """Returns the image in a serialized record, which has been decoded before."""
    feature = tf.train.Example.FromString(record).features.feature
    (encoded,) = feature["image/encoded"].bytes_list.value
    with Image.open(io.BytesIO(encoded), formats=image_files.FORMATS) as image:
        return EncodedImage(encoded, (image.height, image.width))


def server_ids(class_names: Sequence[str]) -> np.ndarray:
    """Returns the id that a benchmark's server expects for each class id.

    Returns:
      uint8 [256]: Cityscapes' label ids for its 19 classes, the ids themselves for other datasets.
    """
    table = np.arange(256, dtype=np.uint8)
    if tuple(class_names) == cityscapes.CLASS_NAMES:
        table[: len(cityscapes.LABEL_IDS)] = cityscapes.LABEL_IDS
    return table


class PredictionFiles:
    """Writes the files of one image after the other, and creates the folders.

    Args:
      directory: folder of the folders of results.
      palette: RGB color, 0..255, of each class id.
      raw_ids: uint8 [256], the id that a raw file has for each class id; None for no raw files.
      numbered: whether files are called 000000_image.png, 000000_prediction.png … instead of after
        the images. Raw files are called after the images.
    """

    def __init__(
        self,
        directory: str,
        palette: visualize.Palette,
        raw_ids: np.ndarray | None = None,
        numbered: bool = False,
    ):
        self._results = os.path.join(directory, RESULTS_FOLDER)
        self._raw = os.path.join(directory, RAW_FOLDER)
        self._palette = palette
        self._raw_ids = raw_ids
        self._numbered = numbered
        self._names: set[str] = set()
        for results in self._make_folders():
            for folder, _, _ in os.walk(results):
                files.remove_leftovers(folder)

    def write(self, image_name: str, image: EncodedImage, class_ids: np.ndarray) -> None:
        """Writes the files of one image, each whole or not at all.

        Args:
          image_name: the record's name of the image. `town/a` goes into a folder `town`. Of a path
            with an ending, as other converters write it (`/data/VOC/a.jpg`), only the stem counts.
            Control characters become "_", names too long for a file are cut, and a name that was
            written before gets a number at its end.
          image: the image.
          class_ids: integers [height, width], at the image's size.

        Raises:
          OSError: a file cannot be written.
        """
        number = len(self._names)
        name = self._choose_name(image_name)
        base = os.path.join(self._results, f"{number:06d}" if self._numbered else name)
        ending, encoded = self._image_file(image)
        # Somebody may have removed the folders since the last image.
        self._make_folders(os.path.dirname(name))
        files.write(f"{base}_image{ending}", encoded)
        files.write(
            f"{base}_prediction.png", _as_png(visualize.mask_image(class_ids, self._palette))
        )
        if self._raw_ids is not None:
            raw = Image.fromarray(self._raw_ids[class_ids])
            files.write(os.path.join(self._raw, f"{name}.png"), _as_png(raw))

    def _make_folders(self, subfolder: str = "") -> list[str]:
        parents = [self._results, *([] if self._raw_ids is None else [self._raw])]
        folders = [os.path.join(parent, subfolder) for parent in parents]
        for folder in folders:
            os.makedirs(folder, exist_ok=True)
        return folders

    def _choose_name(self, image_name: str) -> str:
        parts = _parts(image_name) or [f"{len(self._names):06d}"]
        name, copy = _join(parts), 1
        while name.lower() in self._names:
            copy += 1
            name = _join(parts, f"_{copy}")
        self._names.add(name.lower())
        return name

    def _image_file(self, encoded: EncodedImage) -> tuple[str, bytes]:
        with Image.open(io.BytesIO(encoded.encoded), formats=image_files.FORMATS) as image:
            ending = _ENDINGS.get(image.format)
            if ending == ".png" or (ending and not self._numbered):
                return ending, encoded.encoded
            return ".png", _as_png(image.convert("RGB"))


def _parts(image_name: str) -> list[str]:
    """Returns the folders and the stem that an image's files get."""
    stem = _IMAGE_EXTENSION.sub("", image_name)
    if stem != image_name or os.path.isabs(stem):  # A path on the converter's machine.
        stem = os.path.basename(stem)
    stem = "".join("_" if unicodedata.category(char) in ("Cc", "Cs") else char for char in stem)
    return [part for part in stem.split("/") if part not in ("", ".", "..")]


def _join(parts: Sequence[str], suffix: str = "") -> str:
    """Joins parts and a suffix; parts too long for the names of all files are cut."""
    *folders, stem = (
        part.encode()[: _MAX_STEM_BYTES - len(suffix)].decode(errors="ignore") for part in parts
    )
    return "/".join([*folders, stem + suffix])


def _as_png(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()
