"""Where a dataset lay, and whether another one is known to be another."""

import os

import pytest

from common.dataset_files import DATASET_FILE
from common.dataset_origin import DatasetOrigin


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with folders of records and of images."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "copy_of_a", "images_a", "images_b"):
        (tmp_path / name).mkdir()
    for name in ("a", "b", "copy_of_a"):
        (tmp_path / name / DATASET_FILE).write_text(name[-1])
    (tmp_path / "link").symlink_to("images_a")
    return tmp_path


def origin(folder, records: str = "", data: str = "") -> DatasetOrigin:
    return DatasetOrigin(*(str(folder / name) if name else "" for name in (records, data)))


@pytest.mark.parametrize(
    ("former", "now", "is_other"),
    [
        (("a", "images_a"), ("a", "images_b"), True),
        (("a", "images_a"), ("b", "images_a"), False),  # built again
        (("a", "images_a"), ("b", "link"), False),
        (("a", "gone"), ("b", "images_b"), False),  # moved
        (("a",), ("b", "images_b"), True),
        (("a",), ("a", "images_b"), False),
        (("a",), ("copy_of_a",), False),
        (("gone",), ("b",), False),
        ((), ("b", "images_b"), False),
        ((), (), False),
    ],
)
def test_only_what_is_known_to_be_another_dataset_is_one(folder, former, now, is_other):
    assert origin(folder, *now).is_other_than(origin(folder, *former)) is is_other


def test_records_are_found_where_they_were_as_long_as_they_are_there(folder, monkeypatch):
    assert origin(folder, "a").find_records() == "a"
    monkeypatch.chdir(folder / "b")
    assert origin(folder, "a").find_records() == str(folder / "a")
    assert origin(folder, "images_a").find_records() is None
    os.remove(folder / "a" / DATASET_FILE)
    assert origin(folder, "a").find_records() is None
    assert DatasetOrigin().find_records() is None
