"""XML files of LabelMe, MIT's web tool, one for each image; not to be confused with labelme.

    my_images/
      Images/street/a.jpg
      Annotations/street/a.xml
      Masks/street/a_mask_3.png     of objects that were segmented instead of outlined

Without a folder of annotations the XML files lie beside the images.

Folders of annotations that all have names of splits (`train/`, `val/`) are splits. Polygons are
drawn with their outlines, and a later object lies above: parts come after what they are part of.
Deleted objects are left out. Without `classes.json` the names are sorted, as those of objects that
people type: there is no other list of them.
"""

import base64
import collections
import os
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element

from datasets.images import image_folders
from datasets.segmentation.annotations import export_images, label_roles, xml_files
from datasets.segmentation.annotations.export_images import Entry, ImageFinder
from datasets.segmentation.annotations.labeled_image import Annotations, Region
from datasets.segmentation.annotations.shapes import Polygon, Shape, Size
from datasets.segmentation.annotations.tool_shapes import EncodedBitmap, Unreadable
from datasets.segmentation.sources import annotated

_ROOT = "annotation"
_FOLDER = "annotations"
_EXPECTED = "LabelMe's folders Annotations/ of XML files and Images/"
_ADVICE = "Put the images into Images/, in the folders that their XML files have in Annotations/."
_MAX_ASKED = 20
_HEAD_BYTES = 1 << 12


def matches(data_dir: str) -> bool:
    """Whether a folder has a folder of annotations with XML files of LabelMe."""
    found = [os.path.join(data_dir, name) for name in _xml_files(data_dir)]
    return any(map(_is_of_labelme, found[:_MAX_ASKED]))


def _read_export(data_dir: str) -> Annotations:
    """Reads an export.

    Raises:
      ValueError: there are no such files.
    """
    names = _xml_files(data_dir)
    if not any(_is_of_labelme(os.path.join(data_dir, name)) for name in names):
        raise ValueError(image_folders.describe_contents(data_dir, _EXPECTED))
    names = [name for name in names if not _is_foreign(os.path.join(data_dir, name))]
    reader = _Reader(data_dir, _split_of(names))
    entries = [reader.read(name) for name in names]
    splits, problems = export_images.collect(entries, data_dir, _ADVICE)
    labels = sorted({region.label for entry in entries for region in entry.regions})
    background = label_roles.find_background(labels)
    problems += export_images.describe_left_out(reader.left_out, data_dir)
    problems += reader.finder.describe(splits)
    return Annotations(
        splits=splits,
        labels=labels,
        background=background,
        ignored=label_roles.find_ignored(labels, background),
        problems=problems,
    )


open_source = annotated.opener(_read_export, _EXPECTED)


class _Reader:
    """Reads LabelMe's files, and counts what of them is left out."""

    def __init__(self, data_dir: str, split_of: Mapping[str, str]):
        self.finder = ImageFinder(data_dir)
        self.left_out: collections.Counter[str] = collections.Counter()
        self._data_dir = data_dir
        self._split_of = split_of

    def read(self, name: str) -> Entry:
        """Reads a file, given relative to the folder."""
        path = os.path.join(self._data_dir, name)
        folder = _folder(name)
        file = os.path.splitext(os.path.basename(name))[0] + ".jpg"
        regions: list[Region] = []
        size, damage = None, None
        try:
            for element in xml_files.read_elements(path):
                if element.tag == "filename":
                    file = (element.text or "").strip() or file
                elif element.tag == "imagesize":
                    size = _size(element)
                elif element.tag == "object":
                    regions += self._regions(element, folder)
        except ValueError as error:
            damage = str(error)
        found = self.finder.find(f"{folder}/{file}" if folder else file, ("Images", "images"))
        return Entry(
            split=self._split_of[name],
            file=f"{folder}/{file}" if folder else file,
            path=found or os.path.join(self._data_dir, "Images", folder, file),
            is_found=found is not None,
            annotation_path=path,
            regions=regions,
            size=size,
            damage=damage,
        )

    def _regions(self, element: Element, folder: str) -> Iterator[Region]:
        """Yields the region of an object, unless it is deleted or has none."""
        label = (element.findtext("name") or "").strip()
        if element.findtext("deleted", "0").strip() == "1":
            self.left_out["deleted objects"] += 1
        elif not label:
            self.left_out["objects without a name"] += 1
        else:
            shape = self._shape(element, folder)
            if shape is None:
                self.left_out["objects of fewer than 3 points"] += 1
            else:
                yield Region(label, shape)

    def _shape(self, element: Element, folder: str) -> Shape | None:
        file = element.findtext("segm/mask")
        if file is not None:
            path = os.path.join(self._data_dir, "Masks", folder, os.path.basename(file.strip()))
            try:
                with open(path, "rb") as opened:
                    data = opened.read()
            except OSError:
                return Unreadable(f"there is no mask {path}. Put it there, or delete the object.")
            text = base64.b64encode(data).decode()
            return EncodedBitmap(text, 0, 0, is_compressed=False, is_whole=True)
        try:
            points = tuple(
                (float(point.findtext("x", "")), float(point.findtext("y", "")))
                for point in element.iterfind("polygon/pt")
            )
        except ValueError:
            return Unreadable("a point of its polygon has no two numbers.")
        return Polygon(points) if len(points) > 2 else None


def _size(element: Element) -> Size | None:
    """Returns the size of an image; None where LabelMe did not know it, which happens."""
    height, width = (element.findtext(name, "").strip() for name in ("nrows", "ncols"))
    is_known = all(value.isdecimal() and int(value) > 0 for value in (height, width))
    return (int(height), int(width)) if is_known else None


def _xml_files(data_dir: str) -> list[str]:
    """Returns the XML files in the folder of annotations, relative to the folder of data."""
    folders = [
        (name, path)
        for name, path in image_folders.subfolders(data_dir).items()
        if image_folders.fold(name) == _FOLDER
    ]
    if not folders:
        beside = image_folders.visible_entries(data_dir)
        return [entry.name for entry in beside if entry.name.lower().endswith(".xml")]
    return [
        f"{name}/{inside}"
        for name, path in folders
        for inside in image_folders.walk(path)
        if inside.lower().endswith(".xml")
    ]


def _split_of(names: list[str]) -> dict[str, str]:
    """Returns the split of each file: its folder below that of annotations, if all are splits."""
    return export_images.split_by_folder({name: _folder(name) for name in names})


def _folder(name: str) -> str:
    """Returns the folder of a file below that of annotations; "" for none."""
    return "/".join(name.split("/")[1:-1])


def _is_of_labelme(path: str) -> bool:
    """Whether a file is LabelMe's for sure: PASCAL VOC's has the same outermost element."""
    head = _head(path)
    has_objects = b"<polygon>" in head or b"<segm>" in head or b"LabelMe" in head
    return has_objects and not _is_of_voc(head) and xml_files.read_root(path) == _ROOT


def _is_foreign(path: str) -> bool:
    """Whether a file among LabelMe's is another program's; a damaged one is not, and is told."""
    root = xml_files.read_root(path)
    return _is_of_voc(_head(path)) or root not in (None, _ROOT)


def _is_of_voc(head: bytes) -> bool:
    return b"<bndbox>" in head or b"<segmented>" in head


def _head(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(_HEAD_BYTES)
