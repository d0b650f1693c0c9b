"""Records of other programs: their names, their description, and the command that writes it."""

import dataclasses
import os
import shutil

import cv2
import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets.records import shard_check, tfrecords
from datasets.segmentation import foreign_records, specs
from tests.support import command_runs, tiny_dataset


@pytest.fixture
def foreign(tmp_path):
    """Three records in two files without ending: (folder, what a build says of them)."""
    examples = [
        (f"p{index}", *tiny_dataset.random_image(index, 5 + index, 9 - index)) for index in range(3)
    ]
    built = tiny_dataset.write(tmp_path, examples, num_shards=2)
    (tmp_path / "mine").mkdir()
    for path in built.shard_paths("train"):
        name = os.path.basename(path).removesuffix(".tfrecord")
        shutil.move(path, tmp_path / "mine" / name)
    return str(tmp_path / "mine"), built


def describe(directory, **options):
    options = {"name": "mine", "ignore_label": 255, **options}
    return foreign_records.describe(directory, show_progress=False, **options)


def test_a_description_counts_what_a_build_counts(foreign):
    directory, built = foreign
    spec = describe(directory, class_names=built.class_names, palette=built.palette)
    expected = dataclasses.replace(built, name="mine", directory=directory)
    assert spec == expected
    assert spec.split("train").shard_examples == (2, 1)
    assert spec.split("train").shard_files == ("train-00000-of-00002", "train-00001-of-00002")
    specs.write_spec(spec)
    read = specs.read_spec(directory)
    assert read == spec
    paths = shard_check.complete_shards(read, "train")
    assert paths == [f"{directory}/train-0000{index}-of-00002" for index in (0, 1)]
    assert sum(map(tfrecords.count_records, paths)) == 3


def test_classes_without_names_are_counted(foreign):
    directory, _ = foreign
    spec = describe(directory)
    assert spec.class_names == ("class_0", "class_1", "class_2")
    assert spec.palette[1] == (128, 0, 0)


def test_an_ignored_class_is_counted_as_ignored(foreign):
    directory, _ = foreign
    spec = describe(directory, ignore_label=0, class_names=[*map(str, range(256))])
    masks = [tiny_dataset.random_image(i, 5 + i, 9 - i)[1] for i in range(3)]
    assert spec.split("train").ignored_pixels == sum((mask == 0).sum() for mask in masks)
    assert spec.split("train").pixels_per_class[0] == 0
    assert spec.split("train").pixels_per_class[255] == sum((mask == 255).sum() for mask in masks)


def test_an_id_without_class_names_record_and_file(foreign):
    directory, _ = foreign
    with pytest.raises(ValueError, match=r"image p\d, record \d of .*: the mask holds the id 2"):
        describe(directory, class_names=["a", "b"])
    with pytest.raises(ValueError, match="2 colors for 3 classes"):
        describe(directory, palette=[(0, 0, 0), (1, 1, 1)])


def _write_masks(directory, values):
    example = tf.train.Example()
    for key, image in (
        ("image/encoded", np.zeros((4, 4, 3), np.uint8)),
        ("image/segmentation/class/encoded", np.resize(np.array(values, np.uint8), (4, 4))),
    ):
        tfrecords.put_bytes(example, key, cv2.imencode(".png", image)[1].tobytes())
    with tfrecords.write_shard(str(directory / "train-00000-of-00001.tfrecord")) as writer:
        writer.write(example.SerializeToString())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0, 255], "the masks hold only 0 and 255, and 255 means 'ignored'"),
        ([0, 127, 254], "hold the ids 0, 127, 254, so most ids up to 254 never occur"),
    ],
)
def test_values_that_are_hardly_ids_are_refused(tmp_path, values, message):
    _write_masks(tmp_path, values)
    with pytest.raises(ValueError, match=message):
        describe(tmp_path)


def test_masks_that_were_resized_smoothly_are_refused(tmp_path):
    discs = (np.hypot(*np.mgrid[-60:60, -60:60]) < 40).astype(np.uint8) * 254
    small = cv2.resize(discs, (40, 40), interpolation=cv2.INTER_AREA)
    smooth = cv2.resize(small, (120, 120), interpolation=cv2.INTER_CUBIC)
    example = tf.train.Example()
    for key, image in (
        ("image/encoded", np.zeros((120, 120, 3), np.uint8)),
        ("image/segmentation/class/encoded", smooth),
    ):
        tfrecords.put_bytes(example, key, cv2.imencode(".png", image)[1].tobytes())
    with tfrecords.write_shard(str(tmp_path / "train-00000-of-00001.tfrecord")) as writer:
        writer.write(example.SerializeToString())
    names = [f"class {index}" for index in range(255)]
    for options in ({}, {"class_names": names}):
        with pytest.raises(ValueError, match="occur only in ramps along borders between 0, 254"):
            describe(tmp_path, **options)


def test_records_of_another_task_are_named(tmp_path):
    with tfrecords.write_shard(str(tmp_path / "train.tfrecord")) as writer:
        writer.write(b"")
    with pytest.raises(ValueError, match=r"record 0 of .*train\.tfrecord, cannot be decoded"):
        describe(str(tmp_path))


def test_the_errors_of_a_folder_without_description_name_the_command(foreign, tmp_path):
    directory, _ = foreign
    command = f"python -m datasets.describe_tfrecords --tfrecords={directory}"
    with pytest.raises(ValueError, match=command):
        specs.read_spec(directory)
    for name in os.listdir(directory):
        os.rename(f"{directory}/{name}", f"{directory}/{name}.tfrecord")
    with pytest.raises(ValueError, match=command):
        specs.read_spec(directory)


def test_the_command_writes_the_description_once(foreign, tmp_path):
    directory, built = foreign
    command = ["datasets/describe_tfrecords.py", f"--tfrecords={directory}"]
    command += ["--class_names=sky, road,sea", "--palette=#000000,#0000ff,ffffff"]
    result = command_runs.run(*command, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "3 classes, 255 is ignored" in result.stdout
    spec = specs.read_spec(directory)
    assert spec.class_names == ("sky", "road", "sea")
    assert spec.palette == ((0, 0, 0), (0, 0, 255), (255, 255, 255))
    assert spec.splits == built.splits
    assert np.sum(spec.split("train").pixels_per_class) > 0
    result = command_runs.run(*command, cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.strip() == (
        f"error: {directory}/dataset.json exists already; --overwrite replaces it."
    )
    assert spec.name == "mine"
