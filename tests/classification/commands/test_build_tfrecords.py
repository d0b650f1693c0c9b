"""The commands of records of classification: what they write and print, and their errors."""

import dataclasses
import os
import shutil

import pytest
import tensorflow.compat.v1 as tf

from classification.commands import build_tfrecords_flags, describe_tfrecords_flags
from classification.commands.build_tfrecords_flags import BuildOptions
from commands import execution
from commands.build_options import BuildingOptions
from commands.command import Command
from commands.flags import Flags
from datasets.classification import record_format, sources, specs
from datasets.classification.sources import class_demo
from datasets.images.memory_limit import DEFAULT_LIMIT_MB
from datasets.segmentation.sources import SOURCES as SEGMENTATION_SOURCES
from tests.support import class_images


def call(command: Command, *arguments: str) -> int | None:
    flags = Flags(command.options, command.computed_defaults)
    flags.parse(["command", *arguments])
    return execution.load(command)(flags, [])


def build(*arguments: str) -> int | None:
    return call(build_tfrecords_flags.COMMAND, *arguments)


def describe(*arguments: str) -> int | None:
    return call(describe_tfrecords_flags.COMMAND, *arguments)


@pytest.fixture
def pets(tmp_path):
    return class_images.save_pets(tmp_path / "pets")


def test_choices_are_those_of_the_modules():
    assert tuple(sources.SOURCES) == build_tfrecords_flags._SOURCES
    assert BuildingOptions.memory_limit_mb == DEFAULT_LIMIT_MB
    assert class_demo.DEFAULT_FOLDER == "data/class_demo"
    # The launcher tells the task by --dataset.
    assert set(sources.SOURCES).isdisjoint(SEGMENTATION_SOURCES)


