"""Captions in COCO's JSON: of COCO itself, or of any dataset that is written down in this way.

    coco/                                       mine/
      annotations/captions_train2014.json         captions_train.json
      annotations/captions_val2014.json           captions_val.json        (or none)
      train2014/COCO_train2014_000000000009.jpg   images/a.jpg
      val2014/…

A file is called `captions_SPLIT.json`, and its images lie in a folder of that name, in `images`, in
`images/SPLIT`, or beside it. An image may say its own `split`; then one file `captions.json` is
enough. A year after the split's name is left out. COCO of 2014 is split as research/im2txt does:
most of val2014 goes to `train`, the rest to `val` and `test`. Where there is no such file,
Karpathy's is read (`karpathy_splits`).
"""

import collections
import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from types import NoneType
from typing import Any

from common.texts import first_few, printable
from datasets.captioning.sources import karpathy_splits, source
from datasets.captioning.sources.source import Sample, Source
from datasets.images import image_folders
from datasets.records.problems import ERROR, WARNING, Problem

EXPECTED = "captions_SPLIT.json (here or in annotations/) and folders of images"
_CAPTIONS = re.compile(r"captions(?:[_-](?P<split>.+?))?\.json")
_YEAR = re.compile(r"[_-]?(?:19|20)\d\d$")
_2014 = {"train": "train2014", "val": "val2014"}
# build_mscoco_data.py: shares of val2014 that go to train, val and test.
_TRAIN_SHARE, _VAL_SHARE = 0.85, 0.05


def open_source(data_dir: str, *, val_fraction: float | None = None, seed: int = 0) -> Source:
    """Opens a folder, after which the dataset is named.

    Args:
      data_dir: the folder.
      val_fraction, seed: see `source.make_source`.

    Raises:
      ValueError: the folder has another layout, or a file is not as expected.
    """
    data_dir = os.path.normpath(data_dir)
    image_folders.require_folder(data_dir, EXPECTED)
    paths = _find_files(data_dir)
    if not paths:
        if karpathy_splits.find_files(data_dir):
            return karpathy_splits.open_source(data_dir, val_fraction=val_fraction, seed=seed)
        raise ValueError(
            f"{printable(data_dir)} holds {image_folders.name_entries(data_dir)} and no "
            f"captions_….json. Expected {EXPECTED}."
        )
    problems: list[Problem] = []
    found: dict[str, list[Sample]] = {}
    for stated, path in paths.items():
        for split, sample in _read(path, stated, data_dir, problems):
            found.setdefault(split, []).append(sample)
    if val_fraction is None and set(paths) == {*_2014.values()}:
        found = _split_as_im2txt(found)
    elif source.TRAIN not in found and len(found) == 1:
        found = {source.TRAIN: next(iter(found.values()))}  # Of one file, whatever it is called.
    if source.TRAIN not in found:
        raise ValueError(
            f"{printable(data_dir)} has the splits {', '.join(found)}, and no train. Expected "
            f"{EXPECTED}."
        )
    return source.make_source(data_dir, found, val_fraction, seed, problems)


def _find_files(data_dir: str) -> dict[str, str]:
    """Returns the files of captions by what their names say of a split, which may be ""."""
    found: dict[str, str] = {}
    for folder in (data_dir, os.path.join(data_dir, "annotations")):
        for path in sorted(glob.glob(os.path.join(glob.escape(folder), "captions*.json"))):
            match = _CAPTIONS.fullmatch(os.path.basename(path))
            if match:
                found.setdefault(match["split"] or "", path)
    if len(found) > 1:
        found.pop("", None)  # The same again, in one file.
    return found


def _read(
    path: str, stated: str, data_dir: str, problems: list[Problem]
) -> Iterator[tuple[str, Sample]]:
    """Yields (split, sample) of each image in a file."""
    images, annotations = _parse(path)
    captions: dict[Any, list[str]] = collections.defaultdict(list)
    for each in annotations:
        captions[each["image_id"]].append(each["caption"] or "")
    split = _YEAR.sub("", stated) or source.TRAIN
    folders = [
        os.path.join(data_dir, *parts)
        for parts in ((stated,), ("images", stated), ("images",), ("images", split), (split,), ())
        if all(parts)
    ]
    known: dict[int, str] = {}
    for image in images:
        name, image_id = image["file_name"], image["id"]
        first = known.setdefault(image_id, name)
        said = captions.get(image_id, ())
        own = str(image.get("split") or split)
        candidates = [os.path.join(folder, name) for folder in folders]
        file = next(filter(os.path.isfile, candidates), candidates[0])
        sample = source.make_sample(name, file, image_id, said, own, path, problems)
        if first != name:
            message = (
                f"images {first} and {name} have one id, {image_id}, so their captions cannot be "
                "told apart. Give each image an id of its own."
            )
            problems.append(Problem(ERROR, "image id", message, path, own, sample.name))
        yield own, sample
    strangers = [str(image_id) for image_id in captions if image_id not in known]
    if strangers:
        message = (
            f"captions of {len(strangers)} images that the file does not list: image_id "
            f"{first_few(strangers)}. They are left out."
        )
        problems.append(Problem(WARNING, "unknown image", message, path))


def _parse(path: str) -> tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
    """Returns the images and the annotations of a file (ValueError: it is none of COCO's form)."""
    shown = printable(path)
    content = source.read_json(path)
    needed: dict[str, dict[str, Any]] = {
        "images": {"id": int, "file_name": str},
        "annotations": {"image_id": int, "caption": (str, NoneType)},
    }
    for key, fields in needed.items():
        entries = content.get(key) if isinstance(content, dict) else None
        if not isinstance(entries, list):
            raise ValueError(f"{shown} has no list {key!r}; expected COCO's form of captions.")
        for index, entry in enumerate(entries):
            for field, kind in fields.items():
                value = entry.get(field) if isinstance(entry, dict) else None
                if not isinstance(value, kind) or field not in entry:
                    raise ValueError(
                        f"{shown}: {key}[{index}] has {field} {str(value)[:40]!r}; expected "
                        f"{'a whole number' if kind is int else 'text'}."
                    )
    return content["images"], content["annotations"]


def _split_as_im2txt(found: Mapping[str, list[Sample]]) -> dict[str, list[Sample]]:
    """Splits COCO of 2014 as build_mscoco_data.py does, val2014 in the order of its file."""
    later = found[source.VAL]
    ends = [int(_TRAIN_SHARE * len(later)), int((_TRAIN_SHARE + _VAL_SHARE) * len(later))]
    return {
        source.TRAIN: [*found[source.TRAIN], *later[: ends[0]]],
        source.VAL: later[ends[0] : ends[1]],
        "test": later[ends[1] :],
    }
