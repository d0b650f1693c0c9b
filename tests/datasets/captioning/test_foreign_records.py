"""datasets.captioning.foreign_records: research/im2txt's records are described where they lie."""

import dataclasses
import io
import pathlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from captioning.data import input_pipeline
from captioning.options import ViewOptions
from datasets.captioning import foreign_records, specs
from datasets.records import shard_check
from tests.support import captioned_images, dataset_batches

# As build_mscoco_data.py writes it: the most frequent words first.
WORDS = ["a", "<S>", "</S>", ".", "dog", "runs"]
UNKNOWN = len(WORDS)


def record(image_id: int, words: list[str], ids: list[int]) -> tf.train.SequenceExample:
    """A record as build_mscoco_data.py, _to_sequence_example, makes it."""
    file = io.BytesIO()
    pixels = np.full([20 + image_id, 30, 3], 10 * image_id, np.uint8)
    Image.fromarray(pixels).save(file, "JPEG")
    feature, lists = tf.train.Feature, tf.train.FeatureList
    return tf.train.SequenceExample(
        context=tf.train.Features(
            feature={
                "image/image_id": feature(int64_list=tf.train.Int64List(value=[image_id])),
                "image/data": feature(bytes_list=tf.train.BytesList(value=[file.getvalue()])),
            }
        ),
        feature_lists=tf.train.FeatureLists(
            feature_list={
                "image/caption": lists(
                    feature=[
                        feature(bytes_list=tf.train.BytesList(value=[word.encode()]))
                        for word in words
                    ]
                ),
                "image/caption_ids": lists(
                    feature=[
                        feature(int64_list=tf.train.Int64List(value=[word_id])) for word_id in ids
                    ]
                ),
            }
        ),
    )


def caption(image_id: int, *words: str) -> tf.train.SequenceExample:
    marked = ["<S>", *words, "</S>"]
    ids = [WORDS.index(word) if word in WORDS else UNKNOWN for word in marked]
    return record(image_id, marked, ids)


def write(directory: pathlib.Path, files: dict[str, list[tf.train.SequenceExample]]) -> None:
    for name, examples in files.items():
        with tf.io.TFRecordWriter(str(directory / name)) as writer:
            for example in examples:
                writer.write(example.SerializeToString())


def write_words(path: pathlib.Path, form: str = "{word} {count}") -> None:
    lines = [
        form.format(word=word, bytes=word.encode(), count=9 - index)
        for index, word in enumerate(WORDS)
    ]
    path.write_text("\n".join(lines) + "\n")


def describe(directory: pathlib.Path, **options) -> foreign_records.Description:
    return foreign_records.describe(str(directory), name="x", show_progress=False, **options)


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    files = {
        "train-00000-of-00002": [caption(1, "a", "dog"), caption(2, "a", "cat", "runs", ".")],
        "train-00001-of-00002": [caption(1, "dog", "runs")],
        "val-00000-of-00001": [caption(3, "a", ".")],
        "test-00000-of-00001": [caption(4, ".")],
    }
    write(tmp_path, files)
    write_words(tmp_path / "word_counts.txt")
    return tmp_path


def test_shards_of_im2txt_are_described_and_read(folder):
    found = describe(folder)
    spec = found.spec
    assert spec.words == (*WORDS, "<UNK>")
    assert list(spec.splits) == ["train", "val", "test"]
    assert spec.split("train") == specs.CaptioningSplit(
        num_examples=3,
        num_shards=2,
        num_captions=3,
        num_words=2 + 4 + 2 + 3,
        longest=6,
        max_height=22,
        max_width=30,
    )
    assert spec.split("train").shard_examples == (2, 1)
    assert found.image_ids == {"train": {1, 2}, "val": {3}, "test": {4}}
    assert found.unknown == {"train": 1 / 11, "val": 0.0, "test": 0.0}
    assert found.leaks() == []
    specs.write_spec(spec)
    read = specs.read_spec(str(folder))
    assert read == spec
    assert shard_check.complete_shards(read, "train") == read.shard_paths("train")
    assert [path.rsplit("/", 1)[1] for path in read.shard_paths("train")] == [
        "train-00000-of-00002",
        "train-00001-of-00002",
    ]
    batches = input_pipeline.evaluation_batches(
        read, "train", ViewOptions(image_size=24), batch_size=3
    )
    (batch,) = dataset_batches.read(batches)
    assert batch["ids"][:, 0].tolist() == [
        [1, 0, 4, 2, 0, 0],
        [1, 0, UNKNOWN, 5, 3, 2],
        [1, 4, 5, 2, 0, 0],
    ]
    assert batch["lengths"].tolist() == [[4], [6], [4]]
    assert batch["image_name"].tolist() == [b"1", b"2", b"1"]


