"""Records of both forms, and those of research/im2txt."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets.captioning import record_format

CAPTIONS = [["<S>", "a", "dog", "</S>"], ["<S>", "a", "big", "old", "dog", "</S>"]]
IDS = [[1, 0, 3, 2], [1, 0, 4, 5, 3, 2]]


def parse(example: tf.train.SequenceExample) -> dict[str, np.ndarray]:
    parsed = record_format.parse_example(tf.constant(example.SerializeToString()))
    with tf.Session() as session:
        return session.run(parsed)


def test_all_captions_of_an_image_come_back():
    example = record_format.encode_example("a.jpg", 7, b"JPEG", CAPTIONS, IDS, is_single=False)
    found = parse(example)
    assert (found["image_name"], found["image_id"], found["encoded"]) == (b"a.jpg", 7, b"JPEG")
    assert found["lengths"].tolist() == [4, 6]
    assert found["ids"].tolist() == [[*IDS[0], 0, 0], IDS[1]]
    assert found["captions"][0].tolist() == [b"<S>", b"a", b"dog", b"</S>", b"", b""]


def test_im2txts_reader_takes_a_record_of_one_caption_and_ours_too():
    example = record_format.encode_example("a.jpg", 7, b"JPEG", CAPTIONS[:1], IDS[:1], True)
    # ops/inputs.py, parse_sequence_example.
    context, lists = tf.io.parse_single_sequence_example(
        tf.constant(example.SerializeToString()),
        context_features={"image/data": tf.io.FixedLenFeature([], tf.string)},
        sequence_features={"image/caption_ids": tf.io.FixedLenSequenceFeature([], tf.int64)},
    )
    with tf.Session() as session:
        assert session.run(context["image/data"]) == b"JPEG"
        assert session.run(lists["image/caption_ids"]).tolist() == IDS[0]
    found = parse(example)
    assert found["ids"].tolist() == IDS[:1]
    assert found["lengths"].tolist() == [4]
    assert found["captions"].tolist() == [[word.encode() for word in CAPTIONS[0]]]


def test_a_record_of_im2txt_has_no_name_but_a_number():
    example = record_format.encode_example("", 7, b"JPEG", CAPTIONS[:1], IDS[:1], True)
    del example.context.feature["image/filename"]
    assert parse(example)["image_name"] == b"7"


@pytest.mark.parametrize("is_single", [False, True])
def test_words_and_ids_come_back_without_tensorflows_graph(is_single):
    count = 1 if is_single else 2
    example = record_format.encode_example("", 7, b"", CAPTIONS[:count], IDS[:count], is_single)
    image_id, captions = record_format.read_captions(example.SerializeToString())
    assert image_id == 7
    assert captions == [*zip(CAPTIONS[:count], IDS[:count], strict=True)]


def test_a_record_without_an_image_is_refused():
    example = record_format.encode_example("a", 7, b"JPEG", CAPTIONS, IDS, False)
    del example.context.feature["image/data"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="image/data"):
        parse(example)
