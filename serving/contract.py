"""What exporters and users of exported networks agree on: names and a description.

Node names of segmentation are those of research/deeplab, so that its exports can be used like ours.
The names of files are in `common.export_names`.
"""

import dataclasses
import re
from typing import Any

from common import json_files
from common.texts import printable

# The graph as its users see it.
INPUT = "ImageTensor"
PREDICTIONS = "SemanticPredictions"
PROBABILITIES = "SemanticProbabilities"
# The same two with the padding up to the crop size.
RAW_PREDICTIONS = "RawSemanticPredictions"
RAW_PROBABILITIES = "RawSemanticProbabilities"
OUTPUTS = (PREDICTIONS, PROBABILITIES, RAW_PREDICTIONS, RAW_PROBABILITIES)

# Inputs of the network inside it, which another engine than TensorFlow may run.
NETWORK_IMAGE = "NetworkImage"
NETWORK_LAPLACIAN = "NetworkGradient"
NETWORK_INPUTS = (NETWORK_IMAGE, NETWORK_LAPLACIAN)
# Its output. With several scales or mirror images there are also SemanticLogits_1 …
LOGITS = "SemanticLogits"

# How classifiers see images, as research/slim does it.
PREPROCESSINGS = ("inception", "vgg")

# Larger numbers are mistakes or worse; no image has such a side.
_MAX_SIDE = 1 << 16
# They would move the cursor of a terminal or end a line; halves of surrogates cannot be printed.
_UNPRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclasses.dataclass(frozen=True)
class Signature:
    """What the exports of a task have in common.

    Attributes:
      task: name of the task's package.
      kind: what an export of it is called in messages.
      model: the class that uses it, and its module.
      predictions, probabilities: names of the nodes of class ids and of probabilities.
      logits: name of the network's output.
      max_classes: the most classes that it can have; None for any number.
      only_tensorflow: why no other engine can run it, as part of a sentence; "" where one can.
    """

    task: str
    kind: str
    model: str
    predictions: str
    probabilities: str
    logits: str
    max_classes: int | None = None
    only_tensorflow: str = ""

    def logits_number(self, node_name: str) -> int | None:
        """Returns which output of the network a node is, from 0; None for other nodes."""
        found = re.fullmatch(rf"{self.logits}(?:_(\d+))?", node_name)
        return None if found is None else int(found[1] or 0)


SEGMENTATION = Signature(
    task="deeplab",
    kind="DeepLab graph",
    model="serving.deeplab_model.DeepLabModel",
    predictions=PREDICTIONS,
    probabilities=PROBABILITIES,
    logits=LOGITS,
    max_classes=256,  # Class ids are written as 8-bit masks.
)
CLASSIFICATION = Signature(
    task="classification",
    kind="classifier",
    model="serving.image_classifier.ImageClassifier",
    predictions="ClassPredictions",
    probabilities="ClassProbabilities",
    logits="ClassLogits",
)
CAPTIONING = Signature(
    task="captioning",
    kind="captioning graph",
    model="serving.caption_model.CaptionModel",
    predictions="Captions",
    probabilities="CaptionLogProbabilities",
    logits="CaptionLogits",
    only_tensorflow="captions are searched for word by word, which only TensorFlow does",
)
# Further outputs of captioning: words of each caption and, of networks that look again before each
# word, where they looked.
CAPTION_IDS = "CaptionIds"
CAPTION_LENGTHS = "CaptionLengths"
CAPTION_ATTENTION = "CaptionAttention"
SIGNATURES = {each.task: each for each in (SEGMENTATION, CLASSIFICATION, CAPTIONING)}


@dataclasses.dataclass(frozen=True)
class View:
    """How a classifier sees an image; see `classification.options.ViewOptions`."""

    image_size: int
    preprocessing: str
    labels_offset: int = 0


