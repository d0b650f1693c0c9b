"""Georeferenced TIFFs in and out, by windows; skipped without rasterio."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from serving import file_inference, geotiff, memory, results, tiling
from serving.deeplab_model import DeepLabModel
from tests.support import toy_export

rasterio = pytest.importorskip("rasterio")

pytestmark = pytest.mark.filterwarnings("ignore::serving.deeplab_model.ImageTiledWarning")

CRS = "EPSG:32633"
TRANSFORM = rasterio.transform.from_origin(399_960, 5_900_040, 0.5, 0.25)


def save(path, pixels: np.ndarray, **how) -> str:
    """Saves uint8 or uint16 [channels, height, width] with a georeference."""
    how = {"crs": CRS, "transform": TRANSFORM, **how}
    colors = how.pop("colors", None)
    with rasterio.open(
        str(path),
        "w",
        driver="GTiff",
        height=pixels.shape[1],
        width=pixels.shape[2],
        count=len(pixels),
        dtype=pixels.dtype,
        **how,
    ) as target:
        target.write(pixels)
        if colors:
            target.write_colormap(1, colors)
    return str(path)


def channels(height: int, width: int) -> np.ndarray:
    return toy_export.image(height, width).transpose(2, 0, 1)


@pytest.fixture
def model(tmp_path):
    with DeepLabModel(str(toy_export.write(tmp_path / "export"))) as model:
        yield model


def segment(model, path, folder, tile=tiling.AUTO, progress=None, **options):
    folder.mkdir()
    (outcome,) = file_inference.segment_files(
        model,
        [path],
        ["x"],
        str(folder),
        results.ResultOptions(**options),
        batch_size=2,
        budget=memory.Budget(1 << 40),
        tiles=tiling.TileOptions(tile),
        progress=progress,
    )
    if outcome.error is not None:
        raise outcome.error
    return outcome


@pytest.mark.parametrize("size", [(30, 40), (60, 70), (300, 700)])  # Whole, shrunk, by windows.
@pytest.mark.parametrize("options", [{}, {"ids_format": "png"}])
def test_a_mask_lies_where_its_image_lies(tmp_path, model, size, options):
    path = save(tmp_path / "x.tif", channels(*size))
    seen = []
    outcome = segment(
        model, path, tmp_path / "out", progress=lambda *how: seen.append(how), **options
    )
    expected = toy_export.image(*size).argmax(axis=2)
    with rasterio.open(str(tmp_path / "out" / "x_mask.tif")) as mask:
        assert mask.crs == rasterio.crs.CRS.from_string(CRS)
        assert mask.transform == TRANSFORM
        assert mask.dtypes == ("uint8",)
        assert mask.compression.name == "deflate"
        assert mask.colormap(1)[1] == (20, 200, 40, 255)
        assert tuple(json.loads(mask.tags()["class_names"])) == toy_export.CLASS_NAMES
        ids = mask.read(1)
    if size == (60, 70):
        assert np.mean(ids == expected) > 0.9
    else:
        np.testing.assert_array_equal(ids, expected)
    np.testing.assert_allclose(outcome.shares, np.bincount(ids.ravel(), minlength=3) / ids.size)
    assert outcome.size == size
    assert bool(seen) == (size == (300, 700))
    overlay = Image.open(tmp_path / "out" / "x_overlay.jpg")
    assert overlay.height > size[0]
    assert sorted(os.listdir(tmp_path / "out")) == sorted(
        [*(["x_ids.png"] if options else []), "x_mask.tif", "x_overlay.jpg"]
    )


def test_by_windows_no_array_of_the_whole_image_is_made(tmp_path, model, monkeypatch):
    path = save(tmp_path / "x.tif", channels(400, 500))
    read, most = geotiff.Reader.__call__, []

    def counted(self, top, bottom, left, right, factor=1):
        most.append((bottom - top) * (right - left) // factor**2)
        return read(self, top, bottom, left, right, factor)

    monkeypatch.setattr(geotiff.Reader, "__call__", counted)
    monkeypatch.setattr(results, "_MAX_OVERLAY_PIXELS", 5000)
    segment(model, path, tmp_path / "out", legend=False)
    assert max(most) <= 5000
    overlay = Image.open(tmp_path / "out" / "x_overlay.jpg")
    assert overlay.size == (72, 58)  # A seventh.


@pytest.mark.parametrize("num_channels", [1, 2, 4, 5])
def test_the_first_three_channels_or_the_gray_one_count(tmp_path, num_channels):
    pixels = np.random.RandomState(0).randint(0, 256, [num_channels, 20, 30]).astype(np.uint8)
    path = save(tmp_path / "x.tif", pixels)
    with geotiff.reading(path) as reader:
        image = reader(2, 19, 5, 26)
    used = pixels[:3] if num_channels > 3 else pixels[[0, 0, 0]]
    np.testing.assert_array_equal(image, used[:, 2:19, 5:26].transpose(1, 2, 0))


def test_a_palette_becomes_its_colors(tmp_path):
    ids = np.arange(12, dtype=np.uint8).reshape(1, 3, 4)
    path = save(tmp_path / "x.tif", ids, colors={n: (n, 2 * n, 99, 255) for n in range(12)})
    with geotiff.reading(path) as reader:
        expected = np.stack([ids[0], 2 * ids[0], np.full_like(ids[0], 99)], axis=2)
        np.testing.assert_array_equal(reader(0, 3, 0, 4), expected)


def test_wide_values_are_refused_as_those_of_other_images_are(tmp_path, model):
    path = save(tmp_path / "x.tif", channels(300, 700).astype(np.uint16))
    with pytest.raises(ValueError, match=r"x\.tif: the image has more than 8 bits per channel"):
        segment(model, path, tmp_path / "out")
    assert os.listdir(tmp_path / "out") == []


def test_a_damaged_file_is_named_and_leaves_nothing(tmp_path, model):
    noise = np.random.RandomState(0).randint(0, 256, [3, 300, 700]).astype(np.uint8)
    path = save(tmp_path / "x.tif", noise, compress="deflate", tiled=True)
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) // 2)
    with pytest.raises(ValueError, match=r"x\.tif: truncated or damaged") as raised:
        segment(model, path, tmp_path / "out")
    assert "\n" not in str(raised.value)
    assert os.listdir(tmp_path / "out") == []


def test_files_without_a_georeference_are_images_like_others(tmp_path, model):
    Image.fromarray(toy_export.image(20, 30)).save(tmp_path / "x.tif")
    assert geotiff.find_facts(str(tmp_path / "x.tif")) is None
    (tmp_path / "y.tif").write_bytes(b"no image")
    assert geotiff.find_facts(str(tmp_path / "y.tif")) is None
    segment(model, str(tmp_path / "x.tif"), tmp_path / "out")
    assert "x_mask.png" in os.listdir(tmp_path / "out")


def test_ids_that_a_byte_does_not_hold_are_refused(tmp_path):
    facts = geotiff.find_facts(save(tmp_path / "x.tif", channels(20, 30)))
    assert facts is not None
    with (
        pytest.raises(ValueError, match="class ids run up to 300; an 8-bit mask holds 0 to 255"),
        geotiff.writing_mask(str(tmp_path / "m.tif"), facts, ["a"], [(0, 0, 0)]) as writer,
    ):
        writer.write(0, 0, np.full([20, 30], 300))
    assert not (tmp_path / "m.tif").exists()


def test_ground_control_points_are_kept(tmp_path, model):
    points = [
        rasterio.control.GroundControlPoint(row, column, 10 + column / 100, 50 - row / 100)
        for row, column in ((0, 0), (0, 30), (20, 0))
    ]
    path = save(tmp_path / "x.tif", channels(20, 30), transform=None, gcps=points, crs="EPSG:4326")
    segment(model, path, tmp_path / "out")
    with rasterio.open(str(tmp_path / "out" / "x_mask.tif")) as mask:
        kept, crs = mask.gcps
    assert crs.to_epsg() == 4326
    assert [(p.row, p.col, p.x, p.y) for p in kept] == [(p.row, p.col, p.x, p.y) for p in points]


def test_a_mask_that_cannot_be_read_back_is_an_error(tmp_path, monkeypatch):
    path = save(tmp_path / "x.tif", channels(20, 30))
    facts = geotiff.find_facts(path)
    assert facts is not None
    monkeypatch.setattr(geotiff, "_count", lambda path: np.zeros(256, np.int64))
    mask = tmp_path / "m.tif"
    with (
        pytest.raises(OSError, match=r"m\.tif cannot be written: what was written is not"),
        geotiff.writing_mask(str(mask), facts, ["a"], [(0, 0, 0)]) as writer,
    ):
        writer.write(0, 0, np.zeros([20, 30], np.uint8))
    assert not mask.exists()
