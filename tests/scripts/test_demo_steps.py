"""The steps of the demo: their order, their end at the first failure, and the sheet of results."""

import json
import os
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from commands.flags import Flags
from scripts import demo_runner, demo_steps
from scripts.demo import DemoOptions
from tests.support import command_calls
from tests.support.sample_images import save


def test_every_step_takes_flags_that_its_command_has():
    steps = demo_steps.commands(70)
    names = [step[1].rpartition(".")[2] if step[0] == "-m" else step[0] for step in steps]
    assert names == ["build_tfrecords", "train.py", "eval.py", "export_model.py", "infer.py"]
    for name, step in zip(names, steps, strict=True):
        arguments = [each for each in step if each.startswith("--")]
        command_calls.flags(name.removesuffix(".py"), *arguments)
    train = command_calls.flags("train", *steps[1][1:])
    assert train.value("training_number_of_steps") == 70
    assert train.value("dataset_dir") == demo_steps.RECORDS


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the demo with commands that end with these statuses; returns (status, their names)."""
    monkeypatch.chdir(tmp_path)

    def run(*statuses: int) -> tuple[int, list[str]]:
        called: list[str] = []

        def call(command, check):
            called.append(command[2] if command[1] == "-m" else command[1])
            return SimpleNamespace(returncode=statuses[len(called) - 1])

        monkeypatch.setattr(demo_runner.subprocess, "run", call)
        flags = Flags([DemoOptions])
        flags.parse(["demo", "--steps=9"])
        return demo_steps.main(flags, []), called

    return run


def test_the_first_step_that_fails_ends_the_demo(run, capsys):
    assert run(0, 3) == (3, ["datasets.build_tfrecords", "train.py"])
    output = capsys.readouterr()
    assert output.err == "error: step 2 of the demo ended with status 3\n"
    assert "[2/5] python train.py --flagfile=recipes/demo.flags" in output.out
    assert "Done" not in output.out


def write_scores(folder, name: str, miou, seconds: int) -> None:
    path = folder / demo_steps.RUN / "eval" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"miou": miou}))
    os.utime(path, (seconds, seconds))


def write_results(folder, count: int) -> None:
    """Writes images of one color each: red images, green masks, blue masks, gray overlays."""
    for index in range(count):
        name = f"{index:02d}"
        for path, color in (
            (f"{demo_steps.IMAGES}/val/images/{name}.jpg", (250, 0, index)),
            (f"{demo_steps.IMAGES}/val/masks/{name}.png", (0, 250, index)),
            (f"{demo_steps.MASKS}/{name}_mask.png", (0, 0, 250)),
        ):
            save(folder / path, np.full((12, 16, 3), color, np.uint8))
        overlay = np.full((12, 30, 3), 255, np.uint8)  # With a white legend to the right.
        overlay[:, :16] = 100
        save(folder / f"{demo_steps.MASKS}/{name}_overlay.jpg", overlay)


def test_the_whole_demo_tells_the_newest_score_and_draws_the_sheet(run, tmp_path, capsys):
    write_scores(tmp_path, "eval-9.json", 0.625, seconds=200)
    write_scores(tmp_path, "eval-10.json", 0.1, seconds=100)
    write_results(tmp_path, 9)
    status, called = run(0, 0, 0, 0, 0)
    assert (status, len(called)) == (0, 5)
    assert "Mean IoU on the demo's validation images: 0.625" in capsys.readouterr().out
    sheet = np.asarray(Image.open(tmp_path / demo_steps.SHEET)).astype(int)
    width, height = 256, 192
    assert sheet.shape == (4 * height, 4 * width, 3)
    centers = sheet[height // 2 :: height, width // 2 :: width]
    for row, index in enumerate((0, 2, 4, 6)):
        expected = [[250, 0, index], [0, 250, index], [0, 0, 250], [100, 100, 100]]
        np.testing.assert_allclose(centers[row], expected, atol=6)
    assert sheet[:, 3 * width :].max() < 110  # Nothing of the legend.


def test_a_score_that_is_none_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_scores(tmp_path, "eval-9.json", None, seconds=100)
    with pytest.raises(ValueError, match=r"eval-9\.json.*miou"):
        demo_steps.newest_miou()
