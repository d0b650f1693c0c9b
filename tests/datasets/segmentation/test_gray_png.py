"""Gray PNG files, by either encoder."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from datasets.segmentation import gray_png


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (120, 161)])
@pytest.mark.parametrize("encoder", ["isal", "opencv"])
def test_every_reader_gets_the_values_back(monkeypatch, encoder, size, dtype):
    if encoder == "isal":
        pytest.importorskip("isal", reason="isal is not installed: make setup")
    else:
        monkeypatch.setattr(gray_png, "isal_zlib", None)
    values = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, size, dtype, endpoint=True)
    encoded = gray_png.encode(values)
    image = Image.open(io.BytesIO(encoded))
    image.load()
    np.testing.assert_array_equal(np.asarray(image).astype(int), values)
    decoded = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded.dtype == dtype
    np.testing.assert_array_equal(decoded, values)
