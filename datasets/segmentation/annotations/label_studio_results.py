"""Makes regions of Label Studio's results: shapes in percent of the image, and brush strokes.

Shapes of one region share an id: a polygon may have its label in a second result.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from datasets.segmentation.annotations.labeled_image import Region
from datasets.segmentation.annotations.shapes import CocoPolygons, Shape, Size
from datasets.segmentation.annotations.tool_shapes import BrushRuns, ExactEllipse, Unreadable

_LABELS = "labels"  # How the keys of labels end: polygonlabels, brushlabels, labels.
_CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


@dataclasses.dataclass(frozen=True)
class Results:
    """What the results of an image say.

    Attributes:
      regions: labeled parts of the image.
      size: of the image, if a result says it.
      left_out: kinds of what covers no area, or has no label, one for each.
    """

    regions: Sequence[Region]
    size: Size | None
    left_out: Sequence[str]


def parse(results: Sequence[Any]) -> Results:
    """Parses the results of an annotation; broken ones become shapes that say what is wrong."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    size = None
    for number, result in enumerate(results):
        if isinstance(result, dict) and isinstance(result.get("value"), dict):
            key = result.get("id")
            groups.setdefault(key if isinstance(key, str) else f"#{number}", []).append(result)
            size = size or _size(result)
    regions: list[Region] = []
    left_out: list[str] = []
    for group in groups.values():
        values = [result["value"] for result in group]
        label = next(filter(None, map(_label, values)), None)
        kinds = [(result, kind) for result in group if (kind := _kind(result["value"]))]
        if not kinds:
            # Choices and texts are about the image as a whole.
            if any("x" in value or "vertices" in value for value in values):
                left_out.append(str(group[0].get("type", "region")))
            continue
        if label is None:
            left_out.append(f"{kinds[0][1]} without a label")
            continue
        regions.append(Region(label, _shape(*kinds[0])))
    return Results(regions, size, left_out)


def _label(value: Mapping[str, Any]) -> str | None:
    for key, labels in value.items():
        if key.endswith(_LABELS) and isinstance(labels, list) and labels:
            return str(labels[0])
    return None


def _kind(value: Mapping[str, Any]) -> str | None:
    """Returns which shape a value is; None if it covers no area."""
    if "rle" in value:
        return "brush"
    if "points" in value:
        return "polygon"
    if "radiusX" in value:
        return "ellipse"
    return "rectangle" if "width" in value and "height" in value else None


def _shape(result: Mapping[str, Any], kind: str) -> Shape:
    value = result["value"]
    try:
        if result.get("image_rotation"):
            raise ValueError(
                f"the image was turned by {result['image_rotation']} degrees in Label Studio: turn "
                "its file, and label it again"
            )
        if kind == "brush":
            return BrushRuns(bytes(list(value["rle"])))
        size = _size(result)
        if size is None:
            raise ValueError("original_width and original_height are not sizes in pixels")
        if kind == "polygon":
            points = [_point(point) for point in value["points"]]
            return _polygon(points, size)
        if kind == "ellipse":
            return _ellipse(value, size)
        return _rectangle(value, size)
    except KeyError as error:
        return Unreadable(f"a {kind} has no {error}.")
    except (ValueError, TypeError) as error:
        return Unreadable(f"a {kind} cannot be read: {error}.")


def _polygon(points: Sequence[tuple[float, float]], size: Size) -> Shape:
    height, width = size
    return CocoPolygons((tuple(c for x, y in points for c in (x * width / 100, y * height / 100)),))


def _rectangle(value: Mapping[str, Any], size: Size) -> Shape:
    """A rectangle, turned clockwise about its upper left corner."""
    left, top = _number(value["x"]) * size[1] / 100, _number(value["y"]) * size[0] / 100
    width, height = (
        _number(value[key]) * pixels / 100
        for key, pixels in (("width", size[1]), ("height", size[0]))
    )
    turn = math.radians(_number(value.get("rotation", 0)))
    ring: list[float] = []
    for across, down in _CORNERS:
        right, below = across * width, down * height
        ring.append(left + right * math.cos(turn) - below * math.sin(turn))
        ring.append(top + right * math.sin(turn) + below * math.cos(turn))
    return CocoPolygons((tuple(ring),))


def _ellipse(value: Mapping[str, Any], size: Size) -> Shape:
    height, width = size
    center = _number(value["x"]) * width / 100, _number(value["y"]) * height / 100
    radii = _number(value["radiusX"]) * width / 100, _number(value["radiusY"]) * height / 100
    return ExactEllipse(center, radii, _number(value.get("rotation", 0)))


def _size(result: Mapping[str, Any]) -> Size | None:
    size = result.get("original_height"), result.get("original_width")
    if all(isinstance(each, int) and 0 < each < 1 << 20 for each in size):
        return size  # type: ignore[return-value]
    return None


def _point(value: Any) -> tuple[float, float]:
    x, y = value
    return _number(x), _number(y)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{str(value)[:40]!r} is not a number")
    return float(value)
