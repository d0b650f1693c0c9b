"""Finding picture files, and reading them upright as RGB."""

import numpy as np
import pytest
from PIL import ExifTags, Image

from serving import pictures


def save(path, mode: str = "RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (4, 3)).save(path, **options)
    return str(path)


def test_files_folders_and_patterns_are_found_once(tmp_path):
    a = save(tmp_path / "a.jpg")
    b = save(tmp_path / "b.PNG", format="PNG")
    deep = save(tmp_path / "sub" / "deep" / "c.tif")
    (tmp_path / "notes.txt").write_text("no picture")
    found, problems = pictures.find_pictures([a, str(tmp_path), str(tmp_path / "**" / "*.tif")])
    assert found == [a, b, deep]
    assert problems == []


def test_results_of_an_earlier_run_are_not_taken_for_pictures(tmp_path):
    a = save(tmp_path / "a.jpg")
    mask = save(tmp_path / "a_mask.png")
    assert pictures.find_pictures([str(tmp_path)], ["_mask.png"]) == ([a], [])
    assert pictures.find_pictures([mask], ["_mask.png"]) == ([mask], [])


def test_arguments_that_mean_nothing_are_named(tmp_path):
    (tmp_path / "empty").mkdir()
    arguments = [str(tmp_path / name) for name in ("empty", "*.jpg", "missing.jpg")]
    found, problems = pictures.find_pictures(arguments)
    assert found == []
    assert "holds no picture (.jpg" in problems[0]
    assert problems[1] == f"no picture matches {arguments[1]!r}"
    assert problems[2] == f"{arguments[2]}: there is no such file or folder"


def test_a_file_whose_name_looks_like_a_pattern_is_itself(tmp_path):
    path = save(tmp_path / "a[1].png")
    save(tmp_path / "a1.png")
    assert pictures.find_pictures([path]) == ([path], [])


@pytest.mark.parametrize("extension", ["jpg", "png", "tif"])
def test_exif_rotation_is_applied(tmp_path, extension):
    stored = Image.new("RGB", (40, 20), (200, 0, 0))
    stored.paste((0, 0, 200), (0, 0, 20, 20))  # blue on the left
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # shown turned by 90 degrees clockwise: blue on top
    path = str(tmp_path / f"turned.{extension}")
    stored.save(path, exif=exif)
    picture = pictures.read_picture(path)
    assert picture.size == (20, 40)
    assert picture.getpixel((10, 5))[2] > 150
    assert picture.getpixel((10, 35))[0] > 150


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "CMYK"])
def test_other_modes_become_rgb(mode):
    color = Image.new("RGB", (2, 2), (255, 255, 255)).convert(mode)
    picture = pictures.to_rgb(color)
    assert picture.mode == "RGB"
    assert picture.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_wide_pictures_are_refused_by_name(tmp_path, mode):
    path = save(tmp_path / "wide.tif", mode)
    with pytest.raises(ValueError, match=r"wide\.tif: .*more than 8 bits.*scale"):
        pictures.read_picture(path)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros([3, 4, 3], np.float32), r"float32 \[3, 4, 3\]; expected uint8"),
        (np.zeros([3, 4], np.uint8), r"uint8 \[3, 4\]; expected"),
        (np.zeros([0, 4, 3], np.uint8), "0x4 and empty"),
    ],
)
def test_arrays_that_are_no_picture_are_refused(array, message):
    with pytest.raises(ValueError, match=message):
        pictures.to_rgb(array)


def test_damaged_files_are_named(tmp_path):
    path = tmp_path / "noise.png"
    noise = np.random.RandomState(0).randint(0, 256, [40, 40, 3], np.uint8)
    Image.fromarray(noise).save(path)
    content = path.read_bytes()
    for name, part, message in (
        ("cut.png", content[:2000], "truncated or damaged"),
        ("text.png", b"hello", "not an image file"),
        ("empty.png", b"", "not an image file"),
    ):
        (tmp_path / name).write_bytes(part)
        with pytest.raises(ValueError, match=rf"{name}: {message}"):
            pictures.read_picture(str(tmp_path / name))
