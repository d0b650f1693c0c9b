"""Counts pixels by the probabilities that a network gives them, inside its graph.

What leaves the graph are a few hundred numbers for a batch, not a probability of every class for
every pixel.
"""

import tensorflow.compat.v1 as tf

# Guo et al., "On Calibration of Modern Neural Networks", arXiv 1706.04599, section 5.
CONFIDENCE_BINS = 15
# Thresholds of a class's probability: 0, 0.01 … 0.99.
THRESHOLD_BINS = 100


def count(
    labels: tf.Tensor, class_ids: tf.Tensor, probabilities: tf.Tensor, ignore_label: int
) -> dict[str, tf.Tensor]:
    """Counts the pixels of a batch; pixels with the ignore label do not count.

    Args:
      labels: int32 [batch, height, width, 1], class ids and the ignore label.
      class_ids: int32 [batch, height, width], the prediction.
      probabilities: float32 [batch, height, width, num_classes].
      ignore_label: of the dataset.

    Returns:
      By name, where a pixel's confidence is the highest of its probabilities:
      "pixels": int32 [CONFIDENCE_BINS], pixels by confidence.
      "right": int32 [CONFIDENCE_BINS], those of them with the right class.
      "confidence": float32 [CONFIDENCE_BINS], the sum of their confidences.
      "of_class": int32 [num_classes, 2, THRESHOLD_BINS], pixels by the probability of a class,
      first those with another label, then those with this one.
    """
    labels = tf.squeeze(labels, axis=3)
    is_scored = tf.not_equal(labels, ignore_label)
    scored_labels = tf.boolean_mask(labels, is_scored)
    confidence = tf.boolean_mask(tf.reduce_max(probabilities, axis=3), is_scored)
    is_right = tf.equal(scored_labels, tf.boolean_mask(class_ids, is_scored))
    bins = _bins(confidence, CONFIDENCE_BINS)

    def count_class(index: tf.Tensor) -> tf.Tensor:
        chosen = tf.boolean_mask(tf.gather(probabilities, index, axis=3), is_scored)
        has_label = tf.cast(tf.equal(scored_labels, index), tf.int32)
        places = has_label * THRESHOLD_BINS + _bins(chosen, THRESHOLD_BINS)
        return tf.reshape(_histogram(places, 2 * THRESHOLD_BINS), [2, THRESHOLD_BINS])

    # One class after the other: all at once would hold a second tensor of the probabilities' size.
    num_classes = tf.shape(probabilities)[3]
    of_class = tf.map_fn(count_class, tf.range(num_classes), dtype=tf.int32, parallel_iterations=1)
    return {
        "pixels": _histogram(bins, CONFIDENCE_BINS),
        "right": _histogram(tf.boolean_mask(bins, is_right), CONFIDENCE_BINS),
        "confidence": tf.math.unsorted_segment_sum(confidence, bins, CONFIDENCE_BINS),
        "of_class": of_class,
    }


def _bins(shares: tf.Tensor, num_bins: int) -> tf.Tensor:
    """Returns the bin of each share, 0..1; 1 itself is in the last one."""
    return tf.clip_by_value(tf.cast(shares * num_bins, tf.int32), 0, num_bins - 1)


def _histogram(bins: tf.Tensor, num_bins: int) -> tf.Tensor:
    return tf.math.bincount(bins, minlength=num_bins, maxlength=num_bins, dtype=tf.int32)
