"""Sources become shards: right records, equal bytes, and runs that go on where they stopped."""

import dataclasses
import errno
import json
import os
import pathlib
import subprocess

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from common import files
from datasets.records import conversion, tfrecords, workers
from datasets.segmentation import encoder, laplacian, record_format, specs
from datasets.segmentation.sources import folder
from tests.support import sample_images

NUM_TRAIN = 7


def make_mask(index: int) -> np.ndarray:
    mask = np.zeros((24, 30 + index), np.uint8)
    mask[: 2 + index] = 1
    mask[-3:] = 2
    mask[:, -1] = 255
    return mask


@pytest.fixture
def source(tmp_path):
    for index in range(NUM_TRAIN):
        sample_images.save_pair(tmp_path / "pets" / "train", f"p{index}", make_mask(index), index)
    sample_images.save_pair(tmp_path / "pets" / "val", "q0", make_mask(9))
    return folder.open_source(str(tmp_path / "pets"))


def build(source, directory, *, excluded=(), skip_failures=False, num_workers=1, **options):
    plan = encoder.plan_shards(source, str(directory), skip_failures=skip_failures, **options)
    return conversion.convert(
        plan,
        excluded=excluded,
        skip_failures=skip_failures,
        num_workers=num_workers,
        show_progress=False,
    )


def list_visible(directory) -> list[str]:
    return sorted(name for name in os.listdir(directory) if not name.startswith("."))


def read_bytes(directory) -> dict[str, bytes]:
    return {name: (directory / name).read_bytes() for name in list_visible(directory)}


def read_names(directory, split: str) -> list[str]:
    """Names of the records of a split, in order."""
    records = [
        tf.train.Example.FromString(record)
        for path in specs.read_spec(str(directory)).shard_paths(split)
        for record in tfrecords.read_records(path)
    ]
    return [r.features.feature["image/filename"].bytes_list.value[0].decode() for r in records]


def change(path) -> None:
    """Gives a file another time of change."""
    os.utime(path, ns=(1, 1))


def test_records_hold_the_images_masks_and_gradients_in_order(source, tmp_path):
    spec, failures = build(source, tmp_path / "out", num_shards=3)
    assert failures == []
    assert read_names(tmp_path / "out", "train") == [f"p{index}" for index in range(NUM_TRAIN)]
    with tf.Graph().as_default(), tf.Session() as session:
        record = tf.placeholder(tf.string, [])
        parsed = record_format.parse_example(record, with_gradient=True)
        records = [r for path in spec.shard_paths("train") for r in tfrecords.read_records(path)]
        for item, serialized in zip(source.splits["train"], records, strict=True):
            found = session.run(parsed, {record: serialized})
            image = np.asarray(Image.open(item.image_path))
            np.testing.assert_array_equal(found["image"], image)
            np.testing.assert_array_equal(found["label"][..., 0], source.read_mask(item))
            np.testing.assert_array_equal(found["gradient"][..., 0], laplacian.laplacian(image))


def test_the_dataset_is_described(source, tmp_path):
    spec, _ = build(source, tmp_path / "out", num_shards=3)
    assert specs.read_spec(str(tmp_path / "out")) == spec
    assert (spec.name, spec.num_classes, spec.ignore_label) == ("pets", 3, 255)
    assert spec.has_gradient
    masks = [make_mask(index) for index in range(NUM_TRAIN)]
    assert spec.split("train") == specs.SplitSpec(
        num_examples=NUM_TRAIN,
        num_shards=3,
        pixels_per_class=tuple(sum(int((m == k).sum()) for m in masks) for k in range(3)),
        examples_per_class=(NUM_TRAIN, NUM_TRAIN, NUM_TRAIN),
        ignored_pixels=24 * NUM_TRAIN,
        max_height=24,
        max_width=30 + NUM_TRAIN - 1,
    )
    assert (spec.split("val").num_examples, spec.split("val").num_shards) == (1, 1)


