"""The images on which a network is worst: which they are, and how they look."""

import base64
import dataclasses
import io
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from PIL import Image

from common import image_files
from datasets.records import tfrecords
from datasets.segmentation.specs import DatasetSpec
from deeplab.evaluation import prediction_files
from deeplab.evaluation.evaluator import PredictedBatch
from deeplab.evaluation.image_scores import ImageScore, ImageScores
from serving.drawing import visualize

# Longer side of a thumbnail, pixels.
_SIDE = 320
_JPEG_QUALITY = 85
# Of the picture of errors.
_RIGHT_COLOR, _WRONG_COLOR, _IGNORED_COLOR = (226, 232, 240), (220, 38, 38), (255, 255, 255)


@dataclasses.dataclass(frozen=True)
class Predicted:
    """What a network says of an image.

    Attributes:
      index: of its record in the split.
      score: of the image.
      labels, class_ids: uint8 [height, width].
    """

    index: int
    score: ImageScore
    labels: np.ndarray
    class_ids: np.ndarray


class WorstImages:
    """Keeps the predictions of the worst images of a split, or of given ones.

    Args:
      scores: of single images; collects each batch before this does.
      limit: how many are kept.
      chosen: indices of those that are kept, whatever they score; None for the worst.
    """

    def __init__(self, scores: ImageScores, limit: int, chosen: Iterable[int] | None = None):
        self._scores = scores
        self._limit = limit
        self._chosen = None if chosen is None else frozenset(chosen)
        self._num_seen = 0
        self._kept: list[Predicted] = []

    def add(self, batch: PredictedBatch) -> None:
        """Looks at the images of a batch."""
        for labels, class_ids in batch.pairs():
            index = self._num_seen
            self._num_seen += 1
            score = self._scores.scores[index]
            if math.isnan(score.mean_iou) or (
                self._chosen is not None and index not in self._chosen
            ):
                continue
            self._kept.append(
                Predicted(index, score, labels.astype(np.uint8), class_ids.astype(np.uint8))
            )
            self._kept.sort(key=lambda each: each.score.badness())
            del self._kept[self._limit :]

    def found(self) -> list[Predicted]:
        """Returns the images, the worst first."""
        return list(self._kept)


def read_images(spec: DatasetSpec, split: str, wanted: Iterable[int]) -> dict[int, Image.Image]:
    """Reads images of a split by the indices of their records: RGB."""
    wanted = set(wanted)
    if not wanted:
        return {}
    records = itertools.chain.from_iterable(map(tfrecords.read_records, spec.shard_paths(split)))
    images = {}
    for index, record in enumerate(itertools.islice(records, max(wanted) + 1)):
        if index in wanted:
            encoded = prediction_files.read_image(record).encoded
            with Image.open(io.BytesIO(encoded), formats=image_files.FORMATS) as image:
                images[index] = image.convert("RGB")
    return images


def photo_uri(image: Image.Image, size: tuple[int, int]) -> str:
    """Returns an image as a data URI; `size` is (height, width) of the masks beside it."""
    small = image.resize(_thumbnail_size(size), Image.Resampling.LANCZOS)
    return _uri(small, "JPEG", quality=_JPEG_QUALITY)


def mask_uri(class_ids: np.ndarray, palette: visualize.Palette) -> str:
    """Returns a mask in its colors as a data URI."""
    image = visualize.mask_image(class_ids, palette)
    size = _thumbnail_size((image.height, image.width))
    return _uri(image.resize(size, Image.Resampling.NEAREST), "PNG", optimize=True)


def errors_uri(predicted: Predicted, ignore_label: int) -> str:
    """Returns a picture of wrong pixels as a data URI: red ones are wrong, white ones ignored."""
    codes = (predicted.labels != predicted.class_ids).astype(np.uint8)
    codes[predicted.labels == ignore_label] = 2
    return mask_uri(codes, (_RIGHT_COLOR, _WRONG_COLOR, _IGNORED_COLOR))


def colors_of(
    predicted: Sequence[Predicted], names: Sequence[str], palette: visualize.Palette
) -> Iterator[Mapping[str, str]]:
    """Yields name and color of the classes that masks show, in the order of their ids."""
    masks = [mask for each in predicted for mask in (each.labels, each.class_ids)]
    shown = set().union(*(np.unique(mask).tolist() for mask in masks))
    for index, name in enumerate(names):
        if index in shown:
            yield {"name": name, "color": css_color(palette[index])}


def css_color(color: Sequence[int]) -> str:
    """Returns an RGB color, 0..255, as "#rrggbb"."""
    return "#" + "".join(f"{int(value):02x}" for value in color)


def _thumbnail_size(size: tuple[int, int]) -> tuple[int, int]:
    """Returns (width, height) of a thumbnail of an image of (height, width)."""
    scale = min(1.0, _SIDE / max(size))
    return max(1, round(size[1] * scale)), max(1, round(size[0] * scale))


def _uri(image: Image.Image, kind: str, **options: object) -> str:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(data.getvalue()).decode()}"
