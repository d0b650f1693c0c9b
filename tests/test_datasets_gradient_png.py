"""The PNG of the gradient channel, by either encoder."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from datasets import gradient_png


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (120, 161)])
@pytest.mark.parametrize("encoder", ["isal", "opencv"])
def test_every_reader_gets_the_values_back(monkeypatch, encoder, size):
    if encoder == "isal":
        pytest.importorskip("isal", reason="isal is not installed: make setup")
    else:
        monkeypatch.setattr(gradient_png, "isal_zlib", None)
    gradient = np.random.default_rng(0).integers(-1020, 1021, size).astype(np.int16)
    encoded = gradient_png.encode(gradient)
    image = Image.open(io.BytesIO(encoded))
    image.load()
    np.testing.assert_array_equal(np.asarray(image).astype(int) - 32768, gradient)
    decoded = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded.dtype == np.uint16
    np.testing.assert_array_equal(decoded.astype(int) - 32768, gradient)