def test_an_ignored_class_is_counted_as_ignored(source, tmp_path):
    source = dataclasses.replace(source, ignore_label=0)
    for split in ("train", "val"):
        for item in source.splits[split]:
            mask = source.read_mask(item)
            sample_images.save(item.mask_path, np.where(mask == 255, 0, mask).astype(np.uint8))
    spec, _ = build(source, tmp_path / "out")
    split = spec.split("train")
    assert split.pixels_per_class[0] == 0
    masks = [make_mask(index) for index in range(NUM_TRAIN)]
    assert split.ignored_pixels == sum(int(np.isin(m, (0, 255)).sum()) for m in masks)


def test_without_gradient_records_are_smaller_and_say_so(source, tmp_path):
    build(source, tmp_path / "with")
    spec, _ = build(source, tmp_path / "without", gradient_format=None)
    assert not spec.has_gradient
    sizes = [
        (tmp_path / d / "val-00000-of-00001.tfrecord").stat().st_size for d in ("with", "without")
    ]
    assert sizes[1] < sizes[0]
    (record,) = tfrecords.read_records(spec.shard_paths("val")[0])
    assert "image/gradient/encoded" not in tf.train.Example.FromString(record).features.feature


def test_equal_input_gives_equal_bytes_with_any_number_of_threads(source, tmp_path):
    build(source, tmp_path / "one", num_shards=2, num_workers=1)
    build(source, tmp_path / "four", num_shards=2, num_workers=4)
    assert read_bytes(tmp_path / "one") == read_bytes(tmp_path / "four")


def test_the_number_of_shards(source, tmp_path):
    def plan(items, num_shards=None):
        few = dataclasses.replace(source, splits={"train": items})
        return encoder.plan_shards(few, str(tmp_path / "out"), num_shards=num_shards).shards

    items = source.splits["train"]
    assert len(plan(items)) == 1
    assert len(plan(items * 19)) == 2  # 133 examples
    assert [len(shard.samples) for shard in plan(items, 3)] == [2, 2, 3]
    assert len(plan(items, 100)) == NUM_TRAIN


class Recorder:
    """Counts the examples that are encoded, and can stop in front of one."""

    def __init__(self, monkeypatch):
        self.names = []
        self.stop_at = None
        encode = conversion._encode

        def encode_and_count(plan, shard, item, excluded):
            if item.name == self.stop_at:
                raise KeyboardInterrupt
            self.names.append(item.name)
            return encode(plan, shard, item, excluded)

        monkeypatch.setattr(conversion, "_encode", encode_and_count)


@pytest.fixture
def recorder(monkeypatch):
    return Recorder(monkeypatch)


def test_an_interrupted_run_goes_on_where_it_stopped(source, tmp_path, recorder):
    build(source, tmp_path / "whole", num_shards=3)
    recorder.names.clear()
    recorder.stop_at = "p3"
    with pytest.raises(KeyboardInterrupt):
        build(source, tmp_path / "out", num_shards=3)
    # p0 and p1 are in the first shard, p2 and p3 in the second.
    notes = {"owner.json", "train-00000-of-00003.json"}
    assert set(os.listdir(tmp_path / "out" / ".build")) == notes
    assert list_visible(tmp_path / "out") == ["train-00000-of-00003.tfrecord"]

    recorder.stop_at = None
    recorder.names.clear()
    spec, _ = build(source, tmp_path / "out", num_shards=3)
    assert recorder.names == ["p2", "p3", "p4", "p5", "p6", "q0"]
    assert spec.split("train").num_examples == NUM_TRAIN
    assert read_bytes(tmp_path / "out") == read_bytes(tmp_path / "whole")


def test_a_finished_build_is_not_done_again(source, tmp_path, recorder):
    first, _ = build(source, tmp_path / "out", num_shards=3)
    before = read_bytes(tmp_path / "out")
    recorder.names.clear()
    again, _ = build(source, tmp_path / "out", num_shards=3)
    assert recorder.names == []
    assert again == first
    assert read_bytes(tmp_path / "out") == before


def test_only_shards_of_changed_files_are_written_again(source, tmp_path, recorder):
    build(source, tmp_path / "out", num_shards=3)
    recorder.names.clear()
    change(source.splits["train"][2].mask_path)
    build(source, tmp_path / "out", num_shards=3)
    assert recorder.names == ["p2", "p3"]


