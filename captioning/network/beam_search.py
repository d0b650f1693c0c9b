"""The likeliest captions of images, inside the graph: all beams of all images at once.

By default the captions are those of research/im2txt's caption_generator.py. Each
unfinished caption proposes its `beam_size` likeliest words. Those that end a caption compete for
`beam_size` places among the finished ones, the others for as many among the unfinished. Where none
has finished within the longest length, the unfinished ones are the answer.
"""

from typing import NamedTuple

import tensorflow.compat.v1 as tf

from captioning.network.decoder import Decoder, Tensors
from captioning.options import SearchOptions

# Words of a smaller probability are not taken: research/im2txt.
_MIN_PROBABILITY = 1e-12
# What does not exist; finite, so that sums and products of it stay numbers.
_NOTHING = -1e30


class Captions(NamedTuple):
    """The captions of each image, the best first.

    Attributes:
      words: int32 [batch, beams, max_length]; they begin with the start word, and after the last
        word the end word is repeated.
      lengths: int32 [batch, beams], with the words that mark start and end; 0 where there are
        fewer captions than beams.
      log_probabilities: float32 [batch, beams], of the whole captions.
      scores: float32 [batch, beams], the same with `length_normalization`; what they are sorted by.
      attention: float32 [batch, beams, max_length - 1, places]: where the network looked for each
        word after the first; None for networks that do not look again.
    """

    words: tf.Tensor
    lengths: tf.Tensor
    log_probabilities: tf.Tensor
    scores: tf.Tensor
    attention: tf.Tensor | None


class _Beams(NamedTuple):
    """Captions [batch, beams, …], the best first; missing ones have the score `_NOTHING`."""

    words: tf.Tensor
    lengths: tf.Tensor
    log_probabilities: tf.Tensor
    scores: tf.Tensor
    attention: tf.Tensor

    def best(self, count: int) -> tuple["_Beams", tf.Tensor]:
        """Returns the best ones, and their places among these, int32 [batch, count]."""
        _, places = tf.nn.top_k(self.scores, count)  # Of equal ones, the first.
        return _Beams(*(_gather(each, places) for each in self)), places


def search(
    decoder: Decoder,
    features: tf.Tensor,
    start: int,
    end: int,
    options: SearchOptions,
    unknown: int | None = None,
) -> Captions:
    """Searches for the likeliest captions of images.

    Args:
      decoder: writes captions.
      features: float32 [batch, height, width, depth].
      start, end: ids of the words that mark the start and the end.
      options: how.
      unknown: id of the word that stands for all unknown ones; None where there is none.
    """
    is_banned = None
    if unknown is not None and not options.allows_unknown:
        is_banned = tf.one_hot(unknown, decoder.num_words)
    memory, state = decoder.start(features)
    beams = options.beam_size
    has_attention = decoder.step(tf.fill([tf.shape(features)[0]], start), memory, state).attention
    memory = tuple(tf.repeat(each, beams, axis=0) for each in memory)
    state = tuple(tf.repeat(each, beams, axis=0) for each in state)
    num_places = 0 if has_attention is None else tf.shape(has_attention)[1]
    writing = _empty(tf.shape(features)[0], end, num_places, options)
    finished = writing
    # At first there is one caption, which has the start word only.
    is_first = tf.one_hot(tf.zeros_like(writing.lengths[:, 0]), beams, on_value=1, dtype=tf.int32)
    log_probability = tf.where(is_first > 0, tf.zeros_like(writing.scores), writing.scores)
    writing = writing._replace(
        words=tf.concat(
            [tf.fill(tf.shape(writing.words[..., :1]), start), writing.words[..., 1:]], 2
        ),
        lengths=is_first,
        log_probabilities=log_probability,
        scores=log_probability,
    )

    def advance(
        time: tf.Tensor, state: Tensors, writing: _Beams, finished: _Beams
    ) -> tuple[tf.Tensor, Tensors, _Beams, _Beams]:
        last = tf.reshape(writing.words[:, :, time - 1], [-1])
        logits, state, attention = decoder.step(last, memory, state)
        if is_banned is not None:
            logits += _NOTHING * is_banned
        proposed, parents = _propose(writing, logits, attention, time, options)
        is_end = tf.equal(proposed.words[:, :, time], end)
        finished = _merge(finished, _finish(proposed, is_end, options), beams)
        others = _drop(proposed, is_end)
        writing, places = others.best(beams)
        state = tuple(_of_parents(each, _gather(parents, places), beams) for each in state)
        return time + 1, state, writing, finished

    def goes_on(time: tf.Tensor, state: Tensors, writing: _Beams, finished: _Beams) -> tf.Tensor:
        del state
        return (time < options.max_length) & tf.reduce_any(_can_win(writing, finished, options))

    state_shapes = tuple(tf.TensorShape([None]).concatenate(each.shape[1:]) for each in state)
    beam_shapes = _Beams(*(tf.TensorShape([None] * each.shape.rank) for each in writing))
    shapes = (tf.TensorShape([]), state_shapes, beam_shapes, beam_shapes)
    _, _, writing, finished = tf.while_loop(
        goes_on, advance, (tf.constant(1), state, writing, finished), shape_invariants=shapes
    )
    has_finished = _exists(finished.scores)[:, :1]
    chosen = _Beams(
        *(
            tf.where(_expand(has_finished, each), one, each)
            for one, each in zip(finished, writing, strict=True)
        )
    )
    lengths = tf.where(_exists(chosen.scores), chosen.lengths, tf.zeros_like(chosen.lengths))
    attention = None if has_attention is None else chosen.attention
    return Captions(chosen.words, lengths, chosen.log_probabilities, chosen.scores, attention)


