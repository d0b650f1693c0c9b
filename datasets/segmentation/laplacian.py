"""The gradient channel: the Laplacian of an image, with OpenCV and as a TensorFlow graph.

One definition, of the decoded 8-bit RGB image:

1. gray as OpenCV computes it, in fixed point:
   `(9798 R + 19235 G + 3735 B + 16384) >> 15` (ITU-R BT.601 weights times 2**15, rounded);
2. the 3x3 Laplacian `[0 1 0; 1 -4 1; 0 1 0]`, which is `cv2.Laplacian` with its default aperture;
3. beyond the border the image is mirrored without repeating its outermost row and column
   (`cv2.BORDER_REFLECT_101`); an image one pixel high or wide is repeated instead, as OpenCV does.

`laplacian` is what the records store and `laplacian_graph` is what an input pipeline or an exported
graph computes; both give the same integers to the bit. Every number in the graph is an integer
below 2**24 or that integer divided by 2**15, which float32 holds exactly, so the result depends
neither on the order of the additions nor on the device.
"""

import cv2
import numpy as np
import tensorflow.compat.v1 as tf

# Four neighbors of 255 around a 0, or the reverse.
GRADIENT_LIMIT = 4 * 255

_GRAY_SHIFT = 15
_RED, _GREEN, _BLUE = 9798.0, 19235.0, 3735.0


def laplacian(image: np.ndarray) -> np.ndarray:
    """Computes the gradient channel of an image, uint8 [height, width, 3], RGB, with OpenCV.

    Returns:
      int16 [height, width], -GRADIENT_LIMIT..GRADIENT_LIMIT.
    """
    assert image.dtype == np.uint8, image.dtype
    gray = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    return cv2.Laplacian(gray, cv2.CV_16S, ksize=1)


def laplacian_graph(images: tf.Tensor) -> tf.Tensor:
    """Builds the graph that computes the gradient channel.

    Args:
      images: uint8 [batch, height, width, 3], RGB; any dimension may be unknown until run time.

    Returns:
      float32 [batch, height, width, 1], whole numbers in -GRADIENT_LIMIT..GRADIENT_LIMIT.
    """
    with tf.name_scope("laplacian"):
        red, green, blue = tf.split(tf.cast(images, tf.float32), 3, axis=-1)
        weighted = _RED * red + _GREEN * green + _BLUE * blue
        half = float(2 ** (_GRAY_SHIFT - 1))
        gray = tf.floor((weighted + half) * 2.0**-_GRAY_SHIFT)
        return _second_difference(gray, axis=1) + _second_difference(gray, axis=2)


def laplacian_of_image(image: tf.Tensor) -> tf.Tensor:
    """Builds the graph for one image, uint8 [height, width, 3], RGB, which is quick on a CPU.

    Returns:
      float32 [height, width + 2], the values of `laplacian_graph` and two columns that are not part
      of the result: keeping them costs less than cutting them off.
    """
    with tf.name_scope("laplacian_of_image"):
        rows, columns = (_mirrored(tf.shape(image)[axis]) for axis in range(2))
        image = tf.gather(image, rows)
        image = tf.concat(
            [image[:, columns[0] : columns[0] + 1], image, image[:, columns[-1] : columns[-1] + 1]],
            axis=1,
        )
        width = tf.shape(image)[1]
        gray = _gray_in_row(image)
        # A pixel's neighbors stand at fixed distances in the one long row of all pixels.
        length = tf.size(gray) - 2 * width - 2
        up, left, center, right, down = (
            gray[offset : offset + length]
            for offset in (1, width, width + 1, width + 2, 2 * width + 1)
        )
        values = tf.add_n([up, left, -4.0 * center, right, down])
        return tf.reshape(tf.pad(values, [[0, 2]]), [-1, width])


def _mirrored(size: tf.Tensor) -> tf.Tensor:
    """Returns the indices 0..size-1 with the mirrored one before and after."""
    second, last_but_one = tf.minimum(1, size - 1), tf.maximum(size - 2, 0)
    return tf.concat([[second], tf.range(size), [last_but_one]], axis=0)


def _gray_in_row(image: tf.Tensor) -> tf.Tensor:
    """Returns the gray of all pixels: float32 [height * width]."""
    # A matrix product of eight pixels at a time takes a third of the time of single channels.
    weights = np.zeros([8, 3, 8], np.float32)
    for pixel in range(8):
        weights[pixel, :, pixel] = _RED, _GREEN, _BLUE
    weights = weights.reshape(24, 8) * 2.0**-_GRAY_SHIFT
    num_pixels = tf.size(image) // 3
    values = tf.pad(tf.reshape(image, [-1]), [[0, -tf.size(image) % 24]])
    weighted = tf.matmul(tf.reshape(tf.cast(values, tf.float32), [-1, 24]), weights)
    return tf.floor(tf.reshape(weighted, [-1])[:num_pixels] + 0.5)


def _second_difference(values: tf.Tensor, axis: int) -> tf.Tensor:
    """Returns `before - 2 * values + after` along an axis, mirrored at both ends."""
    # tf.pad(mode="REFLECT") refuses a dimension of 1, hence the slices; with one element the
    # neighbor on either side is that element.
    size = tf.shape(values)[axis]
    second = tf.minimum(1, size - 1)
    last_but_one = tf.maximum(size - 2, 0)

    def part(start, stop):
        window = [slice(None)] * 4
        window[axis] = slice(start, stop)
        return values[tuple(window)]

    before = tf.concat([part(second, second + 1), part(0, size - 1)], axis)
    after = tf.concat([part(1, size), part(last_but_one, last_but_one + 1)], axis)
    difference = before - 2.0 * values + after
    difference.set_shape(values.shape)
    return difference
