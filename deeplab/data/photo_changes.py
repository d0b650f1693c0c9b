"""Random changes of a photo before its crop is scaled: colors, blur and compression.

They stand for other light, cameras and files, so they change the decoded 8-bit image, as a file of
the changed photo would hold it, and its Laplacian is then that of the changed image, as an export
computes it from such a file.

Brightness, contrast, saturation and hue together are one product of each pixel with a matrix, which
takes a twentieth of the time of the same as single operations. With Y'IQ the brightness and the two
color axes of a pixel (ITU-R BT.601, the weights of the Laplacian's gray),

    Y' = c b Y + (1 - c) b mean(Y)      (I', Q') = c b s turned(I, Q)

so that saturation and hue leave the brightness of every pixel alone, and contrast the mean.

The numbers are drawn in the graph, from a seed; OpenCV does the rest, which takes a tenth to half
of the time of TensorFlow's operations.
"""

from collections.abc import Mapping

import cv2
import numpy as np
import tensorflow.compat.v1 as tf

from datasets.segmentation.laplacian import laplacian

# What `changed_photo` needs: numbers of 0..1.
NUM_DRAWS = 8
_NAMES = ("brightness", "contrast", "saturation", "hue", "blur", "jpeg")
# Share of the images that are blurred, and of those that are compressed: damage that few photos
# have, and that takes the most time.
_SHARE_OF_DAMAGED = 0.125
_SHARPEST_SIGMA = 0.3  # A Gaussian of less changes nothing.
_YIQ_OF_RGB = np.array(
    [
        [0.299, 0.587, 0.114],
        [0.595716, -0.274453, -0.321263],
        [0.211456, -0.522591, 0.311135],
    ]
)


def has_any(strengths: Mapping[str, float]) -> bool:
    """Returns whether any change of photos is asked for; see `AugmentationOptions.strengths`."""
    return any(strengths[name] for name in _NAMES)


def change(
    photo: tf.Tensor, *, strengths: Mapping[str, float], seed: tf.Tensor, with_laplacian: bool
) -> tuple[tf.Tensor, ...]:
    """Builds the graph that changes a photo.

    Args:
      photo: uint8 [height, width, 3], RGB.
      strengths: of each change, as `AugmentationOptions.strengths` returns them.
      seed: integer [2].
      with_laplacian: whether the Laplacian is returned, too.

    Returns:
      The photo, of the same form, and its Laplacian, int16 [height, width].
    """
    draws = tf.random.stateless_uniform([NUM_DRAWS], seed)

    def changed_values(photo: np.ndarray, draws: np.ndarray) -> list[np.ndarray]:
        changed = changed_photo(photo, draws, strengths)
        return [changed, laplacian(changed)] if with_laplacian else [changed]

    types = [tf.uint8, tf.int16][: 1 + with_laplacian]
    found = tf.numpy_function(changed_values, [photo, draws], types, stateful=False)
    shapes = ([None, None, 3], [None, None])
    return tuple(
        tf.ensure_shape(values, shape) for values, shape in zip(found, shapes, strict=False)
    )


def changed_photo(
    photo: np.ndarray, draws: np.ndarray, strengths: Mapping[str, float]
) -> np.ndarray:
    """Changes a photo.

    Args:
      photo: uint8 [height, width, 3], RGB.
      draws: `NUM_DRAWS` random numbers of 0..1; 0.5 leaves colors as they are.
      strengths: see `change`.
    """
    if any(strengths[name] for name in ("brightness", "contrast", "saturation", "hue")):
        photo = cv2.transform(photo, _color_matrix(cv2.mean(photo)[:3], draws, strengths))
    is_blurred, blur, is_compressed, compression = (float(draw) for draw in draws[4:])
    if strengths["blur"] and is_blurred < _SHARE_OF_DAMAGED:
        sigma = _SHARPEST_SIGMA + blur * max(strengths["blur"] - _SHARPEST_SIGMA, 0.0)
        photo = cv2.GaussianBlur(photo, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    if strengths["jpeg"] and is_compressed < _SHARE_OF_DAMAGED:
        photo = _compressed(photo, round(100.0 - compression * (100.0 - strengths["jpeg"])))
    return photo


def _color_matrix(
    mean: tuple[float, ...], draws: np.ndarray, strengths: Mapping[str, float]
) -> np.ndarray:
    """Returns the matrix [3, 4] that maps RGB and 1 to the changed RGB.

    Args:
      mean: RGB of the photo's mean.
    """
    brightness, contrast, saturation = (
        1.0 + strengths[name] * (2.0 * float(draw) - 1.0)
        for name, draw in zip(_NAMES[:3], draws[:3], strict=True)
    )
    angle = 2.0 * np.pi * strengths["hue"] * (2.0 * float(draws[3]) - 1.0)
    cos, sin = saturation * np.cos(angle), saturation * np.sin(angle)
    of_yiq = np.array([[1.0, 0.0, 0.0], [0.0, cos, -sin], [0.0, sin, cos]])
    colors = np.linalg.solve(_YIQ_OF_RGB, of_yiq @ _YIQ_OF_RGB)
    offset = (1.0 - contrast) * brightness * float(_YIQ_OF_RGB[0] @ mean)
    return np.column_stack([contrast * brightness * colors, np.full(3, offset)])


def _compressed(photo: np.ndarray, quality: int) -> np.ndarray:
    """Returns what a JPEG file of the photo holds; quality is 1..100."""
    options = (cv2.IMWRITE_JPEG_QUALITY, quality)
    succeeded, encoded = cv2.imencode(".jpg", cv2.cvtColor(photo, cv2.COLOR_RGB2BGR), options)
    assert succeeded, "OpenCV cannot encode JPEG"
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB)
    assert decoded is not None, "OpenCV cannot decode its own JPEG"
    return decoded
