"""images.many_bands: TIFFs of more bands than Pillow reads."""

import io
import struct

import numpy as np
import pytest

from datasets.images import decoding, image_checks, jpeg_damage, many_bands, memory_limit
from tests.support.sample_images import save, smooth_rgb

_SHORT, _LONG = 3, 4


def tiff(values: np.ndarray, kind: int = 1, photometric: int = 1) -> bytes:
    """Returns a TIFF of values [height, width, bands], as it is in memory."""
    height, width, bands = values.shape
    data = values.tobytes()
    bits = struct.pack(f"<{bands}H", *[values.itemsize * 8] * bands)
    kinds = struct.pack(f"<{bands}H", *[kind] * bands)
    at_bits = 8 + len(data)
    tags = [
        (256, _LONG, 1, width),
        (257, _LONG, 1, height),
        (258, _SHORT, bands, at_bits),
        (259, _SHORT, 1, 1),
        (262, _SHORT, 1, photometric),
        (273, _LONG, 1, 8),
        (277, _SHORT, 1, bands),
        (278, _LONG, 1, height),
        (279, _LONG, 1, len(data)),
        (284, _SHORT, 1, 1),
        (339, _SHORT, bands, at_bits + len(bits)),
    ]
    place = at_bits + len(bits) + len(kinds)
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    return struct.pack("<4sI", b"II*\0", place) + data + bits + kinds + directory


def bands(number: int, kind=np.uint8) -> np.ndarray:
    return np.arange(4 * 6 * number).reshape(4, 6, number).astype(kind)


def test_heads():
    head = many_bands.read_head(io.BytesIO(tiff(bands(5))))
    assert (head.number, head.bits, head.kind, head.size, head.num_pixels) == (
        5,
        8,
        None,
        (4, 6),
        24,
    )
    head = many_bands.read_head(io.BytesIO(tiff(bands(8, np.float32), kind=3)))
    assert (head.number, head.bits, head.kind) == (8, 32, "floating point numbers")
    assert many_bands.read_head(io.BytesIO(b"\x89PNG\r\n\x1a\n")) is None
    assert many_bands.read_head(io.BytesIO(tiff(bands(5))[:20])) is None


@pytest.mark.parametrize("number", [4, 5, 8])
def test_the_first_three_bands_count_and_that_is_told(tmp_path, number):
    pytest.importorskip("rasterio", reason="needs rasterio: make setup-geo")
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(bands(number)))
    image = decoding.decode_image(str(path))
    np.testing.assert_array_equal(image.rgb, bands(number)[..., :3])
    assert decoding.read_size(str(path)) == (4, 6)
    encoded = decoding.read_image(str(path))
    assert encoded.format == "png"
    np.testing.assert_array_equal(encoded.rgb, bands(number)[..., :3])
    with jpeg_damage.listening() as listener:
        found = image_checks.examine(decoding.decode_image(str(path), with_pixels=False), listener)
    (complaint,) = found.complaints
    assert complaint.message.startswith(f"has {number} bands; the first three are taken as red")


def test_without_rasterio_it_is_named(monkeypatch):
    monkeypatch.setattr(many_bands.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"a\.tif: a TIFF of 5 bands of 8 bits, which rasterio"):
        many_bands.read(tiff(bands(5)), "a.tif")


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (bands(4, np.uint16), 1, r"a TIFF of 4 bands of 16 bits; images have 8 .* gdal_translate"),
        (bands(3, np.int16), 2, r"3 bands of 16 bits, signed integers; images have 8 bits"),
        (bands(3, np.float32), 3, r"3 bands of 32 bits, floating point numbers; images have 8"),
    ],
)
def test_other_values_are_refused_with_the_way_to_scale_them(tmp_path, values, kind, message):
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(values, kind))
    with pytest.raises(ValueError, match=message):
        decoding.decode_image(str(path))


def test_other_files_and_too_many_pixels_are_left_to_pillow(tmp_path, monkeypatch):
    assert many_bands.read(b"nothing", "a.tif") is None
    monkeypatch.setattr(many_bands.Image, "MAX_IMAGE_PIXELS", 10)
    assert many_bands.read(tiff(bands(5)), "a.tif") is None


def test_their_pixels_count_for_the_limit_of_memory(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(bands(8)))
    assert memory_limit.count_pixels(str(path)) == 24
    assert memory_limit.count_pixels(save(tmp_path / "b.tif", smooth_rgb(3, 5))) == 15


def test_a_geotiff_of_16_bits(samples):
    with pytest.raises(ValueError, match=r"RGBA\.uint16\.tif: a TIFF of 4 bands of 16 bits"):
        decoding.decode_image(str(samples / "geotiff" / "RGBA.uint16.tif"))
    image = decoding.decode_image(str(samples / "geotiff" / "cogeo.tif"))
    assert image.size == (1024, 1024)
