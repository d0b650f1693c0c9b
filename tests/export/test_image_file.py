"""Image files as part of a graph: the pixels that the Python class sees, and what is refused."""

import io

import cv2
import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from export import image_file
from serving import image_reading

RGB = np.random.RandomState(0).randint(0, 256, [40, 51, 4], np.uint8)
DEEP = np.random.RandomState(1).randint(0, 1 << 16, [40, 51, 4]).astype(np.uint16)


@pytest.fixture(scope="module")
def decode():
    """A function from a file to what it is in a graph."""
    with tf.Graph().as_default() as graph:
        content = tf.placeholder(tf.string, [])
        image = image_file.decode(content, tf.constant(3))
    session = tf.Session(graph=graph)
    yield session.make_callable(image, [content])
    session.close()


def as_file(mode: str, kind: str, **how) -> bytes:
    content = io.BytesIO()
    image = Image.fromarray(RGB)
    image = image.quantize(17) if mode == "P" else image.convert(mode)
    image.save(content, kind, **how)
    return content.getvalue()


def as_deep_png(array: np.ndarray) -> bytes:
    return cv2.imencode(".png", array)[1].tobytes()


@pytest.mark.parametrize(
    "content",
    [
        *(as_file("RGB", "JPEG", quality=q, subsampling=s) for q in (30, 95) for s in (0, 1, 2)),
        as_file("RGB", "JPEG", progressive=True),
        *(as_file(mode, "JPEG") for mode in ("L", "CMYK")),
        *(as_file(mode, "PNG") for mode in ("RGB", "RGBA", "L", "LA", "P", "1")),
        as_file("P", "PNG", transparency=3),
        as_deep_png(DEEP),
        as_deep_png(DEEP[..., :3]),
    ],
)
def test_pixels_are_those_of_the_python_class(decode, content):
    expected = np.asarray(image_reading.to_rgb(image_reading.decode(content)))
    np.testing.assert_array_equal(decode(content), expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        *(
            (content, "image_bytes 3 is neither a JPEG nor a PNG file; expected a JPEG file, or a")
            for content in (b"", b"hello", *(as_file("RGB", k) for k in ("GIF", "BMP", "TIFF")))
        ),
        (as_deep_png(DEEP[..., 0]), "image_bytes 3 is a gray PNG file of 16 bits per channel; sc"),
        (as_file("RGB", "JPEG")[:900], "Invalid JPEG data"),
        (as_file("RGB", "PNG")[:20], "Invalid PNG"),
    ],
)
def test_other_files_are_refused(decode, content, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        decode(content)
