"""Losses of the regions of classes rather than of pixels: Dice and Lovász-softmax.

Both measure, for each class, how far the region of its label and that of its probabilities
overlap, and are means over the classes that the label has. So each class counts the same, however
few pixels it has, and thin or rare things are not lost among the rest.

Dice is 1 - 2 sum(p g) / (sum p + sum g) (Milletari et al., arXiv 1606.04797, without their
squares), with p the class's probability at a pixel and g 1 where the label has the class, else 0.
Its sums add up over bands of rows (`deeplab.objective.label_bands`).

Lovász-softmax (Berman et al., arXiv 1705.08790, section 3.1) is the Lovász extension of
1 - intersection over union: with the errors |g - p| in descending order, the sum of each error
times what its pixel adds to 1 - IoU when pixels become wrong in that order. Sorting
millions of errors would take most of a training step, so they are counted in `_NUM_BINS` bins
instead, and the pixels of a bin count as equal. What its pixels add together is

    (intersection b + union a) / (union (union + b))

for a pixels of the class and b others, with intersection and union before the bin: a difference of
neighboring IoUs would have no digits left in float32. Each has its part of it, proportional to what
it adds in the middle of the bin; alone in its bin, it has exactly what the definition says. Classes
that the label lacks are not computed, and there is one class at a time: some ten tensors [batch,
height, width], whatever the number of classes.
"""

import tensorflow.compat.v1 as tf

from deeplab.objective.label_bands import Bands

# Errors that differ by less than a 65536th may count as equal in the Lovász loss.
_NUM_BINS = 1 << 16


def dice(
    logits: tf.Tensor,
    class_ids: tf.Tensor,
    is_counted: tf.Tensor,
    class_weights: tf.Tensor,
    per_image: bool,
) -> tf.Tensor:
    """Returns the mean Dice loss of the classes that the label has.

    Args:
      logits: float32 [batch, h, w, classes]. The only argument with a gradient.
      class_ids: int32 [batch, height, width], each a class.
      is_counted: float32 of the same shape, 0 at pixels that are ignored, else 1.
      class_weights: float32 [classes], of the mean over classes.
      per_image: whether there is a loss for each image, of which the mean is taken over images that
        have pixels, instead of one of the batch.

    Returns:
      float32 scalar, 0 without any pixel.
    """
    shared, predicted, labeled = _class_sums(logits, class_ids, is_counted)
    if not per_image:
        shared, predicted, labeled = (
            tf.reduce_sum(sums, axis=1, keepdims=True) for sums in (shared, predicted, labeled)
        )
    losses = 1.0 - tf.math.divide_no_nan(2.0 * shared, predicted + labeled)
    return tf.reduce_sum(_shares(labeled, class_weights) * losses)


def lovasz_softmax(
    logits: tf.Tensor,
    class_ids: tf.Tensor,
    is_counted: tf.Tensor,
    class_weights: tf.Tensor,
    per_image: bool,
) -> tf.Tensor:
    """Returns the mean Lovász loss of the classes that the label has; arguments are `dice`'s."""

    @tf.custom_gradient
    def loss_of(logits: tf.Tensor, class_ids: tf.Tensor, is_counted: tf.Tensor):
        bands = Bands(logits, class_ids)
        log_sums, labeled = _log_sums(bands, is_counted)
        if not per_image:
            labeled = tf.reduce_sum(labeled, axis=1, keepdims=True)
        shares = _shares(labeled, class_weights)
        (present,) = tf.unstack(
            tf.cast(tf.where(tf.reduce_any(shares > 0.0, axis=1)), tf.int32), axis=1
        )
        num_classes = logits.shape[-1].value

        def add_class(index: tf.Tensor, loss: tf.Tensor, spread: tf.Tensor, gradient: tf.Tensor):
            class_id = present[index]
            probabilities = tf.exp(bands.logits_of_class(class_id) - log_sums)
            has_class = tf.cast(tf.equal(class_ids, class_id), tf.float32) * is_counted
            class_loss, slope = _lovasz(
                probabilities, has_class, is_counted, labeled[class_id], shares[class_id]
            )
            slope *= probabilities
            place = tf.one_hot(class_id, num_classes)[:, tf.newaxis, tf.newaxis, tf.newaxis]
            gradient += place * bands.gradient_of_class(slope)
            return index + 1, loss + class_loss, spread + slope, gradient

        _, loss, spread, gradient = tf.while_loop(
            lambda index, *_: index < tf.size(present),
            add_class,
            (0, 0.0, tf.zeros_like(is_counted), tf.zeros_like(tf.transpose(logits, [3, 0, 1, 2]))),
            parallel_iterations=1,
            back_prop=False,
        )
        # softmax: d loss / d z_k = p_k (d_k - sum_j p_j d_j), and the sum is `spread`.
        for rows in bands:
            with tf.control_dependencies([gradient]):
                part = bands.softmax(rows).probabilities() * spread[:, rows]
                gradient -= bands.part_of_gradient(rows, part)
        gradient = tf.transpose(gradient, [1, 2, 3, 0])
        return loss, lambda upstream: (upstream * gradient, None, None)

    return loss_of(logits, class_ids, is_counted)