def test_words_may_be_spelled_as_python_3_spells_bytes_and_lie_elsewhere(folder):
    (folder / "word_counts.txt").unlink()
    with pytest.raises(ValueError, match=r"word_counts\.txt is missing: give .* --word_c"):
        describe(folder)
    path = folder / "words"
    with pytest.raises(ValueError, match="words is not a file: give the words"):
        describe(folder, word_counts_file=str(path))
    write_words(path, "{bytes} {count}")
    assert path.read_text().startswith("b'a' 9\n")
    assert describe(folder, word_counts_file=str(path)).spec.words == (*WORDS, "<UNK>")


@pytest.mark.parametrize(
    ("words", "ids", "message"),
    [
        ("<S> dog </S>", [1, 5, 2], r"the id 5 for the word 'dog', which is 4 in .*word_counts"),
        ("<S> cat </S>", [1, 4, 2], r"the id 4 for the word 'cat', which is unknown, 6, in .*wor"),
        ("<S> dog </S>", [1, 99, 2], "the id 99 for the word 'dog', which is 4 in "),
        ("<S> dog </S>", [1, 4], "a caption of 3 words and 2 ids"),
        ("a dog", [0, 4], "the caption 'a dog'; expected <S> … </S>"),
        ("", [], "has no captions"),
    ],
)
def test_captions_that_the_vocabulary_contradicts_are_named(folder, words, ids, message):
    examples = [caption(1, "a"), record(8, words.split(), ids)]
    write(folder, {"val-00000-of-00001": examples})
    place = r"record 1 of .*val-00000-of-00001, of image 8, (has )?"
    with pytest.raises(ValueError, match=place + message):
        describe(folder)


def test_a_broken_image_and_records_of_something_else_are_named(folder):
    example = caption(1, "a")
    example.context.feature["image/data"].bytes_list.value[:] = [b"no image"]
    write(folder, {"val-00000-of-00001": [example]})
    with pytest.raises(ValueError, match=r"record 0 of .*val-00000-of-00001, cannot be decoded"):
        describe(folder)
    write(folder, {"val-00000-of-00001": [tf.train.SequenceExample()]})
    with pytest.raises(ValueError, match="image/data"):
        describe(folder)
    write(folder, {"val-00000-of-00001": []})
    with pytest.raises(ValueError, match=r"the shards of split 'val' in .* hold no records"):
        describe(folder)


def test_an_image_in_two_splits_is_told(folder):
    write(folder, {"val-00000-of-00001": [caption(2, "a"), caption(5, "a")]})
    assert describe(folder).leaks() == [("train", "val", 1)]


@pytest.mark.parametrize("is_single", [False, True])
def test_our_own_records_are_described_as_their_build_did(tmp_path, is_single):
    built = captioned_images.write_squares(tmp_path / "squares", is_single, train=2, val=1)
    path = tmp_path / "words"
    path.write_text("".join(f"{word} 5\n" for word in built.words[:-1]))
    found = describe(tmp_path / "squares", word_counts_file=str(path))
    assert found.spec == dataclasses.replace(built, name="x")
    assert found.spec.split("train").shard_bytes == built.split("train").shard_bytes
    assert {split: len(ids) for split, ids in found.image_ids.items()} == {"train": 12, "val": 6}
