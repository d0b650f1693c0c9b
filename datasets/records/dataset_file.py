"""`dataset.json`, which lies beside shards and says what they hold: what is the same in every task.

    {
      "format_version": 1,
      "task": "classification",
      "name": …, "class_names": …, "splits": {"train": {"num_examples": …, "num_shards": …}}
    }

Each task has a dataclass of its own for the keys. A file without "task" is of segmentation, which
was there first.
"""

import dataclasses
import glob
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from common import json_files
from common.dataset_files import DATASET_FILE
from common.texts import first_few, printable
from datasets.records import tfrecords

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

FORMAT_VERSION = 1

SEGMENTATION = "segmentation"
CLASSIFICATION = "classification"
CAPTIONING = "captioning"

# What --task calls them.
_TASK_FLAGS = {
    SEGMENTATION: "deeplab",
    CLASSIFICATION: "classification",
    CAPTIONING: "captioning",
}
_HOW_TO_BUILD = {
    SEGMENTATION: "make tfrecords",
    CLASSIFICATION: "make tfrecords DATASET=class_folders DATA_DIR=FOLDER",
    CAPTIONING: "make tfrecords DATASET=coco_captions DATA_DIR=FOLDER",
}

_MAX_SIDE = 2**31 - 1
# Of numbers in a split; the others are 0 or more.
_LIMITS = {
    "num_shards": (1, tfrecords.MAX_SHARDS),
    "max_height": (0, _MAX_SIDE),
    "max_width": (0, _MAX_SIDE),
}

_Spec = TypeVar("_Spec", bound="DataclassInstance")
_Split = TypeVar("_Split")


class ShardedSplit(Protocol):
    """What says where the examples of a split are."""

    @property
    def num_shards(self) -> int: ...

    @property
    def shard_files(self) -> Sequence[str]: ...


def write(directory: str, task: str, spec: "DataclassInstance") -> None:
    """Writes the description of a dataset, whole or not at all, into its folder.

    Args:
      directory: of the shards.
      task: `SEGMENTATION` or `CLASSIFICATION`.
      spec: has the keys as fields; its `directory` is left out, and so is what is not known of
        shards.
    """
    fields = dataclasses.asdict(spec)
    del fields["directory"]
    for split in fields["splits"].values():
        for key in [key for key in split if key.startswith("shard_") and not split[key]]:
            del split[key]
    head: dict[str, Any] = {"format_version": FORMAT_VERSION}
    if task != SEGMENTATION:
        head["task"] = task
    json_files.write(os.path.join(directory, DATASET_FILE), {**head, **fields})


def read(path: str, task: str, kind: type[_Spec], check: Callable[[_Spec], None]) -> _Spec:
    """Reads the description of a dataset.

    Args:
      path: of `dataset.json`; the field `directory` is its folder.
      task: that it has to be of.
      kind: dataclass of that task's keys.
      check: raises a ValueError that names a key whose value is impossible.

    Raises:
      OSError: the file cannot be opened.
      ValueError: it is damaged, or describes a dataset of another task; names the file.
    """
    try:
        fields = json_files.read_object(path)
        version = fields.pop("format_version", None)
        if version != FORMAT_VERSION:
            raise ValueError(
                f"{path}: format_version is {json_files.shown(version)}; this program reads "
                f"{FORMAT_VERSION}"
            )
        found = fields.pop("task", SEGMENTATION)
        if not isinstance(found, str) or found not in _TASK_FLAGS:
            raise ValueError(
                f"{path}: task is {json_files.shown(found)}; expected one of "
                f"{', '.join(_TASK_FLAGS)}"
            )
        if found == task:
            fields["directory"] = os.path.dirname(path)
            spec = json_files.to_record(kind, fields, path)
            check(spec)
            return spec
    except ValueError as error:
        reason = printable(str(error)).removeprefix(printable(path)).strip(": .")
        raise ValueError(
            f"{printable(path)} is not a description of a dataset ({reason}): build the dataset "
            "again."
        ) from None
    raise ValueError(
        f"{printable(path)} describes a dataset for {found}, not for {task}: give "
        f"--task={_TASK_FLAGS[found]}, or another folder."
    )


def read_folder(
    directory: str,
    task: str,
    kind: type[_Spec],
    check: Callable[[_Spec], None],
    alternative: str = "",
) -> _Spec:
    """Reads what the dataset in a folder is, which a build has written.

    Args:
      directory: the folder.
      task, kind, check: see `read`.
      alternative: what else can be done where there is no description, as the end of a sentence.

    Raises:
      ValueError: there is no dataset, it is one of another task, or its description is damaged.
    """
    path = os.path.join(directory, DATASET_FILE)
    if os.path.isfile(path):
        return read(path, task, kind, check)
    if not os.path.isdir(directory):
        raise ValueError(describe_missing(directory, task))
    raise ValueError(
        f"{directory} holds no {DATASET_FILE}: build the dataset, or its build again if that did "
        f"not finish{alternative}"
    )


