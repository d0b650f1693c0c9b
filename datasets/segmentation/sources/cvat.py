"""CVAT's export "CVAT for images 1.1": one XML file of regions.

    my_export/
      annotations.xml
      images/a.jpg              or images/SUBSET/a.jpg, or anywhere in the folder

Polygons and boxes are drawn as pycocotools does, and ellipses as OpenCV, so that masks equal those
of CVAT's own export "Segmentation mask". Regions of a higher z_order lie above; of equal ones the
later. Points, lines, cuboids and skeletons cover nothing and are left out.
"""

import collections
import math
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from common.texts import printable
from datasets.images import image_folders
from datasets.segmentation.annotations import export_images, label_roles, xml_files
from datasets.segmentation.annotations.export_images import Entry, ImageFinder
from datasets.segmentation.annotations.labeled_image import Annotations, Region
from datasets.segmentation.annotations.shapes import CocoPolygons, Shape, Size
from datasets.segmentation.annotations.tool_shapes import BoxRuns, RoundedEllipse, Unreadable
from datasets.segmentation.masks.mask_format import Color
from datasets.segmentation.sources import annotated

_ROOT = "annotations"
_EXPECTED = 'the XML file of CVAT\'s export "CVAT for images 1.1" and its images'
_ADVICE = (
    'Export the task again with "Save images", or put its images into images/, in the folders that '
    "they have in CVAT."
)
# Types of labels that never have an area.
_FLAT_TYPES = frozenset({"tag", "points", "polyline", "skeleton"})
_FLAT_SHAPES = frozenset({"polyline", "points", "cuboid", "skeleton"})
_HEAD_BYTES = 1 << 16


def matches(data_dir: str) -> bool:
    """Whether a folder, or one in it, has an XML file of CVAT."""
    return bool(export_images.find_files(data_dir, ".xml", _is_of_cvat))


def _read_export(data_dir: str) -> Annotations:
    """Reads an export.

    Raises:
      ValueError: there is no such file, or it is not as expected.
    """
    files = export_images.find_files(data_dir, ".xml", _is_of_cvat)
    if not files:
        raise ValueError(image_folders.describe_contents(data_dir, _EXPECTED))
    labels = _Labels()
    flat: collections.Counter[str] = collections.Counter()
    finder = ImageFinder(data_dir)
    entries = [
        entry
        for path, split in files.values()
        for entry in _read(path, split, finder, labels, flat)
    ]
    splits, problems = export_images.collect(entries, data_dir, _ADVICE)
    names = labels.in_order()
    background = label_roles.find_background(names)
    problems += export_images.describe_left_out(flat, data_dir)
    problems += finder.describe(splits)
    return Annotations(
        splits=splits,
        labels=names,
        colors=labels.colors,
        background=background,
        ignored=label_roles.find_ignored(names, background),
        problems=problems,
    )


open_source = annotated.opener(_read_export, _EXPECTED)


class _Labels:
    """The labels that the files declare, and those that regions have."""

    def __init__(self) -> None:
        self.declared: dict[str, None] = {}
        self.used: set[str] = set()
        self.colors: dict[str, Color] = {}

    def declare(self, element: Element) -> None:
        name = element.findtext("name", "")
        if element.findtext("type") in _FLAT_TYPES or element.find("parent") is not None:
            return
        if name:
            self.declared[name] = None
        color = label_roles.parse_color(element.findtext("color"))
        if color is not None:
            self.colors[name] = color

    def in_order(self) -> tuple[str, ...]:
        """Returns them as CVAT has them, then those that are not declared, by name."""
        return (*self.declared, *sorted(self.used - self.declared.keys()))


def _is_of_cvat(path: str) -> bool:
    with open(path, "rb") as file:
        head = file.read(_HEAD_BYTES)
    if not any(each in head for each in (b"<version>1.", b"<image ", b"<meta>")):
        return False
    return xml_files.read_root(path) == _ROOT


