"""The captioning record: an image and what people said of it, as a `tf.train.SequenceExample`.

By default a record holds an image with all its captions:

    context        image/data             JPEG or PNG file
                   image/image_id         number of the image
                   image/filename         name of the example
    feature lists  image/captions         a list of words for each caption, with <S> and </S>
                   image/captions_ids     their ids

or, with `--one_record_per_caption`, an image and one caption, in the form of research/im2txt, whose
readers take our records, and ours take its:

    feature lists  image/caption          a word each
                   image/caption_ids      its id
"""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

_DATA, _ID, _NAME = "image/data", "image/image_id", "image/filename"
_FEATURES, _FEATURES_SHAPE = "image/features", "image/features_shape"
_WORDS, _WORD_IDS = "image/caption", "image/caption_ids"
_CAPTIONS, _CAPTIONS_IDS = "image/captions", "image/captions_ids"


def encode_example(
    name: str,
    image_id: int,
    image_bytes: bytes,
    captions: Sequence[Sequence[str]],
    ids: Sequence[Sequence[int]],
    is_single: bool,
) -> tf.train.SequenceExample:
    """Makes the record of an image.

    Args:
      name: name of the example.
      image_id: number of the image.
      image_bytes: the image as a file.
      captions: words of each caption.
      ids: their ids.
      is_single: whether the record has im2txt's form; then there is one caption.
    """
    example = tf.train.SequenceExample()
    context = example.context.feature
    context[_DATA].bytes_list.value[:] = [image_bytes]
    context[_ID].int64_list.value[:] = [image_id]
    context[_NAME].bytes_list.value[:] = [name.encode()]
    lists = example.feature_lists.feature_list
    if is_single:
        ((words,), (word_ids,)) = captions, ids
        for word, word_id in zip(words, word_ids, strict=True):
            lists[_WORDS].feature.add().bytes_list.value[:] = [word.encode()]
            lists[_WORD_IDS].feature.add().int64_list.value[:] = [word_id]
    for words, word_ids in () if is_single else zip(captions, ids, strict=True):
        lists[_CAPTIONS].feature.add().bytes_list.value[:] = [word.encode() for word in words]
        lists[_CAPTIONS_IDS].feature.add().int64_list.value[:] = word_ids
    return example


def with_features(record: bytes, features: np.ndarray) -> bytes:
    """Returns a record with an encoder's features in place of the image.

    Args:
      record: of either form.
      features: float16 [height, width, depth].
    """
    example = tf.train.SequenceExample.FromString(record)
    context = example.context.feature
    del context[_DATA]
    # Little endian, as TensorFlow reads them.
    context[_FEATURES].bytes_list.value[:] = [features.astype("<f2").tobytes()]
    context[_FEATURES_SHAPE].int64_list.value[:] = features.shape
    return example.SerializeToString(deterministic=True)


def read_captions(record: bytes) -> tuple[int, list[tuple[list[str], list[int]]]]:
    """Returns the number of a record's image, and words and ids of each caption, of either form.

    Words and ids of a caption may differ in number where another program wrote the record.

    Args:
      record: a serialized example, of which `parse_example` has made sure that it is one.
    """
    example = tf.train.SequenceExample.FromString(record)
    lists = example.feature_lists.feature_list
    words = [_words(each) for each in lists[_CAPTIONS].feature]
    ids = [[*each.int64_list.value] for each in lists[_CAPTIONS_IDS].feature]
    single = [word_id for each in lists[_WORD_IDS].feature for word_id in each.int64_list.value]
    if single:
        words, ids = [[word for each in lists[_WORDS].feature for word in _words(each)]], [single]
    none: list = []
    captions = itertools.zip_longest(words, ids, fillvalue=none)
    return example.context.feature[_ID].int64_list.value[0], list(captions)


def _words(feature: tf.train.Feature) -> list[str]:
    return [word.decode(errors="surrogateescape") for word in feature.bytes_list.value]


def parse_example(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Builds the graph that takes a record apart, of either form; for `tf.data.Dataset.map`.

    Returns:
      "image_name": string []; the number of the image where the record has none, as im2txt's.
      "image_id": int64 [].
      "encoded": string [], the image as a file.
      "captions": string [captions, length], words; "" after the last one of a shorter caption.
      "ids": int64 [captions, length], their ids.
      "lengths": int64 [captions], words of each caption, with those that mark start and end.

      Running it fails with tf.errors.InvalidArgumentError when the record has no image.
    """
    example, context = _parse(serialized, {_DATA: tf.io.FixedLenFeature([], tf.string)})
    return {**example, "encoded": context[_DATA]}


def parse_features(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Builds the graph that takes a record of `with_features` apart.

    Returns:
      As `parse_example`, with "features", float16 [height, width, depth], in place of "encoded".
    """
    example, context = _parse(
        serialized,
        {
            _FEATURES: tf.io.FixedLenFeature([], tf.string),
            _FEATURES_SHAPE: tf.io.FixedLenFeature([3], tf.int64),
        },
    )
    features = tf.io.decode_raw(context[_FEATURES], tf.float16)
    return {**example, "features": tf.reshape(features, context[_FEATURES_SHAPE])}


def _parse(
    serialized: tf.Tensor, image_features: Mapping[str, tf.io.FixedLenFeature]
) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
    """Returns all but the image, and the features of the context."""
    context, lists = tf.io.parse_single_sequence_example(
        serialized,
        context_features={
            **image_features,
            _ID: tf.io.FixedLenFeature([], tf.int64),
            _NAME: tf.io.VarLenFeature(tf.string),
        },
        sequence_features={
            _WORDS: tf.io.VarLenFeature(tf.string),
            _WORD_IDS: tf.io.VarLenFeature(tf.int64),
            _CAPTIONS: tf.io.VarLenFeature(tf.string),
            _CAPTIONS_IDS: tf.io.VarLenFeature(tf.int64),
        },
    )
    is_single = tf.size(lists[_WORD_IDS].values) > 0

    def choose(single: str, several: str) -> tf.Tensor:
        """Returns [captions, length] of the form that the record has."""
        return tf.cond(
            is_single,
            lambda: tf.transpose(tf.sparse.to_dense(lists[single])),  # A word in a row.
            lambda: tf.sparse.to_dense(lists[several]),
        )

    number = tf.strings.as_string(context[_ID])[tf.newaxis]
    ids = lists[_CAPTIONS_IDS]
    ones = tf.sparse.SparseTensor(ids.indices, tf.ones_like(ids.values), ids.dense_shape)
    example = {
        "image_name": tf.concat([context[_NAME].values, number], axis=0)[0],
        "image_id": context[_ID],
        "captions": choose(_WORDS, _CAPTIONS),
        "ids": choose(_WORD_IDS, _CAPTIONS_IDS),
        "lengths": tf.cond(
            is_single,
            lambda: lists[_WORD_IDS].dense_shape[:1],
            lambda: tf.reshape(tf.sparse.reduce_sum(ones, axis=1), [-1]),
        ),
    }
    return example, context
