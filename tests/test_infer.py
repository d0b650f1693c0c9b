"""The command `infer.py`, in processes of its own."""

import functools
import os
import pathlib

import commands
import numpy as np
import pytest
import toy_export
from PIL import Image


@pytest.fixture
def infer(tmp_path):
    """Runs the command with an empty folder as the current one."""
    return functools.partial(commands.run, "infer.py", cwd=tmp_path)


def save(path: pathlib.Path, seed: int, size: tuple[int, int] = (20, 30)) -> np.ndarray:
    """Saves a picture without loss and returns the class ids that the toy graph sees in it."""
    image = toy_export.picture(*size, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return image.argmax(axis=2)


def files(folder: pathlib.Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_files_folders_and_patterns_with_the_newest_export(tmp_path, infer):
    toy_export.write(tmp_path / "runs" / "demo" / "export")
    ids = {
        "one": save(tmp_path / "one.png", 1),
        "a_same": save(tmp_path / "a" / "same.png", 2, (100, 90)),
        "b_same": save(tmp_path / "b" / "same.png", 3),
        "deep": save(tmp_path / "c" / "d" / "deep.png", 4),
    }
    (tmp_path / "a" / "broken.jpg").write_bytes(b"\xff\xd8 cut")
    result = infer(
        "one.png", "a", "b/*.png", "c/**/*.png", "--save_ids=npy", "--save_probabilities"
    )
    assert result.returncode == 1
    assert "error: a/broken.jpg: not an image file" in result.stderr
    assert "Traceback" not in result.stderr
    assert "4 of 5 pictures" in result.stdout

    endings = ("_ids.npy", "_mask.png", "_overlay.jpg", "_probabilities.npz")
    assert files(tmp_path / "masks") == sorted(name + ending for name in ids for ending in endings)
    for name in ("one", "b_same", "deep"):
        np.testing.assert_array_equal(
            Image.open(tmp_path / "masks" / f"{name}_mask.png"), ids[name]
        )
        np.testing.assert_array_equal(np.load(tmp_path / "masks" / f"{name}_ids.npy"), ids[name])
    assert Image.open(tmp_path / "masks" / "a_same_mask.png").size == (90, 100)
    share = np.mean(ids["one"] == 1)
    assert f"grass {100 * share:.1f}%" in result.stdout


def test_results_among_the_pictures_are_neither_read_nor_written_over(tmp_path, infer):
    toy_export.write(tmp_path / "model")
    save(tmp_path / "in" / "x.png", 1)
    for _ in range(2):
        result = infer("in", "--model=model", "--output=in")
        assert result.returncode == 0, result.stderr
        assert files(tmp_path / "in") == ["x.png", "x_mask.png", "x_overlay.jpg"]

    save(tmp_path / "in" / "x_mask.png", 2)
    before = (tmp_path / "in" / "x_mask.png").read_bytes()
    result = infer("in/x.png", "in/x_mask.png", "--model=model", "--output=in")
    assert result.returncode == 1
    assert "would overwrite the picture in/x_mask.png; choose another --output" in result.stderr
    assert (tmp_path / "in" / "x_mask.png").read_bytes() == before


def test_wrong_input_is_one_line(tmp_path, infer):
    save(tmp_path / "x.png", 1)
    (tmp_path / "bad.pb").write_bytes(b"no graph")
    toy_export.write(tmp_path / "old.pb", published=True)
    for arguments, status, message in (
        ([], 1, "which pictures?"),
        (["x.png"], 1, "run python export_model.py"),
        (["nothing*.png", "--model=old.pb"], 1, "no picture matches 'nothing*.png'"),
        (["x.png", "--model=bad.pb"], 1, "bad.pb is truncated or no"),
        (["x.png", "--model=old.pb", "--save_probabilities"], 1, "gives no probabilities"),
        (["x.png", "--modle=old.pb"], 2, "Did you mean: model"),
    ):
        result = infer(*arguments)
        assert result.returncode == status, (arguments, result.stderr)
        assert message in result.stderr
        assert "Traceback" not in result.stderr
    assert files(tmp_path) == ["bad.pb", "masks", "old.pb", "x.png"]
    assert files(tmp_path / "masks") == []