def _class_sums(
    logits: tf.Tensor, class_ids: tf.Tensor, is_counted: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Adds up probabilities over the pixels that count.

    Returns:
      float32 [classes, batch] each: sums of a class's probability over the pixels of the class, and
      over all; and the number of pixels of the class, which has no gradient.
    """

    @tf.custom_gradient
    def sums_of(logits: tf.Tensor, class_ids: tf.Tensor, is_counted: tf.Tensor):
        bands = Bands(logits, class_ids)
        sums = None
        for rows in bands:
            with tf.control_dependencies([] if sums is None else [sums]):
                softmax = bands.softmax(rows)
                counted = is_counted[:, rows]
                probabilities, one_hot = softmax.probabilities() * counted, softmax.one_hot()
                part = tf.stack(
                    [
                        tf.reduce_sum(values, axis=(2, 3))
                        for values in (probabilities * one_hot, probabilities, one_hot * counted)
                    ]
                )
                sums = part if sums is None else sums + part

        def gradient_of(upstream: tf.Tensor):
            of_shared, of_predicted, _ = (
                each[..., tf.newaxis, tf.newaxis] for each in tf.unstack(upstream)
            )
            gradient = None
            for rows in bands:
                with tf.control_dependencies([upstream if gradient is None else gradient]):
                    softmax = bands.softmax(rows)
                    slope = of_shared * softmax.one_hot() + of_predicted
                    probabilities = softmax.probabilities() * is_counted[:, rows]
                    spread = tf.reduce_sum(probabilities * slope, axis=0)
                    part = bands.part_of_gradient(rows, probabilities * (slope - spread))
                    gradient = part if gradient is None else gradient + part
            return tf.transpose(gradient, [1, 2, 3, 0]), None, None

        return sums, gradient_of

    shared, predicted, labeled = tf.unstack(sums_of(logits, class_ids, is_counted))
    return shared, predicted, tf.stop_gradient(labeled)


def _log_sums(bands: Bands, is_counted: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns `log_sums` of all bands, and the number of pixels of each class: [classes, batch]."""
    log_sums: list[tf.Tensor] = []
    labeled = None
    for rows in bands:
        with tf.control_dependencies([] if labeled is None else [log_sums[-1], labeled]):
            softmax = bands.softmax(rows)
            log_sums.append(softmax.log_sums())
            part = tf.reduce_sum(softmax.one_hot() * is_counted[:, rows], axis=(2, 3))
            labeled = part if labeled is None else labeled + part
    return tf.concat(log_sums, axis=1), labeled


def _shares(labeled: tf.Tensor, class_weights: tf.Tensor) -> tf.Tensor:
    """Returns the weight of each class's loss in the mean: float32 [classes, groups].

    Args:
      labeled: float32 [classes, groups], pixels of each class in the label of a group: the batch,
        or an image.
    """
    weights = tf.cast(labeled > 0.0, tf.float32) * class_weights[:, tf.newaxis]
    weights = tf.math.divide_no_nan(weights, tf.reduce_sum(weights, axis=0))
    has_loss = tf.cast(tf.reduce_any(weights > 0.0, axis=0), tf.float32)
    return tf.math.divide_no_nan(weights, tf.reduce_sum(has_loss))


def _lovasz(
    probabilities: tf.Tensor,
    has_class: tf.Tensor,
    is_counted: tf.Tensor,
    num_labeled: tf.Tensor,
    shares: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Computes the Lovász loss of one class.

    Args:
      probabilities, has_class, is_counted: float32 [batch, height, width].
      num_labeled: float32 [groups], pixels of the class; there is one group, or one for each image.
      shares: float32 [groups], weights of the groups' losses.

    Returns:
      The weighted sum of the groups' losses, and its gradient with respect to the probabilities.
    """
    num_groups = num_labeled.shape[0].value or tf.shape(num_labeled)[0]
    errors = tf.abs(has_class - probabilities)
    # The largest error comes first; a group's ignored pixels follow its last bin.
    bins = tf.cast((1.0 - errors) * (_NUM_BINS - 1) + 0.5, tf.int32)
    bins = tf.where(is_counted > 0.0, bins, tf.fill(tf.shape(bins), _NUM_BINS))
    bins = tf.reshape(bins, [num_groups, -1])
    bins += (_NUM_BINS + 1) * tf.range(num_groups)[:, tf.newaxis]
    # Pixels of the class have the second half of all bins.
    num_bins = num_groups * (_NUM_BINS + 1)
    bins += num_bins * tf.reshape(tf.cast(has_class, tf.int32), [num_groups, -1])
    counts = tf.math.bincount(bins, minlength=2 * num_bins)
    counts = tf.reshape(counts, [2, num_groups, _NUM_BINS + 1])[..., :-1]
    others, of_class = tf.unstack(tf.cast(counts, tf.float32))
    others_before, of_class_before = tf.unstack(
        tf.cast(tf.cumsum(counts, axis=-1, exclusive=True), tf.float32)
    )
    num_labeled = num_labeled[:, tf.newaxis]
    intersection, union = num_labeled - of_class_before, num_labeled + others_before
    rise = tf.math.divide_no_nan(intersection * others + union * of_class, union * (union + others))
    # In the middle of the bin, times the union: 1 of a pixel of the class, this of another one.
    part = (intersection - 0.5 * of_class) / tf.maximum(union + 0.5 * others, 1.0)
    step = shares[:, tf.newaxis] * tf.math.divide_no_nan(rise, of_class + part * others)
    steps = tf.pad(tf.stack([part * step, step]), [[0, 0], [0, 0], [0, 1]])
    steps = tf.reshape(tf.gather(tf.reshape(steps, [-1]), bins), tf.shape(errors))
    return tf.reduce_sum(errors * steps), steps * (1.0 - 2.0 * has_class)
