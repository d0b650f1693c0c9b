"""CIFAR-10 and CIFAR-100 as their authors publish them for Python.

    cifar-10-batches-py/           cifar-100-python/
      data_batch_1 … data_batch_5    train
      test_batch                     test
      batches.meta                   meta

Images are 32x32. The splits are `train` and `test`; of CIFAR-100 the 100 fine labels are taken.
https://www.cs.toronto.edu/~kriz/cifar.html describes the files, which are pickles of Python 2.
A pickle can run any program, so these are read without: only arrays and plain values are made.
"""

import os
import pickle
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from common.texts import printable
from datasets.classification.sources.source import Sample, Source, draw_val
from datasets.images import image_folders

EXPECTED = "data_batch_1 … test_batch and batches.meta, or train, test and meta"

_SIDE = 32


class _Kind(NamedTuple):
    """One of the two datasets."""

    name: str
    meta: str
    splits: Mapping[str, Sequence[str]]
    labels: bytes
    label_names: bytes


_KINDS = (
    _Kind(
        "cifar10",
        "batches.meta",
        {"train": [f"data_batch_{index}" for index in range(1, 6)], "test": ["test_batch"]},
        b"labels",
        b"label_names",
    ),
    _Kind(
        "cifar100",
        "meta",
        {"train": ["train"], "test": ["test"]},
        b"fine_labels",
        b"fine_label_names",
    ),
)
# The folders of the archives, which may be named or be inside the one that is.
_FOLDERS = ("", "cifar-10-batches-py", "cifar-100-python")


def open_source(data_dir: str, *, val_fraction: float | None = None, seed: int = 0) -> Source:
    """Opens a folder of batches.

    Args:
      val_fraction, seed: see `source.draw_val`; without a fraction there is no split `val`.

    Raises:
      OSError: a file cannot be opened.
      ValueError: files are missing, damaged, or no batches of CIFAR; names the file.
    """
    image_folders.require_folder(data_dir, EXPECTED)
    kind, root = _find(data_dir)
    meta_path = os.path.join(root, kind.meta)
    names = _field(_load(meta_path), kind.label_names, list, meta_path)
    class_names = tuple(
        name.decode(errors="replace") if isinstance(name, bytes) else str(name) for name in names
    )
    splits = {
        split: tuple(
            sample
            for file in files
            for sample in _read_batch(os.path.join(root, file), kind, len(class_names))
        )
        for split, files in kind.splits.items()
    }
    drawn, problems = draw_val(splits, val_fraction, seed, root)
    return Source(kind.name, class_names, drawn, tuple(problems))


def _find(data_dir: str) -> tuple[_Kind, str]:
    """Returns which of the two lies in a folder, and where."""
    for folder in _FOLDERS:
        root = os.path.normpath(os.path.join(data_dir, folder))
        for kind in _KINDS:
            if not os.path.isfile(os.path.join(root, kind.meta)):
                continue
            files = [file for files in kind.splits.values() for file in files]
            missing = [file for file in files if not os.path.isfile(os.path.join(root, file))]
            if missing:
                raise ValueError(
                    f"{os.path.join(root, missing[0])} is missing: unpack the archive again."
                )
            return kind, root
    raise ValueError(
        f"data_dir {data_dir!r} holds {image_folders.name_entries(data_dir)}; expected {EXPECTED}."
    )


def _read_batch(path: str, kind: _Kind, num_classes: int) -> list[Sample]:
    batch = _load(path)
    labels = _field(batch, kind.labels, list, path)
    data = _field(batch, b"data", np.ndarray, path)
    if data.dtype != np.uint8 or data.shape != (len(labels), 3 * _SIDE * _SIDE):
        raise ValueError(
            f"{printable(path)} holds {data.dtype} {list(data.shape)} for {len(labels)} labels; "
            f"expected uint8 [{len(labels)}, {3 * _SIDE * _SIDE}]: copy it again."
        )
    for index, label in enumerate(labels):
        if not isinstance(label, int) or not 0 <= label < num_classes:
            raise ValueError(
                f"{printable(path)}: the label of image {index} is {label!r}; expected 0 to "
                f"{num_classes - 1}: copy it again."
            )
    # Rows of red come first, then those of green and blue.
    images = np.ascontiguousarray(data.reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1))
    name = os.path.basename(path)
    return [
        Sample(f"{name}/{index:05d}", path, label, image)
        for index, (label, image) in enumerate(zip(labels, images, strict=True))
    ]


def _field(content: Any, key: bytes, kind: type, path: str) -> Any:
    """Returns a field of an unpickled batch, whose keys are bytes under Python 2."""
    if isinstance(content, dict):
        value = content.get(key, content.get(key.decode()))
        if isinstance(value, kind):
            return value
    raise ValueError(
        f"{printable(path)} has no {key.decode()!r} as batches of CIFAR have: expected {EXPECTED}."
    )


def _encode(text: str, encoding: str) -> bytes:
    """Stands in for `codecs.encode`, by which Python 3 writes bytes into pickles for Python 2."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it asks for the encoding {encoding!r}")
    return text.encode(encoding)


# What arrays are made of, under its names in numpy 1 and 2.
_RECONSTRUCT = np.zeros(0).__reduce__()[0]
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("_codecs", "encode"): _encode,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _Unpickler(pickle.Unpickler):
    """Makes numpy's arrays and plain values, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        found = _ALLOWED.get((module, name))
        if found is None:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return found


def _load(path: str) -> Any:
    with open(path, "rb") as file:
        try:
            return _Unpickler(file, encoding="bytes").load()
        except Exception as error:  # Damaged pickles raise many types.
            reason = printable(str(error)) or type(error).__name__
            raise ValueError(
                f"{printable(path)} is not a batch of CIFAR, or is damaged ({reason}): copy it "
                "again."
            ) from None