def test_records_of_another_folder_of_the_same_name_are_not_replaced(pets, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert build("--data_dir=pets") == 0
    other = class_images.save_pets(tmp_path / "x" / "pets")
    with pytest.raises(FileExistsError, match=f"'pets' of {pets}, and this .* {other}: "):
        build("--data_dir=x/pets")
    assert build("--data_dir=x/pets", "--output_dir=records") == 0


def test_a_folder_becomes_the_last_dataset_built(pets, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert build("--data_dir=pets", "--val_fraction=0.25", "--num_shards=2") == 0
    spec = specs.read_spec(specs.find_last_dataset())
    assert (spec.directory, spec.class_names) == ("data/tfrecords/pets", ("cat", "dog"))
    assert {name: split.num_examples for name, split in spec.splits.items()} == {
        "train": 18,
        "val": 6,
    }
    output = capfd.readouterr().out
    assert "pets: 2 classes in data/tfrecords/pets" in output
    assert "18 images up to 30x31" in output
    assert "train.py --task=classification" in output
    assert build("--data_dir=pets", "--val_fraction=0.25", "--num_shards=2") == 0
    stderr = capfd.readouterr().err
    assert "4 of 4 shards are there already" in stderr
    assert "checking" not in stderr


def test_check_only_writes_nothing_and_tells_by_its_status(pets, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert build("--data_dir=pets", "--check_only") == 0
    (pets / "cat/0.jpg").write_bytes(b"no image")
    assert build("--data_dir=pets", "--check_only") == 1
    assert "cat/0.jpg: not an image file" in capfd.readouterr().out
    assert not (tmp_path / "data").exists()


def test_errors_end_the_build_or_are_skipped(pets, tmp_path, capfd):
    shutil.copy(pets / "cat/0.jpg", pets / "dog/copy.jpg")
    flags = [f"--data_dir={pets}", f"--output_dir={tmp_path}/out"]
    with pytest.raises(ValueError, match=r"the check found 2 errors .*--on_error=skip"):
        build(*flags)
    assert not (tmp_path / "out").exists()
    assert build(*flags, "--on_error=skip") == 0
    spec = specs.read_spec(f"{tmp_path}/out")
    assert sum(split.num_examples for split in spec.splits.values()) == 23
    assert "dog/copy.jpg: " in capfd.readouterr().err


def test_a_single_class_is_not_skipped(tmp_path):
    class_images.save(tmp_path / "pets/cat", 12)
    flags = [f"--data_dir={tmp_path}/pets", f"--output_dir={tmp_path}/out", "--on_error=skip"]
    with pytest.raises(ValueError, match="split 'train': there is one class only, 'cat'"):
        build(*flags)
    assert not (tmp_path / "out").exists()


def test_skipping_is_offered_only_where_it_helps(pets, tmp_path):
    (pets / "emu").mkdir()
    (pets / "cat/0.jpg").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"the check found 2 errors .* does not fix all"):
        build(f"--data_dir={pets}", f"--output_dir={tmp_path}/out")


def test_a_folder_that_cannot_be_made_is_told_before_images_are_read(pets, capfd):
    if not os.path.isdir("/proc"):
        pytest.skip("needs /proc")
    with pytest.raises(OSError, match=r"output_dir /proc/zz: /proc cannot .* --output_dir"):
        build(f"--data_dir={pets}", "--output_dir=/proc/zz")
    assert "checking" not in capfd.readouterr().err


def test_what_is_missing_is_told():
    with pytest.raises(ValueError, match="--dataset=cifar needs --data_dir"):
        build("--dataset=cifar")
    with pytest.raises(ValueError, match="--beam_options goes with --runner"):
        build("--beam_options=x", "--data_dir=x")
    with pytest.raises(ValueError, match="--tfrecords is missing"):
        describe()
    with pytest.raises(ValueError, match="--tfrecords=/nowhere is not a folder"):
        describe("--tfrecords=/nowhere")


def test_every_flag_is_used():
    """Each field of the options is read by the command, or has no effect."""
    with open("classification/commands/build_tfrecords.py", encoding="utf-8") as file:
        text = file.read()
    unused = [
        field.name
        for field in dataclasses.fields(BuildOptions)
        if f"options.{field.name}" not in text
    ]
    assert unused == []


def test_records_of_another_program_are_described_once(pets, tmp_path, capfd):
    out = tmp_path / "out"
    build(f"--data_dir={pets}", f"--output_dir={out}", "--num_shards=1")
    described = specs.read_spec(str(out))
    (out / "dataset.json").unlink()
    describe(f"--tfrecords={out}", "--name=pets")
    assert specs.read_spec(str(out)) == described
    assert "2 classes: cat, dog" in capfd.readouterr().out
    with pytest.raises(ValueError, match="exists already; --overwrite replaces it"):
        describe(f"--tfrecords={out}")
    (tmp_path / "names.txt").write_text("0:a\n1:b\n")
    describe(f"--tfrecords={out}", "--overwrite", f"--class_names_file={tmp_path}/names.txt")
    assert specs.read_spec(str(out)).class_names == ("a", "b")
    describe(f"--tfrecords={out}", "--overwrite", "--class_names=x, y")
    assert specs.read_spec(str(out)).class_names == ("x", "y")
    with pytest.raises(ValueError, match="says what --class_names says"):
        describe(f"--tfrecords={out}", "--overwrite", "--class_names=x", "--class_names_file=y")


def test_records_can_be_read_with_tf_data(pets, tmp_path):
    build(f"--data_dir={pets}", f"--output_dir={tmp_path}/out")
    spec = specs.read_spec(f"{tmp_path}/out")
    dataset = tf.data.TFRecordDataset(spec.shard_paths("val"))
    batch = tf.data.make_one_shot_iterator(
        dataset.map(record_format.parse_example).batch(4, drop_remainder=True)
    ).get_next()
    with tf.Session() as session:
        parsed = session.run(batch)
    assert sorted(parsed["label"].tolist()) == [0, 0, 1, 1]