def _read(
    path: str,
    split: str,
    finder: ImageFinder,
    labels: _Labels,
    flat: "collections.Counter[str]",
) -> Iterator[Entry]:
    for element in xml_files.read_elements(path):
        if element.tag == "meta":
            for label in element.iter("label"):
                labels.declare(label)
        elif element.tag == "track":
            raise ValueError(
                f'{printable(path)} is an export "CVAT for video", which has no masks of single '
                'images. Export the task as "CVAT for images 1.1".'
            )
        elif element.tag == "image":
            yield _entry(element, path, split, finder, labels, flat)


def _entry(
    element: Element,
    path: str,
    split: str,
    finder: ImageFinder,
    labels: _Labels,
    flat: "collections.Counter[str]",
) -> Entry:
    file = element.get("name", "")
    subset = element.get("subset", "")
    regions: list[tuple[int, Region]] = []
    for child in element:
        label = child.get("label", "")
        if child.tag in _FLAT_SHAPES or (child.tag in _SHAPES and not label):
            flat[child.tag if label else f"{child.tag} without a label"] += 1
        elif child.tag in _SHAPES:
            labels.used.add(label)
            regions.append((_z_order(child), Region(label, _shape(child))))
    regions.sort(key=lambda each: each[0])
    folders = (f"images/{subset}", subset) if subset else ()
    found = finder.find(file, (*folders, "images", ""))
    return Entry(
        split=subset or split,
        file=file,
        path=found or finder.expected(file),
        is_found=found is not None,
        annotation_path=path,
        regions=[region for _, region in regions],
        size=_size(element, path, file),
    )


def _size(element: Element, path: str, file: str) -> Size:
    values = element.get("height", ""), element.get("width", "")
    if not all(value.isdecimal() and int(value) > 0 for value in values):
        raise ValueError(
            f"{printable(path)}: image {printable(file)!r} has the height {values[0]!r} and the "
            f"width {values[1]!r}; expected numbers of pixels."
        )
    return int(values[0]), int(values[1])


def _z_order(element: Element) -> int:
    value = element.get("z_order", "0")
    return int(value) if re.fullmatch(r"-?\d+", value) else 0


def _shape(element: Element) -> Shape:
    try:
        return _SHAPES[element.tag](element)
    except (ValueError, KeyError) as error:
        return Unreadable(f"<{element.tag}> has no readable {error}.")


def _box(element: Element) -> Shape:
    left, top, right, bottom = (_number(element, key) for key in ("xtl", "ytl", "xbr", "ybr"))
    turn = math.radians(_number(element, "rotation", 0.0))
    x, y = (left + right) / 2, (top + bottom) / 2
    ring: list[float] = []
    for corner_x, corner_y in ((left, top), (right, top), (right, bottom), (left, bottom)):
        right_of, below = corner_x - x, corner_y - y
        ring.append(x + right_of * math.cos(turn) - below * math.sin(turn))
        ring.append(y + right_of * math.sin(turn) + below * math.cos(turn))
    return CocoPolygons((tuple(ring),))


def _polygon(element: Element) -> Shape:
    texts = re.split("[;,]", element.attrib["points"])
    return CocoPolygons((tuple(_parse(text, "points") for text in texts),))


def _ellipse(element: Element) -> Shape:
    x, y, across, down = (_number(element, key) for key in ("cx", "cy", "rx", "ry"))
    return RoundedEllipse((x, y), (across, down), _number(element, "rotation", 0.0))


def _mask(element: Element) -> Shape:
    left, top, width, height = (
        int(_number(element, key)) for key in ("left", "top", "width", "height")
    )
    return BoxRuns(element.attrib["rle"], left, top, (height, width))


_SHAPES = {"box": _box, "polygon": _polygon, "ellipse": _ellipse, "mask": _mask}


def _number(element: Element, key: str, default: float | None = None) -> float:
    if default is not None and key not in element.attrib:
        return default
    return _parse(element.attrib[key], key)


def _parse(text: str, key: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{key}: {text!r}")
    return value
