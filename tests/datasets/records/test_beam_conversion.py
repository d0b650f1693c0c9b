"""The conversion on Apache Beam: what the threads of one machine write, to the byte."""

import filecmp
import importlib.util
import os

import numpy as np
import pytest

from datasets.records import beam_conversion, conversion
from datasets.segmentation import encoder
from datasets.segmentation.sources import folder
from datasets.segmentation.sources.source import Source
from tests.support import sample_images

LOCAL = "FnApiRunner"  # Inside this process; DirectRunner may first look for Prism on the network.

needs_beam = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None,
    reason="Apache Beam is not installed: make setup-beam",
)


@pytest.fixture
def source(tmp_path) -> Source:
    for index in range(10):
        mask = np.full((24, 40), index % 3, np.uint8)
        sample_images.save_pair(tmp_path / "pets", f"p{index}", mask, index)
    names = {"names": ["background", "cat", "dog"]}
    sample_images.write_json(tmp_path / "pets" / "classes.json", names)
    return folder.open_source(str(tmp_path / "pets"), val_fraction=0.3)


def convert_locally(source: Source, out, **options):
    plan = encoder.plan_shards(source, str(out), num_shards=3)
    return conversion.convert(plan, show_progress=False, **options)


def convert_on_beam(source: Source, out, **options):
    plan = encoder.plan_shards(source, str(out), num_shards=3)
    return beam_conversion.convert(plan, runner=LOCAL, **options)


def list_files(directory) -> list[str]:
    return sorted(
        os.path.relpath(os.path.join(folder_path, name), directory)
        for folder_path, _, names in os.walk(directory)
        for name in names
    )


@needs_beam
def test_beam_writes_the_same_files(source, tmp_path):
    excluded = [("train", source.splits["train"][0].name)]
    spec, failures = convert_on_beam(source, tmp_path / "b", excluded=excluded, skip_failures=True)
    expected, left_out = convert_locally(
        source, tmp_path / "a", excluded=excluded, skip_failures=True
    )
    assert spec.splits == expected.splits
    assert spec.split("train").num_examples == 6
    assert failures == left_out
    assert len(failures) == 1
    files = list_files(tmp_path / "a")
    assert len(files) == 14  # Six shards, what is remembered of each and all, and dataset.json.
    assert list_files(tmp_path / "b") == files
    _, different, unreadable = filecmp.cmpfiles(
        tmp_path / "a", tmp_path / "b", files, shallow=False
    )
    assert (different, unreadable) == ([], [])


@needs_beam
def test_beam_names_what_cannot_be_converted_and_goes_on_from_there(source, tmp_path):
    item = source.splits["train"][0]
    with open(item.mask_path, "rb") as file:
        data = file.read()
    os.truncate(item.mask_path, 50)
    with pytest.raises(ValueError, match=rf"{item.mask_path}.*--on_error=skip"):
        convert_on_beam(source, tmp_path / "b")
    assert not os.path.exists(tmp_path / "b" / "dataset.json")
    with open(item.mask_path, "wb") as file:
        file.write(data)
    plan = encoder.plan_shards(source, str(tmp_path / "b"), num_shards=3)
    assert len(plan.pending) == 1
    spec, _ = convert_on_beam(source, tmp_path / "b")
    assert sum(split.num_examples for split in spec.splits.values()) == 10
    assert not [name for name in os.listdir(tmp_path / "b" / ".build") if "failed" in name]


@needs_beam
def test_options_that_beam_refuses_are_a_value_error(source, tmp_path):
    with pytest.raises(ValueError, match=r"Beam refuses --runner=FnApiRunner --streaming=maybe"):
        convert_on_beam(source, tmp_path / "b", options="--streaming=maybe")
    assert not os.path.exists(tmp_path / "b")


def test_without_beam_the_error_says_how_to_install_it(source, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"--runner=FnApiRunner needs Apache Beam.*setup-beam"):
        convert_on_beam(source, tmp_path / "b")
    assert not os.path.exists(tmp_path / "b")