@dataclasses.dataclass(frozen=True)
class Metadata:
    """The part of an export's description that its users read. Foreign graphs have none.

    Attributes:
      class_names: name of each class id, or () if unknown.
      palette: RGB color, 0..255, of each class id, or () if unknown.
      crop_size: (height, width) of the largest image that the graph takes, or None if unknown.
      min_resize_value: shorter side to which the graph itself resizes every image, or None.
      task: name of the task; None where it is not said, as in exports of earlier versions.
      num_classes: their number, or None if unknown.
      max_resize_value, resize_factor, keep_aspect_ratio: the rest of this resize.
      mean_pixel: the color, RGB, 0..255, that pads images to the crop; () if unknown.
      add_flipped_images: whether the network also sees the mirror image.
      upsamples_logits: whether a pixel's class is found from logits at image size; otherwise it is
        that of the nearest logits.
      view: how a classifier sees images, or None if unknown.
      attention_size: (rows, columns) of the places that a captioning network looks at, or None if
        it does not look again before each word.
      seen_share: share of an image's height, and of its width, that a captioning network sees: the
        middle.
      words: those that a captioning network knows, by their ids; () if unknown.
      fingerprint: tells the graph from others; None in exports of earlier versions.
    """

    class_names: tuple[str, ...] = ()
    palette: tuple[tuple[int, int, int], ...] = ()
    crop_size: tuple[int, int] | None = None
    min_resize_value: int | None = None
    task: str | None = None
    num_classes: int | None = None
    max_resize_value: int | None = None
    resize_factor: int | None = None
    keep_aspect_ratio: bool = True
    mean_pixel: tuple[float, ...] = ()
    add_flipped_images: bool = False
    upsamples_logits: bool = True
    view: View | None = None
    attention_size: tuple[int, int] | None = None
    seen_share: float = 1.0
    words: tuple[str, ...] = ()
    fingerprint: str | None = None


def parse_metadata(content: bytes, source: str) -> Metadata:
    """Reads a description, which may come from anywhere.

    Control characters in class names become escapes such as `\\x1b`.

    Args:
      content: a JSON object; keys that no field of `Metadata` has are ignored, and so are nulls.
      source: where it is from, for errors.

    Raises:
      ValueError: it is damaged, or a value makes no sense; the message names source and value.
    """
    values = json_files.parse_object(content, source)
    known = {field.name for field in dataclasses.fields(Metadata)}
    given = {
        key: _whole(value) for key, value in values.items() if key in known and value is not None
    }
    metadata = json_files.to_record(Metadata, given, source)
    problem = _problem(metadata)
    if problem:
        raise ValueError(f"{source}: {problem}.")
    names = tuple(_UNPRINTABLE.sub(_escape, name) for name in metadata.class_names)
    return dataclasses.replace(metadata, class_names=names)


def _whole(value: Any) -> Any:
    """Returns whole numbers as integers: some programs write 513.0 for 513."""
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _problem(metadata: Metadata) -> str | None:
    num_classes, num_colors = len(metadata.class_names), len(metadata.palette)
    view = metadata.view
    task = metadata.task or SEGMENTATION.task
    if task not in SIGNATURES:
        return f"task is {printable(task)!r:.60}; expected one of {', '.join(SIGNATURES)}"
    most = SIGNATURES[task].max_classes
    if most is not None and num_classes > most:
        return f"class_names has {num_classes} names; expected at most {most}"
    if metadata.num_classes is not None and num_classes not in (0, metadata.num_classes):
        return f"class_names has {num_classes} names; expected num_classes, {metadata.num_classes}"
    if num_colors not in (0, num_classes):
        return f"there are {num_classes} class_names, but {num_colors} colors in palette"
    if len(metadata.mean_pixel) not in (0, 3):
        return f"mean_pixel has {len(metadata.mean_pixel)} values; expected 3"
    if view is not None and view.preprocessing not in PREPROCESSINGS:
        return (
            f"preprocessing is {printable(view.preprocessing)!r:.60}; expected "
            f"{' or '.join(PREPROCESSINGS)}"
        )
    for key, numbers, smallest, largest in (
        ("palette", [value for color in metadata.palette for value in color], 0, 255),
        ("crop_size", metadata.crop_size or (), 1, _MAX_SIDE),
        ("min_resize_value", _given(metadata.min_resize_value), 1, _MAX_SIDE),
        ("max_resize_value", _given(metadata.max_resize_value), 1, _MAX_SIDE),
        ("num_classes", _given(metadata.num_classes), 1, most or _MAX_SIDE),
        ("attention_size", metadata.attention_size or (), 1, _MAX_SIDE),
        ("seen_share", (metadata.seen_share,), 0.01, 1),
        ("resize_factor", _given(metadata.resize_factor), 1, _MAX_SIDE),
        ("mean_pixel", metadata.mean_pixel, 0, 255),
        ("image_size", () if view is None else (view.image_size,), 1, _MAX_SIDE),
    ):
        for number in numbers:
            if not smallest <= number <= largest:
                return f"{key} has {number}; expected {smallest} to {largest}"
    return None


def _given(value: int | None) -> tuple[int, ...]:
    return () if value is None else (value,)


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode()