def read_owner(directory: str) -> tuple[str, str] | None:
    """Returns task and name of the dataset in a folder; None where its description is damaged."""
    try:
        fields = json_files.read_object(os.path.join(directory, DATASET_FILE))
    except (OSError, ValueError):
        return None
    task, name = fields.get("task", SEGMENTATION), fields.get("name")
    return (task, name) if isinstance(task, str) and isinstance(name, str) else None


def find_last(root: str, task: str) -> str:
    """Returns the folder of the dataset of a task that was built last, of those in a folder.

    One whose description is damaged may be of any task: the newest is returned, so that reading it
    says what is wrong.

    Raises:
      ValueError: there is none.
    """
    found = next(_built(root, task), None)
    if found is not None:
        return found
    which = "" if task == SEGMENTATION and not _descriptions(root) else f" for {task}"
    raise ValueError(
        f"there is no dataset{which} in {root}: build one with `{_HOW_TO_BUILD[task]}`."
    )


def describe_missing(directory: str, task: str) -> str:
    """Says that there is no folder where a dataset of a task should be, and what there is."""
    others = sorted(map(os.path.basename, _built(os.path.dirname(directory), task)))
    beside = f", or name one beside it: {first_few(others)}" if others else ""
    return f"there is no dataset in {directory}: build it with `{_HOW_TO_BUILD[task]}`{beside}."


def _built(root: str, task: str) -> Iterator[str]:
    """Yields the datasets in a folder that are of a task, or damaged, the newest first."""
    for path in sorted(_descriptions(root), key=os.path.getmtime, reverse=True):
        owner = read_owner(os.path.dirname(path))
        if owner is None or owner[0] == task:
            yield os.path.dirname(path)


def _descriptions(root: str) -> list[str]:
    return glob.glob(os.path.join(glob.escape(root), "*", DATASET_FILE))


def find_split(splits: Mapping[str, _Split], name: str, dataset: str, directory: str) -> _Split:
    """Returns one split of a dataset; a ValueError names those that there are."""
    if name not in splits:
        raise ValueError(
            f"dataset {dataset!r} in {directory} has no split {name!r}; "
            f"it has {', '.join(sorted(splits))}."
        )
    return splits[name]


def shard_paths(
    directory: str, name: str, split: ShardedSplit, ending: str = tfrecords.SHARD_ENDING
) -> list[str]:
    """Returns the shards of a split in order; a ValueError names one that is missing."""
    paths = [os.path.join(directory, file) for file in split.shard_files] or [
        tfrecords.shard_path(directory, name, index, split.num_shards, ending)
        for index in range(split.num_shards)
    ]
    for path in paths:
        if not os.path.isfile(path):
            raise ValueError(
                f"{path} is missing, of {split.num_shards} {name!r} shards: copy it again, or "
                "build the dataset again."
            )
    return paths


def check_head(
    name: str,
    class_names: Sequence[str],
    max_classes: int,
    splits: Mapping[str, "DataclassInstance"],
) -> None:
    """Raises a ValueError for names of a dataset, its classes or its splits that cannot be."""
    _check_file_name("name", name)
    for class_name in class_names:
        _check_encodable("class_names", class_name)
    if len(class_names) > max_classes:
        raise ValueError(f"{len(class_names)} class_names; expected at most {max_classes}")
    if not splits:
        raise ValueError("splits is empty")
    for split in splits:
        _check_file_name("a name in splits", split)


def check_split(split: "DataclassInstance", where: str) -> None:
    """Raises a ValueError unless a split's numbers can be; `where` is its key in its file."""
    for field in dataclasses.fields(split):
        key, value = f"{where}.{field.name}", getattr(split, field.name)
        for entry in value if isinstance(value, tuple) else (value,):
            if isinstance(entry, str):
                _check_file_name(key, entry)
            else:
                check_range(key, entry, *_LIMITS.get(field.name, (0, None)))
        num_shards = getattr(split, "num_shards")  # noqa: B009 (not known of any dataclass)
        if field.name.startswith("shard_") and len(value) not in (0, num_shards):
            raise ValueError(f"{key} has {len(value)} entries for {num_shards} shards")


def check_counts(split: object, where: str, keys: Sequence[str], num_classes: int) -> None:
    """Raises a ValueError unless tuples of a split have a number for each class, or none."""
    for key in keys:
        count = len(getattr(split, key))
        if count not in (0, num_classes):
            raise ValueError(f"{where}.{key} has {count} numbers for {num_classes} classes")


def check_range(key: str, value: int, low: int, high: int | None = None) -> None:
    """Raises a ValueError that names a key unless its value is within bounds, if it has any."""
    if value < low or (high is not None and value > high):
        expected = f"{low} or more" if high is None else f"{low} to {high}"
        raise ValueError(f"{key} is {value}; expected {expected}")


def _check_file_name(key: str, name: str) -> None:
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise ValueError(f"{key} is {name!r}; expected a name without a folder")
    _check_encodable(key, name)


def _check_encodable(key: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{key} has half a character ({text!a})") from None
