"""Names and content of the files that inference writes."""

import os
import resource
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
from PIL import Image

from common import files
from serving import results

NAMES = ("ground", "disc")
PALETTE = ((9, 9, 9), (200, 30, 30))
EVERYTHING = results.ResultOptions(ids_format="npy", probabilities=True)


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


def test_names_made_of_folders_do_not_meet_other_images():
    paths = ["a/x.jpg", "b/x.jpg", "a_x.jpg", "a_x_jpg.jpg"]
    names = results.choose_names(paths)
    assert names[1] == "b_x"
    assert len(set(names)) == 4


def test_every_file_holds_what_was_predicted(tmp_path):
    ids = np.zeros([30, 40], np.int32)
    ids[5:20, 10:30] = 1
    probabilities = np.stack([1 - ids * 0.75, ids * 0.75], axis=-1).astype(np.float32)
    image = Image.new("RGB", (40, 30), (90, 120, 150))
    options = results.ResultOptions(legend=False, ids_format="npy", probabilities=True)
    shares = results.write_results(
        str(tmp_path), "x", image, ids, probabilities, NAMES, PALETTE, options
    )
    np.testing.assert_allclose(shares, [0.75, 0.25])
    expected = results.result_paths(str(tmp_path), "x", options)
    assert sorted(os.listdir(tmp_path)) == sorted(os.path.basename(path) for path in expected)
    with Image.open(tmp_path / "x_mask.png") as mask:
        assert mask.mode == "P"
        np.testing.assert_array_equal(np.asarray(mask), ids)
        assert mask.convert("RGB").getpixel((15, 10)) == PALETTE[1]
    with Image.open(tmp_path / "x_overlay.jpg") as overlay:
        assert overlay.size == image.size
        inside = np.asarray(overlay)[12, 20]
    np.testing.assert_allclose(inside, np.add((90, 120, 150), PALETTE[1]) / 2, atol=4)
    np.testing.assert_array_equal(np.load(tmp_path / "x_ids.npy"), ids)
    with np.load(tmp_path / "x_probabilities.npz") as stored:
        np.testing.assert_allclose(stored["probabilities"], probabilities, atol=1e-3)
        assert tuple(stored["class_names"]) == NAMES


def test_names_that_a_file_system_takes_for_one_are_told_apart():
    paths = ["a/\u00e9.jpg", "b/e\u0301.jpg", "c/\u00c9.jpg", "c/x.jpg"]
    names = results.choose_names(paths)
    keys = {unicodedata.normalize("NFC", name).casefold() for name in names}
    assert len(keys) == 4
    assert names[3] == "x"


def test_long_names_are_cut_and_stay_different(tmp_path):
    stems = ["x" * 250, "x" * 249 + "y", "ü" * 125, os.fsdecode(b"\xff" * 240)]
    names = results.choose_names([f"{stem}.png" for stem in stems])
    assert len(set(names)) == 4
    for stem, name in zip(stems, names, strict=True):
        assert os.fsencode(name)[:150] in (os.fsencode(stem)[:150], os.fsencode(name)[:150])
        for path in results.result_paths(str(tmp_path), name, EVERYTHING):
            assert len(os.fsencode(os.path.basename(path))) <= 255
            files.write(path, b"x")
    assert results.choose_names([f"{stems[0]}.png"]) == names[:1]  # The same in every run.
    assert names[0].startswith("x" * 180)
    assert names[2].startswith("ü" * 90)


def write_something(folder, **options) -> None:
    results.write_results(
        str(folder),
        "x",
        Image.fromarray(np.random.RandomState(0).randint(0, 256, [60, 80, 3], np.uint8)),
        np.random.RandomState(1).randint(0, 2, [60, 80]).astype(np.uint8),
        np.random.RandomState(2).rand(60, 80, 2).astype(np.float32),
        NAMES,
        PALETTE,
        results.ResultOptions(**options),
    )


@pytest.mark.parametrize(
    ("options", "ending"),
    [
        ({"ids_format": "npy"}, "_ids.npy"),
        ({"probabilities": True}, "_probabilities.npz"),
        ({}, "_overlay.jpg"),
    ],
)
def test_a_file_that_a_full_disk_cuts_short_is_none(tmp_path, options, ending):
    """The system takes all but the last bytes of the largest file, as a full disk does."""
    write_something(tmp_path, **options)
    size = (tmp_path / f"x{ending}").stat().st_size
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert size == max(len(content) for content in before.values())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size - 100, limits[1]))
        with pytest.raises(OSError, match=rf"x{ending} cannot be written"):
            write_something(tmp_path, **options)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_killed_runs_left_is_removed(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host = files._HOST
    gone = [f".x_mask.png.{host}-{dead.pid}-1.tmp", f"x_overlay.jpg.{dead.pid}.tmp"]
    stay = [
        f"x_mask.png.{os.getppid()}.tmp",  # A run that goes on.
        f"notes.{dead.pid}.tmp",  # Not ours.
        "x_mask.png",
    ]
    for name in (*gone, *stay):
        (tmp_path / name).write_bytes(b"x")
    assert sorted(os.path.basename(p) for p in results.remove_leftovers(str(tmp_path))) == gone
    assert sorted(os.listdir(tmp_path)) == sorted(stay)


def test_an_overlay_too_large_for_a_jpeg_is_shrunk(tmp_path):
    ids = np.zeros([1, 70_000], np.uint8)
    image = Image.new("RGB", (70_000, 1))
    options = results.ResultOptions()
    results.write_results(str(tmp_path), "x", image, ids, None, NAMES, PALETTE, options)
    assert Image.open(tmp_path / "x_mask.png").size == (70_000, 1)
    assert Image.open(tmp_path / "x_overlay.jpg").width == 40_000


def test_a_huge_overlay_is_reduced_by_a_whole_number(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "_MAX_OVERLAY_PIXELS", 1000)
    image = Image.new("RGB", (101, 50), (200, 100, 0))
    ids = np.zeros([50, 101], np.uint8)
    ids[:, 60:] = 1
    options = results.ResultOptions(legend=False)
    results.write_results(
        str(tmp_path), "x", image, ids, None, ["a", "b"], [(0, 0, 0), (0, 0, 255)], options
    )
    assert Image.open(tmp_path / "x_mask.png").size == (101, 50)
    overlay = np.asarray(Image.open(tmp_path / "x_overlay.jpg")).astype(int)
    assert overlay.shape == (17, 34, 3)
    assert np.abs(overlay[8, 8] - (200, 100, 0)).max() < 6
    assert np.abs(overlay[8, 30] - (100, 50, 127)).max() < 6


def test_legend_and_gray_ids(tmp_path):
    ids = np.ones([30, 40], np.int32)
    image = Image.new("RGB", (40, 30))
    options = results.ResultOptions(ids_format="png")
    results.write_results(str(tmp_path), "x", image, ids, None, NAMES, PALETTE, options)
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
