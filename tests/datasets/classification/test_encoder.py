"""Folders of images become records: right bytes, equal ones, and runs that go on."""

import os
import pathlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from datasets.classification import specs
from datasets.classification.encoder import ClassificationEncoder
from datasets.classification.sources import class_folders
from datasets.images import image_graph
from datasets.records import conversion, dataset_file, shard_plan
from datasets.segmentation.specs import DatasetSpec, SplitSpec, write_spec
from tests.support import class_images, sample_images


def plan(source, directory, **options):
    splits = {name: shard_plan.mix(samples) for name, samples in source.splits.items()}
    return shard_plan.plan_shards(ClassificationEncoder(source), splits, str(directory), **options)


def build(source, directory, *, num_shards=3, skip_failures=False, **options):
    planned = plan(source, directory, num_shards=num_shards, skip_failures=skip_failures)
    return conversion.convert(planned, skip_failures=skip_failures, show_progress=False, **options)


def read_bytes(directory) -> dict[str, bytes]:
    paths = [path for path in pathlib.Path(directory).iterdir() if path.is_file()]
    return {path.name: path.read_bytes() for path in paths}


@pytest.fixture
def source(tmp_path):
    return class_folders.open_source(str(class_images.save_pets(tmp_path / "pets")))


def test_records_hold_the_files_and_their_classes(source, tmp_path):
    spec, failures = build(source, tmp_path / "out")
    assert failures == []
    assert specs.read_spec(str(tmp_path / "out")) == spec
    assert (spec.name, spec.class_names, list(spec.splits)) == (
        "pets",
        ("cat", "dog"),
        ["train", "val"],
    )
    for name, split in spec.splits.items():
        records = class_images.read_records(spec, name)
        assert len(records) == split.num_examples == sum(split.examples_per_class)
        assert split.examples_per_class == ((10, 10) if name == "train" else (2, 2))
        for record in records:
            path = tmp_path / "pets" / record["image_name"].decode()
            assert record["encoded"] == path.read_bytes()
            assert spec.class_names[record["label"]] == path.parent.name
    assert (spec.split("train").max_height, spec.split("train").max_width) == (31, 30)


def test_classes_are_mixed_within_each_shard(source, tmp_path):
    spec, _ = build(source, tmp_path / "out", num_shards=1)
    labels = [record["label"] for record in class_images.read_records(spec, "train")]
    changes = np.count_nonzero(np.diff(labels))
    assert changes > 4, labels  # 1 if class lay after class.


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cmyk.jpg", {"mode": "CMYK"}),
        ("turned.jpg", {"exif": 6}),
        ("palette.png", {"mode": "P"}),
        ("alpha.png", {"mode": "RGBA"}),
        ("a.bmp", {}),
        ("a.gif", {"mode": "P"}),
        ("a.webp", {"lossless": True}),
    ],
)
def test_what_tensorflow_would_read_otherwise_becomes_png(tmp_path, name, options):
    pets = class_images.save_pets(tmp_path / "pets", 3)
    image = Image.fromarray(sample_images.smooth_rgb())
    mode = options.pop("mode", "RGB")
    if "exif" in options:
        options["exif"] = sample_images.exif(options["exif"])
    path = sample_images.save(pets / "cat" / name, image.convert(mode), **options)
    source = class_folders.open_source(str(pets), val_fraction=0.0)
    spec, _ = build(source, tmp_path / "out")
    (record,) = (
        each
        for each in class_images.read_records(spec, "train")
        if each["image_name"].decode() == f"cat/{name}"
    )
    assert record["encoded"][:4] == b"\x89PNG"
    with tf.Session() as session:
        decoded = session.run(image_graph.decode(tf.constant(record["encoded"])))
    expected = np.asarray(Image.open(path).convert("RGB"))
    np.testing.assert_array_equal(
        decoded, np.rot90(expected, -1) if "exif" in options else expected
    )


def test_the_number_of_threads_does_not_show(source, tmp_path):
    build(source, tmp_path / "one", num_workers=1)
    build(source, tmp_path / "many", num_workers=7)
    one, many = read_bytes(tmp_path / "one"), read_bytes(tmp_path / "many")
    assert one == many
    assert len(one) == 7


def test_only_shards_that_are_missing_or_changed_are_written(source, tmp_path):
    out = tmp_path / "out"
    build(source, out)
    before = read_bytes(out)
    assert plan(source, out, num_shards=3).pending == []
    lost = sorted(out.glob("train-*"))[1]
    lost.unlink()
    (pending,) = plan(source, out, num_shards=3).pending
    assert pending.path == str(lost)
    build(source, out)
    assert read_bytes(out) == before
    os.utime(tmp_path / "pets" / "cat" / "0.jpg", (0, 0))
    assert len(plan(source, out, num_shards=3).pending) == 1
    names = tmp_path / "names.txt"
    names.write_text("dog\ncat\n")
    swapped = class_folders.open_source(str(tmp_path / "pets"), class_names_file=str(names))
    assert len(plan(swapped, out, num_shards=3).pending) == 6


def test_damaged_notes_are_no_obstacle(source, tmp_path):
    build(source, tmp_path / "out")
    for note in (tmp_path / "out" / ".build").glob("*.json"):
        note.write_text(note.read_text().replace("examples_per_class", "pixels"))
    assert len(plan(source, tmp_path / "out", num_shards=3).pending) == 6


def test_a_file_that_cannot_be_read_ends_the_build_or_is_skipped(source, tmp_path):
    path = tmp_path / "pets" / "cat" / "1.jpg"
    path.write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"cat/1\.jpg: not an image .*--on_error=skip"):
        build(source, tmp_path / "out")
    assert not (tmp_path / "out" / "dataset.json").exists()
    spec, failures = build(source, tmp_path / "out", skip_failures=True)
    assert [(failure.name, failure.split) for failure in failures] == [("cat/1.jpg", "train")]
    assert spec.split("train").examples_per_class == (9, 10)
    assert len(class_images.read_records(spec, "train")) == 19


def test_a_dataset_of_the_same_name_for_another_task_is_kept(source, tmp_path):
    split = SplitSpec(1, 1, (4,), (1,), 0, 2, 2)
    write_spec(DatasetSpec("pets", str(tmp_path), ("a",), ((0, 0, 0),), 255, False, {"val": split}))
    with pytest.raises(FileExistsError, match="holds the dataset 'pets' for segmentation, not"):
        plan(source, tmp_path)
    assert dataset_file.read_owner(str(tmp_path)) == ("segmentation", "pets")


def test_no_split_may_be_empty(source, tmp_path):
    for path in (tmp_path / "pets").rglob("*.jpg"):
        path.write_bytes(b"no image")
    with pytest.raises(ValueError, match="no example of split 'train' can be used"):
        build(source, tmp_path / "out", skip_failures=True)
