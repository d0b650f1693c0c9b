"""datasets.classification.foreign_records: TF-slim's records are described where they lie."""

import pytest
import tensorflow.compat.v1 as tf

from datasets.classification import foreign_records, specs
from datasets.records import shard_check, shard_names, tfrecords
from tests.support import class_images, sample_images


def write(directory, files: dict[str, list[int]], texts: dict[int, str] | None = None) -> None:
    """Writes a shard of records with these labels under each name."""
    path = sample_images.save(directory / "image.jpg", sample_images.smooth_rgb())
    with open(path, "rb") as file:
        data = file.read()
    (directory / "image.jpg").unlink()
    for name, labels in files.items():
        with tf.io.TFRecordWriter(str(directory / name)) as writer:
            for label in labels:
                example = tf.train.Example()
                tfrecords.put_bytes(example, "image/encoded", data)
                tfrecords.put_int64(example, "image/class/label", label)
                if texts:
                    tfrecords.put_bytes(example, "image/class/text", texts[label])
                writer.write(example.SerializeToString())


def describe(directory, **options) -> specs.ClassificationSpec:
    return foreign_records.describe(str(directory), name="x", show_progress=False, **options)


def test_flowers(tmp_path):
    files = {f"flowers_train_{index:05d}-of-00002.tfrecord": [index, 1] for index in range(2)}
    write(tmp_path, {**files, "flowers_validation_00000-of-00001.tfrecord": [2]})
    (tmp_path / "labels.txt").write_text("0:daisy\n1:dandelion\n2:rose\n3:tulip\n")
    spec = describe(tmp_path)
    assert spec.class_names == ("daisy", "dandelion", "rose", "tulip")
    assert list(spec.splits) == ["train", "val"]
    assert spec.split("train").examples_per_class == (1, 3, 0, 0)
    assert spec.split("train").shard_files == tuple(sorted(files))
    assert (spec.split("val").max_height, spec.split("val").max_width) == (24, 40)
    specs.write_spec(spec)
    read = specs.read_spec(str(tmp_path))
    assert read == spec
    assert shard_check.complete_shards(read, "train") == read.shard_paths("train")
    assert [each["label"] for each in class_images.read_records(read, "train")] == [0, 1, 1, 1]


def test_imagenet_has_a_background(tmp_path):
    names = [f"synset {index}" for index in range(1, 5)]
    files = {"train-00000-of-00001": [1, 2, 3], "validation-00000-of-00001": [4]}
    write(tmp_path, files)
    expected = ("background", *names)
    assert describe(tmp_path, names=names).class_names == expected
    assert describe(tmp_path, names=expected).class_names == expected
    assert describe(tmp_path).class_names == (
        "background",
        *(f"class_{index}" for index in range(1, 5)),
    )
    write(tmp_path, files, texts=dict(enumerate(expected)))
    assert describe(tmp_path).class_names == expected


def test_a_label_without_a_name_is_named(tmp_path):
    write(tmp_path, {"train.tfrecord": [0, 1, 5]})
    with pytest.raises(ValueError, match=r"record 2 of .*train\.tfrecord has the label 5, which"):
        describe(tmp_path, names=("a", "b"))


def test_an_impossible_label_is_named(tmp_path):
    write(tmp_path, {"train.tfrecord": [0, -1]})
    with pytest.raises(ValueError, match=r"record 1 of .*train\.tfrecord has the label -1"):
        describe(tmp_path)


def test_records_of_something_else_are_named(tmp_path):
    example = tf.train.Example()
    tfrecords.put_bytes(example, "image/encoded", b"no image")
    tfrecords.put_bytes(example, "image/filename", "a.jpg")
    for label, message in ((None, "image/class/label"), (0, "a.jpg, record 0 of ")):
        if label is not None:
            tfrecords.put_int64(example, "image/class/label", label)
        with tf.io.TFRecordWriter(str(tmp_path / "train.tfrecord")) as writer:
            writer.write(example.SerializeToString())
        with pytest.raises(ValueError, match=message):
            describe(tmp_path)


@pytest.mark.parametrize(
    ("text", "names"),
    [("0:a\n1:b c\n", ("a", "b c")), ("1:b\n0:a", ("a", "b")), ("a\nb: c\n", ("a", "b: c"))],
)
def test_files_of_names(tmp_path, text, names):
    (tmp_path / "labels.txt").write_text(text)
    assert foreign_records.read_names(str(tmp_path / "labels.txt")) == names


def test_a_gap_in_the_ids_of_names_is_told(tmp_path):
    (tmp_path / "labels.txt").write_text("0:a\n2:b\n")
    with pytest.raises(ValueError, match=r"labels\.txt: the id 1 is missing"):
        foreign_records.read_names(str(tmp_path / "labels.txt"))


def test_splits_of_one_meaning_keep_their_names(tmp_path):
    files = ["val.tfrecord", "validation.tfrecord"]
    write(tmp_path, {file: [0] for file in files})
    assert set(describe(tmp_path).splits) == {"val", "validation"}
    assert shard_names.find_any(str(tmp_path)).keys() == {"val", "validation"}
