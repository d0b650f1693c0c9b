"""The steps of the demo of style transfer, and what it draws."""

from types import SimpleNamespace

import numpy as np
from PIL import Image

from commands.flags import Flags
from scripts import demo_runner, style_demo_steps
from scripts.style_demo import StyleDemoOptions
from tests.support import command_calls
from tests.support.sample_images import save


def test_every_step_takes_flags_that_its_command_has():
    build, train, paint = style_demo_steps.commands(StyleDemoOptions(steps=70))
    command_calls.flags("build_tfrecords", *build[2:], task="classification")
    flags = command_calls.flags("train", *train[1:], task="classification")
    assert flags.value("training_number_of_steps") == 70
    assert flags.value("model_variant") == "vgg_tiny"
    flags = command_calls.flags("stylize", *paint[2:], task="style_transfer")
    assert (len(flags.value("style")), flags.value("weights")) == (3, "runs/style_demo")
    [paint] = style_demo_steps.commands(StyleDemoOptions(weights="vgg.mat"))
    assert "--weights=vgg.mat" in paint


def test_images_are_drawn_once_and_all_stand_on_one_sheet(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    called = []

    def call(command, check):
        called.append(command[1:])
        for name in ("strokes", "tiles", "rings"):
            save(
                tmp_path / "stylized" / "demo" / f"town_{name}.png",
                np.full((192, 256, 3), 9, np.uint8),
            )
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(demo_runner.subprocess, "run", call)
    flags = Flags([StyleDemoOptions])
    flags.parse(["demo"])
    assert style_demo_steps.main(flags, []) == 0
    assert [command[1] for command in called] == [
        "datasets.build_tfrecords",
        "--flagfile=recipes/style_demo.flags",
        "style_transfer.stylize",
    ]
    assert "stylized/demo/sheet.png" in capsys.readouterr().out
    assert Image.open("stylized/demo/sheet.png").size == (4 * 264 + 8, 2 * 200 + 8)
    town = tmp_path / "data" / "style_demo" / "town.png"
    assert Image.open(town).size == (256, 192)
    before = town.stat().st_mtime_ns
    style_demo_steps.draw_images()
    assert town.stat().st_mtime_ns == before


def test_patterns_have_few_colors_and_no_two_are_alike():
    drawn = [style_demo_steps.draw_pattern(name) for name in ("strokes", "tiles", "rings")]
    for pixels in drawn:
        assert (pixels.shape, pixels.dtype) == ((192, 256, 3), np.uint8)
        assert pixels.std() > 40
    means = [pixels.mean(axis=(0, 1)) for pixels in drawn]
    assert np.abs(means[0] - means[1]).max() > 20
    assert np.abs(means[1] - means[2]).max() > 20