@pytest.mark.parametrize(
    "option", ["gradient", "classes", "ignore_label", "colors", "values", "check"]
)
def test_other_options_write_everything_again(source, tmp_path, recorder, option):
    build(source, tmp_path / "out")
    recorder.names.clear()
    options = {}
    if option == "gradient":
        options["gradient_format"] = None
    elif option == "check":
        options["is_checked"] = True
    elif option == "classes":
        names, palette = (*source.class_names, "more"), (*source.palette, (9, 9, 9))
        source = dataclasses.replace(source, class_names=names, palette=palette)
    elif option == "ignore_label":
        names, palette = ("x",) * 256, ((0, 0, 0),) * 256
        source = dataclasses.replace(source, ignore_label=7)
        source = dataclasses.replace(source, class_names=names, palette=palette)
    elif option == "values":
        values = {0: 0, 1: 2, 2: 1, 255: 255}
        mask_format = dataclasses.replace(source.mask_format, values=values)
        source = dataclasses.replace(source, mask_format=mask_format)
    else:
        mask_format = dataclasses.replace(source.mask_format, id_map={2: 1})
        source = dataclasses.replace(source, mask_format=mask_format)
    build(source, tmp_path / "out", **options)
    assert len(recorder.names) == NUM_TRAIN + 1