def _empty(
    batch: tf.Tensor, end: int, num_places: tf.Tensor | int, options: SearchOptions
) -> _Beams:
    shape = tf.stack([batch, options.beam_size])
    nothing = tf.fill(shape, _NOTHING)
    return _Beams(
        tf.fill(tf.concat([shape, [options.max_length]], 0), end),
        tf.zeros(shape, tf.int32),
        nothing,
        nothing,
        tf.zeros(tf.concat([shape, tf.stack([options.max_length - 1, num_places])], 0)),
    )


def _propose(
    writing: _Beams,
    logits: tf.Tensor,
    attention: tf.Tensor | None,
    time: tf.Tensor,
    options: SearchOptions,
) -> tuple[_Beams, tf.Tensor]:
    """Continues every caption with its likeliest words.

    Returns:
      (captions [batch, beams * beams, …], for each the place of the one that it continues).
    """
    beams, num_words = options.beam_size, logits.shape[-1]
    log_probabilities = tf.nn.log_softmax(logits)
    if options.blocks_trigrams:
        log_probabilities += _NOTHING * _ends_of_trigrams(writing.words, time, num_words)
    found, words = tf.nn.top_k(log_probabilities, min(beams, int(num_words)))
    count = found.shape[-1]
    shape = tf.stack([tf.shape(writing.scores)[0], beams * count])
    is_likely = found >= tf.log(_MIN_PROBABILITY)
    sums = tf.reshape(writing.log_probabilities, [-1, 1]) + found
    sums = tf.reshape(tf.where(is_likely, sums, tf.fill(tf.shape(sums), _NOTHING)), shape)
    parents = tf.broadcast_to(tf.repeat(tf.range(beams), count)[tf.newaxis], shape)
    continued = _Beams(*(_gather(each, parents) for each in writing))
    is_now = tf.one_hot(time, options.max_length, on_value=1, dtype=tf.int32)
    new = tf.reshape(words, shape)[..., tf.newaxis]
    continued = continued._replace(
        words=continued.words * (1 - is_now) + new * is_now,
        lengths=tf.fill(shape, time + 1),
        log_probabilities=sums,
        scores=sums,
    )
    if attention is not None:
        seen = _gather(tf.reshape(attention, [shape[0], beams, -1]), parents)
        is_step = tf.one_hot(time - 1, options.max_length - 1)[:, tf.newaxis]
        continued = continued._replace(
            attention=continued.attention + seen[:, :, tf.newaxis] * is_step
        )
    return continued, parents


def _ends_of_trigrams(words: tf.Tensor, time: tf.Tensor, num_words: int) -> tf.Tensor:
    """Returns 1 for each word that would make three words come again, [batch * beams, words]."""
    words = tf.reshape(words[:, :, :time], tf.stack([-1, time]))
    last = words[:, -2:]
    comes_again = (
        tf.equal(words[:, :-2], last[:, :1]) & tf.equal(words[:, 1:-1], last[:, 1:]) & (time > 2)
    )
    rows = tf.where(comes_again)
    ends = tf.gather_nd(words[:, 2:], rows)
    places = tf.stack([rows[:, 0], tf.cast(ends, tf.int64)], axis=1)
    shape = tf.stack([tf.shape(words)[0], num_words])
    return tf.tensor_scatter_nd_max(tf.zeros(shape), places, tf.ones_like(ends, tf.float32))


def _finish(proposed: _Beams, is_end: tf.Tensor, options: SearchOptions) -> _Beams:
    """Returns those that have ended, with their final scores."""
    scores = proposed.log_probabilities
    if options.length_normalization > 0:
        scores /= tf.cast(proposed.lengths, tf.float32) ** options.length_normalization
    return _drop(proposed._replace(scores=scores), ~is_end)


def _drop(beams: _Beams, is_dropped: tf.Tensor) -> _Beams:
    is_dropped |= ~_exists(beams.log_probabilities)
    nothing = tf.fill(tf.shape(beams.scores), _NOTHING)
    return beams._replace(
        log_probabilities=tf.where(is_dropped, nothing, beams.log_probabilities),
        scores=tf.where(is_dropped, nothing, beams.scores),
    )


def _merge(first: _Beams, second: _Beams, count: int) -> _Beams:
    joined = _Beams(*(tf.concat(pair, axis=1) for pair in zip(first, second, strict=True)))
    return joined.best(count)[0]


def _can_win(writing: _Beams, finished: _Beams, options: SearchOptions) -> tf.Tensor:
    """Whether an unfinished caption of an image may still come among the finished ones, [batch].

    Its probability only falls, and its length helps it at most up to the longest.
    """
    best = writing.scores[:, 0]
    if options.length_normalization > 0:
        best /= float(options.max_length) ** options.length_normalization
    return _exists(writing.scores[:, 0]) & (best > finished.scores[:, -1])


def _exists(scores: tf.Tensor) -> tf.Tensor:
    return scores > _NOTHING / 2


def _gather(values: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """[batch, beams, …] -> [batch, places, …]."""
    return tf.gather(values, places, batch_dims=1)


def _of_parents(state: tf.Tensor, parents: tf.Tensor, beams: int) -> tf.Tensor:
    """Returns the state of each caption's parent, [batch * beams, …]."""
    by_image = tf.reshape(state, tf.concat([[-1, beams], tf.shape(state)[1:]], 0))
    gathered = tf.reshape(_gather(by_image, parents), tf.shape(state))
    gathered.set_shape(state.shape)
    return gathered


def _expand(condition: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """[batch, 1] -> [batch, 1, …], and as large as another tensor."""
    shape = tf.concat([tf.shape(condition), tf.ones([like.shape.rank - 2], tf.int32)], 0)
    return tf.broadcast_to(tf.reshape(condition, shape), tf.shape(like))
