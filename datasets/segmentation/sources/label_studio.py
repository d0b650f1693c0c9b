"""Label Studio's exports "JSON" and "JSON-MIN", with the images that were uploaded.

    my_export/
      export.json               a list of tasks
      config.xml                optional: the labelling interface, which has the labels in order
      images/a.jpg              or anywhere in the folder, under the name that Label Studio gave it

Polygons and rectangles are drawn as pycocotools does, as if Label Studio had exported them as COCO;
ellipses cover the pixels whose centers they hold; brush strokes are taken as they are. A later
region lies above. Of several annotations of a task the one marked as ground truth counts, or the
first that was not cancelled.
"""

import collections
import os
import re
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common import image_files
from common.texts import first_few, printable
from datasets.images import image_folders
from datasets.records.problems import WARNING, Problem
from datasets.segmentation.annotations import (
    export_images,
    json_exports,
    label_roles,
    label_studio_results,
    xml_files,
)
from datasets.segmentation.annotations.export_images import Entry, ImageFinder
from datasets.segmentation.annotations.labeled_image import Annotations, LabeledImage
from datasets.segmentation.masks.mask_format import Color
from datasets.segmentation.sources import annotated

_KEYS = frozenset(
    {
        *("from_name", "to_name", "original_width", "was_cancelled", "completed_by", "drafts"),
        *("polygonlabels", "rectanglelabels", "ellipselabels", "brushlabels", "lead_time"),
    }
)
_ROOT = "View"
_EXPECTED = 'the file of Label Studio\'s export "JSON" and its images'
_ADVICE = (
    "Put the images into images/, under the names that they have in Label Studio, or had before "
    "they were uploaded."
)
_ENDINGS = frozenset({*image_files.ENDINGS, *image_files.UNREAD_KINDS})
# What Label Studio puts before the name of an uploaded file.
_UPLOADED = re.compile(r"^[0-9a-f]{4,}-(?=.)")


def matches(data_dir: str) -> bool:
    """Whether a folder, or one in it, has a file of Label Studio's tasks."""
    return bool(export_images.find_files(data_dir, ".json", _is_of_label_studio))


def _read_export(data_dir: str) -> Annotations:
    """Reads an export.

    Raises:
      ValueError: there is no such file, or it is not as expected.
    """
    files = export_images.find_files(data_dir, ".json", _is_of_label_studio)
    if not files:
        raise ValueError(image_folders.describe_contents(data_dir, _EXPECTED))
    reader = _Reader(data_dir)
    entries = [entry for path, split in files.values() for entry in reader.read(path, split)]
    splits, problems = export_images.collect(entries, data_dir, _ADVICE)
    declared, colors = _read_config(data_dir)
    used = {region.label for entry in entries for region in entry.regions}
    names = (*declared, *sorted(used - {*declared}))
    background = label_roles.find_background(names)
    return Annotations(
        splits=splits,
        labels=names,
        colors=colors,
        background=background,
        ignored=label_roles.find_ignored(names, background),
        problems=[*problems, *reader.describe(splits)],
    )


open_source = annotated.opener(_read_export, _EXPECTED)


