"""datasets.classification.sources.cifar: the authors' pickles are read, and nothing is run."""

import io
import os
import pickle
import struct
import typing

import numpy as np
import pytest
from PIL import Image

from datasets.classification.sources import cifar


class _Python2Pickler(pickle._Pickler):
    """Writes texts and bytes as Python 2 does, which has one type for both."""

    def _save_string(self, value: bytes | str) -> None:
        data = value.encode("latin1") if isinstance(value, str) else value
        self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)
        self.memoize(value)

    dispatch: typing.ClassVar = {**pickle._Pickler.dispatch, bytes: _save_string, str: _save_string}


def write(path, content) -> None:
    """Writes a pickle as Python 2 does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        _Python2Pickler(file, protocol=2).dump(content)


def images(seed: int, count: int) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, 256, (count, 32, 32, 3)).astype(np.uint8)


def rows(pixels: np.ndarray) -> np.ndarray:
    return pixels.transpose(0, 3, 1, 2).reshape(len(pixels), -1)


@pytest.fixture
def cifar10(tmp_path):
    root = tmp_path / "cifar-10-batches-py"
    write(root / "batches.meta", {b"label_names": [b"plane", b"car"], b"num_vis": 3072})
    for seed, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        write(root / name, {b"data": rows(images(seed, 2)), b"labels": [seed % 2, 1]})
    return root


def test_cifar10(cifar10, tmp_path):
    source = cifar.open_source(str(tmp_path))  # The folder above it.
    assert (source.name, source.class_names) == ("cifar10", ("plane", "car"))
    assert {split: len(samples) for split, samples in source.splits.items()} == {
        "train": 10,
        "test": 2,
    }
    assert "no split 'val'" in source.problems[0].message
    third = source.splits["train"][2]
    assert (third.name, third.label) == ("data_batch_2/00000", 1)
    image = third.read()
    assert (image.format, image.size) == ("png", (32, 32))
    decoded = np.asarray(Image.open(io.BytesIO(image.encoded)))
    np.testing.assert_array_equal(decoded, images(1, 2)[0])
    drawn = cifar.open_source(str(cifar10), val_fraction=0.4)
    assert list(drawn.splits) == ["train", "val", "test"]
    assert sum(len(samples) for samples in drawn.splits.values()) == 12


def test_cifar100_has_its_fine_labels(tmp_path):
    root = tmp_path / "cifar"
    write(root / "meta", {b"fine_label_names": [b"apple"], b"coarse_label_names": [b"fruit"]})
    for name in ("train", "test"):
        content = {b"data": rows(images(0, 1)), b"fine_labels": [0], b"coarse_labels": [7]}
        write(root / name, content)
    source = cifar.open_source(str(root))
    assert (source.name, source.class_names) == ("cifar100", ("apple",))
    assert [sample.label for sample in source.splits["train"]] == [0]


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_batches_that_python_3_has_written(cifar10, protocol):
    path = cifar10 / "test_batch"
    content = {"data": rows(images(9, 2)), "labels": [1, 0]}
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    samples = cifar.open_source(str(cifar10)).splits["test"]
    assert [sample.label for sample in samples] == [1, 0]
    np.testing.assert_array_equal(samples[0].pixels, images(9, 2)[0])


class _Trap:
    def __reduce__(self):
        return (os.mkdir, ("/tmp/cifar_was_here",))


def test_a_pickle_runs_nothing(cifar10):
    write(cifar10 / "data_batch_3", {b"data": _Trap(), b"labels": []})
    with pytest.raises(ValueError, match=r"data_batch_3 is not a batch .*asks for posix\.mkdir"):
        cifar.open_source(str(cifar10))
    assert not os.path.exists("/tmp/cifar_was_here")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({b"labels": [0, 1]}, "has no 'data'"),
        ([1, 2], "has no 'labels'"),
        ({b"data": rows(images(0, 3)), b"labels": [0, 1]}, r"uint8 \[3, 3072\] for 2 labels"),
        ({b"data": rows(images(0, 2)) * 1.0, b"labels": [0, 1]}, "holds float64"),
        (
            {b"data": rows(images(0, 2)), b"labels": [0, 2]},
            "label of image 1 is 2; expected 0 to 1",
        ),
    ],
)
def test_damaged_batches_are_named(cifar10, content, message):
    write(cifar10 / "test_batch", content)
    with pytest.raises(ValueError, match=rf"test_batch.*{message}"):
        cifar.open_source(str(cifar10))


def test_missing_and_truncated_files_are_named(cifar10, tmp_path):
    os.truncate(cifar10 / "data_batch_5", 100)
    with pytest.raises(ValueError, match="data_batch_5 is not a batch of CIFAR, or is damaged"):
        cifar.open_source(str(cifar10))
    os.remove(cifar10 / "data_batch_5")
    with pytest.raises(ValueError, match="data_batch_5 is missing"):
        cifar.open_source(str(cifar10))
    os.remove(cifar10 / "batches.meta")
    with pytest.raises(ValueError, match=r"holds data_batch_1, .*; expected data_batch_1 "):
        cifar.open_source(str(cifar10))
