"""Names and content of the files that inference writes."""

import os

import numpy as np
import pytest
from PIL import Image

from serving import results

NAMES = ("ground", "disc")
PALETTE = ((9, 9, 9), (200, 30, 30))


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["x.jpg", "y.png"], ["x", "y"]),
        (["in/a/x.jpg", "in/b/x.jpg"], ["a_x", "b_x"]),
        (["in/x.jpg", "in/b/c/x.jpg", "in/y.jpg"], ["x", "b_c_x", "y"]),
        (["x.jpg", "x.png"], ["x_jpg", "x_png"]),
        (["x.jpg", "X.png"], ["x_jpg", "X_png"]),
        ([], []),
    ],
)
def test_no_name_occurs_twice(paths, names):
    assert results.choose_names(paths) == names


def test_names_made_of_folders_do_not_meet_other_pictures():
    paths = ["a/x.jpg", "b/x.jpg", "a_x.jpg", "a_x_jpg.jpg"]
    names = results.choose_names(paths)
    assert names[1] == "b_x"
    assert len(set(names)) == 4


def test_every_file_holds_what_was_predicted(tmp_path):
    ids = np.zeros([30, 40], np.int32)
    ids[5:20, 10:30] = 1
    probabilities = np.stack([1 - ids * 0.75, ids * 0.75], axis=-1).astype(np.float32)
    picture = Image.new("RGB", (40, 30), (90, 120, 150))
    options = results.ResultOptions(legend=False, ids_format="npy", probabilities=True)
    shares = results.write_results(
        str(tmp_path), "x", picture, ids, probabilities, NAMES, PALETTE, options
    )
    np.testing.assert_allclose(shares, [0.75, 0.25])
    expected = results.result_paths(str(tmp_path), "x", options)
    assert sorted(os.listdir(tmp_path)) == sorted(os.path.basename(path) for path in expected)
    with Image.open(tmp_path / "x_mask.png") as mask:
        assert mask.mode == "P"
        np.testing.assert_array_equal(np.asarray(mask), ids)
        assert mask.convert("RGB").getpixel((15, 10)) == PALETTE[1]
    with Image.open(tmp_path / "x_overlay.jpg") as overlay:
        assert overlay.size == picture.size
        inside = np.asarray(overlay)[12, 20]
    np.testing.assert_allclose(inside, np.add((90, 120, 150), PALETTE[1]) / 2, atol=4)
    np.testing.assert_array_equal(np.load(tmp_path / "x_ids.npy"), ids)
    with np.load(tmp_path / "x_probabilities.npz") as stored:
        np.testing.assert_allclose(stored["probabilities"], probabilities, atol=1e-3)
        assert tuple(stored["class_names"]) == NAMES


def test_legend_and_gray_ids(tmp_path):
    ids = np.ones([30, 40], np.int32)
    picture = Image.new("RGB", (40, 30))
    options = results.ResultOptions(ids_format="png")
    results.write_results(str(tmp_path), "x", picture, ids, None, NAMES, PALETTE, options)
    with Image.open(tmp_path / "x_ids.png") as gray:
        assert gray.mode == "L"
        np.testing.assert_array_equal(np.asarray(gray), ids)
    with Image.open(tmp_path / "x_overlay.jpg") as overlay:
        assert overlay.height > 30


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "x_mask.png").write_bytes(b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(results.os, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        results.write_results(
            str(tmp_path),
            "x",
            Image.new("RGB", (4, 3)),
            np.zeros([3, 4], np.int32),
            None,
            NAMES,
            PALETTE,
            results.ResultOptions(),
        )
    assert os.listdir(tmp_path) == ["x_mask.png"]
    assert (tmp_path / "x_mask.png").read_bytes() == b"old"