@pytest.mark.parametrize("damage", ["truncated", "removed", "state removed", "state truncated"])
def test_a_shard_that_is_not_as_it_was_left_is_written_again(source, tmp_path, recorder, damage):
    build(source, tmp_path / "out", num_shards=3)
    before = read_bytes(tmp_path / "out")
    recorder.names.clear()
    shard = tmp_path / "out" / "train-00001-of-00003.tfrecord"
    state = tmp_path / "out" / ".build" / "train-00001-of-00003.json"
    path = state if damage.startswith("state") else shard
    if damage.endswith("removed"):
        path.unlink()
    else:
        os.truncate(path, path.stat().st_size // 2)
    build(source, tmp_path / "out", num_shards=3)
    assert recorder.names == ["p2", "p3"]
    assert read_bytes(tmp_path / "out") == before


def test_shards_of_an_earlier_build_are_removed(source, tmp_path):
    build(source, tmp_path / "out", num_shards=3)
    (tmp_path / "out" / ".val-00000-of-00001.tfrecord.99.tmp").touch()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    only_train = dataclasses.replace(source, splits={"train": source.splits["train"]})
    build(only_train, tmp_path / "out", num_shards=2)
    assert sorted(os.listdir(tmp_path / "out")) == [
        ".build",
        "dataset.json",
        "notes.txt",
        "train-00000-of-00002.tfrecord",
        "train-00001-of-00002.tfrecord",
    ]
    assert sorted(os.listdir(tmp_path / "out" / ".build")) == [
        "owner.json",
        "train-00000-of-00002.json",
        "train-00001-of-00002.json",
    ]


def test_while_a_build_is_redone_there_is_no_dataset(source, tmp_path, recorder):
    build(source, tmp_path / "out", num_shards=3)
    change(source.splits["train"][6].image_path)
    recorder.stop_at = "p6"
    with pytest.raises(KeyboardInterrupt):
        build(source, tmp_path / "out", num_shards=3)
    with pytest.raises(ValueError, match=r"holds 2 'train' shards of 3: .* Copy or build them"):
        specs.read_spec(str(tmp_path / "out"))


def damage_images(source) -> tuple[pathlib.Path, pathlib.Path]:
    """Truncates the image p1 and gives the mask p4 an id without a class."""
    image, mask = (
        pathlib.Path(source.splits["train"][1].image_path),
        pathlib.Path(source.splits["train"][4].mask_path),
    )
    os.truncate(image, image.stat().st_size // 2)
    sample_images.save(mask, np.where(make_mask(4) == 2, 99, make_mask(4)).astype(np.uint8))
    return image, mask


def test_the_first_unusable_example_ends_the_conversion(source, tmp_path):
    image, mask = damage_images(source)
    with pytest.raises(ValueError, match=f"{image}: truncated or damaged.*--on_error=skip"):
        build(source, tmp_path / "out", num_shards=3)
    assert list_visible(tmp_path / "out") == []
    sample_images.save(image, sample_images.smooth_rgb(24, 31))
    with pytest.raises(ValueError, match=rf"{mask}: ids 99 have no class: .* 0 to 2, and 255"):
        build(source, tmp_path / "out", num_shards=3)
    assert list_visible(tmp_path / "out") == [
        "train-00000-of-00003.tfrecord",
        "train-00001-of-00003.tfrecord",
    ]


def test_unusable_examples_are_skipped_on_request(source, tmp_path, recorder):
    image, mask = damage_images(source)
    spec, failures = build(source, tmp_path / "out", num_shards=3, skip_failures=True)
    assert [(failure.split, failure.name) for failure in failures] == [
        ("train", "p1"),
        ("train", "p4"),
    ]
    assert str(image) in failures[0].message
    assert str(mask) in failures[1].message
    assert spec.split("train").num_examples == NUM_TRAIN - 2
    assert read_names(tmp_path / "out", "train") == ["p0", "p2", "p3", "p5", "p6"]
    # The next run knows them still, and a run that does not skip does not take these shards.
    recorder.names.clear()
    assert build(source, tmp_path / "out", num_shards=3, skip_failures=True) == (spec, failures)
    assert recorder.names == []
    with pytest.raises(ValueError, match="truncated or damaged"):
        build(source, tmp_path / "out", num_shards=3)


def test_a_file_that_is_gone_is_named_without_an_error_number(source, tmp_path):
    sample = source.splits["train"][1]
    os.remove(sample.mask_path)
    _, (failure,) = build(source, tmp_path / "out", skip_failures=True)
    assert failure.message == f"{sample.mask_path}: No such file or directory."


def test_examples_that_the_check_excludes_are_left_out(source, tmp_path):
    excluded = {("train", "p2"), ("val", "p0")}
    spec, failures = build(source, tmp_path / "out", excluded=excluded, skip_failures=True)
    assert read_names(tmp_path / "out", "train") == ["p0", "p1", "p3", "p4", "p5", "p6"]
    assert spec.split("val").num_examples == 1
    assert [failure.name for failure in failures] == ["p2"]


def test_a_split_of_which_nothing_remains_is_refused(source, tmp_path):
    with pytest.raises(ValueError, match="no example of split 'val' can be used"):
        build(source, tmp_path / "out", excluded={("val", "q0")}, skip_failures=True)
    assert "dataset.json" not in os.listdir(tmp_path / "out")


def test_shards_of_others_are_not_touched(source, tmp_path):
    shard = tmp_path / "out" / "train-00000-of-00010.tfrecord"
    sample_images.write(shard, "of another program")
    message = "holds files that no build has written there, such as train-00000-of-00010"
    for description in (None, {"name": "pets", "task": "segmentation"}):
        if description:  # As `datasets.describe_tfrecords` writes it.
            (tmp_path / "out" / "dataset.json").write_text(json.dumps(description))
        with pytest.raises(OSError, match=message):
            build(source, tmp_path / "out")
        assert shard.read_text() == "of another program"
    shard.unlink()
    build(source, tmp_path / "out")
    sample_images.write(shard, "copied into the folder of a build")
    with pytest.raises(OSError, match=message):
        build(source, tmp_path / "out")
    sample_images.write(shard.with_suffix(""), "of another task")
    shard.unlink()
    with pytest.raises(OSError, match=message):
        build(source, tmp_path / "out")


def test_an_unfinished_build_of_another_dataset_is_not_removed(source, tmp_path):
    build(source, tmp_path / "out")
    (tmp_path / "out" / "dataset.json").unlink()
    before = read_bytes(tmp_path / "out")
    with pytest.raises(OSError, match="holds an unfinished build of the dataset 'pets', not 'car"):
        build(dataclasses.replace(source, name="cars"), tmp_path / "out")
    assert read_bytes(tmp_path / "out") == before
    build(source, tmp_path / "out")
    assert "dataset.json" in os.listdir(tmp_path / "out")


def test_another_dataset_is_not_overwritten(source, tmp_path):
    build(source, tmp_path / "out")
    before = read_bytes(tmp_path / "out")
    with pytest.raises(OSError, match="holds the dataset 'pets', not 'cars'"):
        build(dataclasses.replace(source, name="cars"), tmp_path / "out")
    assert read_bytes(tmp_path / "out") == before


def test_a_damaged_description_is_written_again(source, tmp_path):
    build(source, tmp_path / "out")
    before = read_bytes(tmp_path / "out")
    os.truncate(tmp_path / "out" / "dataset.json", 10)
    build(source, tmp_path / "out")
    assert read_bytes(tmp_path / "out") == before


def test_an_output_that_is_no_folder_is_refused_before_reading(source, tmp_path, recorder):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match=r"out: .*file is not a folder"):
        build(source, tmp_path / "file" / "out")
    assert recorder.names == []


def test_an_output_without_permission_is_refused_before_reading(source, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # Tests may run as root, who may all.
    with pytest.raises(PermissionError, match=f"out: {tmp_path} cannot be written to"):
        build(source, tmp_path / "out")


def test_memory_does_not_grow_with_the_number_of_images(source, tmp_path, monkeypatch):
    """Threads run a bounded number of images ahead of the writer."""
    ahead, most = 0, 0
    encode = conversion._encode
    write = conversion.write_encoded

    def count_encoded(*arguments):
        nonlocal ahead, most
        ahead += 1
        most = max(most, ahead)
        return encode(*arguments)

    def count_written(shard, source, encoded, skip_failures):
        def taken():
            nonlocal ahead
            for result in encoded:
                ahead -= 1
                yield result

        return write(shard, source, taken(), skip_failures)

    monkeypatch.setattr(conversion, "_encode", count_encoded)
    monkeypatch.setattr(conversion, "write_encoded", count_written)
    many = tuple(
        dataclasses.replace(item, name=f"{item.name}-{copy}")
        for copy in range(10)
        for item in source.splits["train"]
    )
    build(dataclasses.replace(source, splits={"train": many}), tmp_path / "out", num_shards=5)
    assert ahead == 0
    assert most <= workers._TASKS_PER_WORKER + 1


def test_what_killed_builds_left_is_removed_by_the_next(source, tmp_path):
    """Of this version and of earlier ones, beside the shards and beside what is remembered."""
    build(source, tmp_path / "a")
    dead = subprocess.Popen(["true"])
    dead.wait()
    host = files._HOST
    folder_, notes = tmp_path / "a", tmp_path / "a" / ".build"
    leftovers = [
        folder_ / f".train-00000-of-00001.tfrecord.{dead.pid}.tmp",
        folder_ / f".train-00000-of-00001.tfrecord.{host}-{dead.pid}-3.tmp",
        folder_ / f".dataset.json.{host}-{dead.pid}-4.tmp",
        notes / f".train-00000-of-00001.json.{host}-{dead.pid}-5.tmp",
    ]
    # Of a process that runs: another build would not get here, but who knows.
    foreign = folder_ / f".train-00000-of-00001.tfrecord.{os.getppid()}.tmp"
    for path in [*leftovers, foreign]:
        path.touch()
    before = read_bytes(tmp_path / "a")
    build(source, tmp_path / "a")
    assert not [path for path in leftovers if path.exists()]
    assert foreign.exists()
    foreign.unlink()
    assert read_bytes(tmp_path / "a") == before


def test_a_full_disk_names_the_file_and_the_next_build_goes_on(source, tmp_path, monkeypatch):
    """Wherever it happens: the writing of a shard, of what is remembered, of dataset.json."""
    build(source, tmp_path / "whole", num_shards=2)
    replace = os.replace
    for failing in range(1, 8):  # Three shards, a note of each, and dataset.json.
        calls = []

        def fill(*paths, failing=failing, calls=calls):
            calls.append(paths)
            if len(calls) == failing:
                raise OSError(errno.ENOSPC, "No space left on device")
            replace(*paths)

        monkeypatch.setattr(os, "replace", fill)
        directory = tmp_path / f"out{failing}"
        with pytest.raises(OSError, match="No space left") as caught:
            build(source, directory, num_shards=2)
        name = os.path.basename(calls[-1][1])
        assert str(caught.value).startswith(str(directory))
        assert str(caught.value).endswith(f"{name} cannot be written: No space left on device")
        assert str(caught.value).count("cannot be written") == 1
        assert not (directory / "dataset.json").exists()
        monkeypatch.setattr(os, "replace", replace)
        build(source, directory, num_shards=2)
        assert read_bytes(directory) == read_bytes(tmp_path / "whole")