class _Reader:
    """Reads files of tasks, and counts what of them is left out."""

    def __init__(self, data_dir: str):
        self._data_dir = data_dir
        self._finder = ImageFinder(data_dir)
        self._left_out: collections.Counter[str] = collections.Counter()
        self._unlabeled: list[str] = []
        self._several: list[str] = []

    def read(self, path: str, split: str) -> Iterator[Entry]:
        """Yields the labeled images of a file."""
        tasks = json_exports.read(path)
        for number, task in enumerate(tasks if isinstance(tasks, list) else [tasks], start=1):
            if not isinstance(task, dict):
                raise ValueError(f"{printable(path)}: task {number} is not an object: {{…}}.")
            files = _files_of(task)
            if not files:
                raise ValueError(f"{printable(path)}: task {number} names no image.")
            found = next(filter(None, map(self._find, files)), None)
            results = self._choose(task, files[0])
            if results is None:
                continue
            parsed = label_studio_results.parse(results)
            self._left_out.update(parsed.left_out)
            yield Entry(
                split=split,
                file=self._name(found) if found else files[0],
                path=found or self._finder.expected(os.path.basename(files[0])),
                is_found=found is not None,
                annotation_path=path,
                regions=parsed.regions,
                size=parsed.size,
            )

    def describe(self, splits: Mapping[str, Sequence[LabeledImage]]) -> Iterator[Problem]:
        """Says what was left out of images that are labeled, and where a choice was made."""
        yield from self._finder.describe(splits)
        yield from export_images.describe_left_out(self._left_out, self._data_dir)
        if self._unlabeled:
            message = (
                f"{len(self._unlabeled)} images without a submitted annotation are left out: "
                f"{first_few(self._unlabeled)}."
            )
            yield Problem(WARNING, "unused", message, self._data_dir)
        if self._several:
            message = (
                f"{len(self._several)} images have several annotations; the one marked as ground "
                "truth counts, or the first that was not cancelled: "
                f"{first_few(self._several)}."
            )
            yield Problem(WARNING, "repeated", message, self._data_dir)

    def _name(self, path: str) -> str:
        name = os.path.relpath(path, self._data_dir)
        return name.removeprefix(os.path.join("images", ""))

    def _find(self, file: str) -> str | None:
        found = self._finder.find(file)
        folder, base = os.path.split(file)
        original = _UPLOADED.sub("", base)
        return found or (self._finder.find(f"{folder}/{original}") if original != base else None)

    def _choose(self, task: Mapping[str, Any], file: str) -> Sequence[Any] | None:
        """Returns the results of a task that count; None if nobody has labeled it."""
        annotations = task.get("annotations", task.get("completions"))
        if annotations is None:
            return _minimal_results(task)
        submitted = [
            each
            for each in (annotations if isinstance(annotations, list) else ())
            if isinstance(each, dict)
            and not each.get("was_cancelled")
            and isinstance(each.get("result"), list)
        ]
        if not submitted:
            self._unlabeled.append(file)
            return None
        if len(submitted) > 1:
            self._several.append(file)
        results = next((each for each in submitted if each.get("ground_truth")), submitted[0])
        chosen: list[Any] = results["result"]
        return chosen


def _is_of_label_studio(path: str) -> bool:
    return any(json_exports.begins_with(path, start, _KEYS) for start in "[{")


def _minimal_results(task: Mapping[str, Any]) -> list[Any]:
    """Returns the values of a task of JSON-MIN as results."""
    return [
        {"value": value, **{key: value.get(key) for key in ("original_width", "original_height")}}
        for values in task.values()
        if isinstance(values, list)
        for value in values
        if isinstance(value, dict)
    ]


def _files_of(task: Mapping[str, Any]) -> list[str]:
    """Returns what a task says of its image: paths, without the addresses before them."""
    data = task.get("data")
    texts = [*(data if isinstance(data, dict) else task).values(), task.get("file_upload")]
    files = [_path_of(text) for text in texts if isinstance(text, str) and text]
    images = [file for file in files if os.path.splitext(file)[1].lower() in _ENDINGS]
    return images


def _path_of(text: str) -> str:
    """Returns the path in an address such as `/data/local-files/?d=a/b.jpg` or `s3://x/b.jpg`."""
    is_address = "://" in text or text.startswith("/data/")
    if not is_address:
        return text
    address = urllib.parse.urlsplit(text)
    local = urllib.parse.parse_qs(address.query).get("d")
    return local[0] if local else urllib.parse.unquote(address.path)


def _read_config(data_dir: str) -> tuple[tuple[str, ...], dict[str, Color]]:
    """Returns the labels of the labelling interface beside the tasks, and their colors."""
    labels: dict[str, None] = {}
    colors: dict[str, Color] = {}
    for name in image_folders.files_in(data_dir):
        path = os.path.join(data_dir, name)
        if not name.lower().endswith(".xml") or xml_files.read_root(path) != _ROOT:
            continue
        for element in xml_files.read_elements(path):
            for label in element.iter("Label"):
                value = label.get("alias") or label.get("value") or ""
                labels[value] = None
                color = label_roles.parse_color(label.get("background"))
                if color is not None:
                    colors[value] = color
    return tuple(filter(None, labels)), colors
