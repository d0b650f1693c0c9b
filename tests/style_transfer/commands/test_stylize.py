"""python -m style_transfer.stylize: images, flags, and going on after Ctrl-C."""

import dataclasses
import os
import signal

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from style_transfer import stylization
from style_transfer.commands import stylize
from tests.support import command_calls, tiny_vgg
from tests.support.sample_images import save, smooth_rgb


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with two photos, two paintings and the weights of a tiny VGG."""
    random = np.random.RandomState(0)
    for name in ("photos/town.png", "photos/hill.png"):
        save(tmp_path / name, smooth_rgb(30, 40, shift=len(name)))
    for name in ("stars.png", "waves.png"):
        save(tmp_path / name, random.randint(0, 256, (36, 28, 3), np.uint8))
    tiny_vgg.save_npz(tmp_path / "vgg.npz")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> int:
    flags = command_calls.flags(
        "stylize", "--weights=vgg.npz", "--image_size=40", *arguments, task="style_transfer"
    )
    return stylize.main(flags, [])


ONE = ("--content=photos/town.png", "--style=stars.png", "--output=a.png")


def test_a_painting_is_nearer_to_the_style_and_leaves_its_curves(folder, capsys):
    assert run(*ONE, "--num_steps=12", "--preview_every=5") == 0
    out = capsys.readouterr().out
    assert "weights: vgg_16 of vgg.npz, 13 convolutions" in out
    assert "photos/town.png in the style of stars.png -> a.png" in out
    assert "40x30, with its frame 56x48: " in out
    painted = np.asarray(Image.open("a.png"))
    assert painted.shape == (30, 40, 3)
    first, last = (
        float(line.split("loss")[1].split()[0])
        for line in out.splitlines()
        if line.startswith(("step    0/12", "step   12/12"))
    )
    assert last < 0.7 * first
    logdir = folder / "runs" / "style_transfer" / "a.png"
    assert Image.open(logdir / "preview.jpg").size == (40, 30)
    [events] = logdir.glob("events*")
    values = [
        (event.step, value.tag)
        for event in tf.train.summary_iterator(str(events))
        for value in event.summary.value
    ]
    assert {(0, "loss"), (12, "style/conv5_1"), (12, "content/conv4_2"), (5, "image")} <= {*values}


def test_the_same_seed_gives_the_same_image_and_another_one_another(folder):
    common = (*ONE[:2], "--num_steps=3", "--start=noise")
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(*common, f"--output={name}.png", f"--seed={seed}")
    a, b, c = (np.asarray(Image.open(f"{name}.png")) for name in "abc")
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()


@pytest.mark.parametrize("more", [(), ("--num_scales=2", "--image_size=64")])
def test_a_run_that_was_interrupted_goes_on_as_if_it_had_not_been(
    folder, monkeypatch, capsys, more
):
    whole = (*ONE[:2], "--num_steps=8", *more)
    run(*whole, "--output=whole.png")
    evaluate = stylization.Objective.evaluate
    count = 0

    def interrupted(objective, image):
        nonlocal count
        count += 1
        if count == 5:
            signal.raise_signal(signal.SIGINT)
        return evaluate(objective, image)

    monkeypatch.setattr(stylization.Objective, "evaluate", interrupted)
    assert run(*whole, "--output=parts.png") == 130
    out = capsys.readouterr().out
    assert "ending after this step" in out
    assert "the best image so far, loss" in out
    assert os.path.exists("parts.png")
    assert run(*whole, "--output=parts.png") == 0
    assert "goes on at step 4 of scale 1" in capsys.readouterr().out
    one, two = (np.asarray(Image.open(f"{name}.png")) for name in ("whole", "parts"))
    np.testing.assert_array_equal(one, two)


def test_an_image_that_cannot_be_painted_leaves_the_others(folder, capsys):
    (folder / "photos" / "a.png").write_bytes(b"no image")
    status = run("--content=photos", ONE[1], "--output=many", "--num_steps=1")
    (folder / "photos" / "a.png").unlink()
    captured = capsys.readouterr()
    assert status == 1
    assert "photos/a.png: not an image file that can be read" in captured.err
    assert captured.err.endswith("error: 1 of 3 were not painted\n")
    assert len(os.listdir("many")) == 2


def test_other_weights_and_another_start_begin_anew(folder, capsys):
    run(*ONE, "--num_steps=1", "--start=waves.png")
    save(folder / "waves.png", np.full((36, 28, 3), 90, np.uint8))
    run(*ONE, "--num_steps=1", "--start=waves.png")
    assert "begins anew: the images are others than before" in capsys.readouterr().out
    with np.load("vgg.npz") as file:
        halved = {name: values / 2 for name, values in file.items()}
    np.savez("vgg.npz", **halved)
    run(*ONE, "--num_steps=1", "--start=waves.png")
    assert "begins anew: the weights are others than before" in capsys.readouterr().out


def test_the_time_left_is_that_of_all_sizes(folder, capsys):
    run(*ONE, "--image_size=64", "--num_scales=2", "--num_steps=4")
    lines = capsys.readouterr().out.splitlines()
    (coarse,) = (line for line in lines if line.startswith("step    4/4"))
    (fine,) = (line for line in lines if line.startswith("step    2/2"))
    assert coarse.endswith(" left")
    assert not fine.endswith(" left")


def test_outputs_of_one_name_are_paintings_of_their_own(folder, capsys):
    for output in ("a.png", "a.jpg", "sub/a.png", str(folder.parent / "elsewhere" / "a.png")):
        run(*ONE[:2], f"--output={output}", "--num_steps=1")
        out = capsys.readouterr().out
        assert "begins anew" not in out
        assert "finished already" not in out
        assert os.path.exists(output)
    run(*ONE[:2], f"--output={folder / 'sub' / 'a.png'}", "--num_steps=1")
    assert "finished already" in capsys.readouterr().out


def test_a_finished_run_is_not_made_again_unless_more_is_asked_for(folder, capsys):
    run(*ONE, "--num_steps=3")
    os.remove("a.png")
    capsys.readouterr()
    run(*ONE, "--num_steps=3")
    assert "it is finished already, with 3 steps" in capsys.readouterr().out
    assert os.path.exists("a.png")
    run(*ONE, "--num_steps=5")
    assert "goes on at step 3 of scale 1" in capsys.readouterr().out
    run(*ONE, "--num_steps=3", "--style_weight=9")
    assert "begins anew: the losses are others than before" in capsys.readouterr().out
    assert len(list((folder / "runs" / "style_transfer" / "a.png").glob("events*"))) == 1
    run(*ONE, "--num_steps=3", "--style_weight=9", "--style_scale=3")
    assert "its style, first 93x120: " in capsys.readouterr().out
    for _ in range(2):
        run(*ONE, "--num_steps=3", "--style_weight=9", "--overwrite")
        assert "\nstep    0/3 " in capsys.readouterr().out
    save(folder / "stars.png", smooth_rgb(30, 30))
    run(*ONE, "--num_steps=3", "--style_weight=9")
    assert "begins anew: the images are others than before" in capsys.readouterr().out


def test_a_damaged_state_is_named_and_overwritten(folder, capsys):
    run(*ONE, "--num_steps=2")
    state = folder / "runs" / "style_transfer" / "a.png" / "state.npz"
    state.write_bytes(b"text")
    with pytest.raises(ValueError, match=r"a\.png/state\.npz is damaged .* with --overwrite"):
        run(*ONE, "--num_steps=2")
    assert run(*ONE, "--num_steps=2", "--overwrite") == 0


def test_photos_may_move_meanwhile(folder, capsys):
    run(*ONE, "--num_steps=2")
    os.rename("photos", "pictures")
    run("--content=pictures/town.png", *ONE[1:], "--num_steps=3")
    assert "goes on at step 2 of scale 1" in capsys.readouterr().out


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_steps_that_make_nothing_better_are_told(folder, monkeypatch, capsys, optimizer):
    evaluate = stylization.Objective.evaluate
    if optimizer == "lbfgs":
        pytest.importorskip("scipy", reason="L-BFGS needs SciPy: make setup-lbfgs")

        def uphill(objective, image):
            evaluation = evaluate(objective, image)
            return dataclasses.replace(evaluation, gradient=-evaluation.gradient)

        monkeypatch.setattr(stylization.Objective, "evaluate", uphill)
    run(*ONE, "--num_steps=3", "--learning_rate=1e30", f"--optimizer={optimizer}")
    out = capsys.readouterr().out
    assert "warning: none of 3 steps made the image better than it was: lower --learn" in out
    monkeypatch.setattr(stylization.Objective, "evaluate", evaluate)
    run(*ONE, "--num_steps=3", "--learning_rate=1", "--optimizer=adam")
    assert "warning" not in capsys.readouterr().out


def test_a_style_that_is_named_twice_has_both_shares(folder, capsys):
    losses = []
    for styles in (["--style=stars.png"], ["--style=stars.png,stars.png", "--style_shares=1,2"]):
        run(ONE[0], *styles, "--output=a.png", "--overwrite", "--num_steps=2")
        losses.append(capsys.readouterr().out.split("finished, loss ")[1])
    assert losses[0] == losses[1]


def test_several_contents_are_listed_and_names_may_have_commas(folder):
    save(folder / "photos" / "a, b.png", smooth_rgb(30, 40))
    run("--content=photos/town.png,photos/hill.png", ONE[1], "--output=out", "--num_steps=1")
    assert sorted(os.listdir("out")) == ["hill_stars.png", "town_stars.png"]
    run("--content=photos/a, b.png", ONE[1], "--output=c.png", "--num_steps=1")
    assert os.path.exists("c.png")


def test_windows_without_inner_part_are_refused_before_the_first_step(folder, capsys):
    with pytest.raises(ValueError, match="windows have 64 pixels to a side; expected 176 or more"):
        run(*ONE, "--image_size=200", "--num_scales=3", "--tile_size=64")
    assert "step " not in capsys.readouterr().out


def test_several_contents_and_styles_are_painted_in_one_command(folder):
    run("--content=photos", "--style=stars.png,waves.png", "--output=out", "--num_steps=1")
    assert sorted(os.listdir("out")) == [
        "hill_stars.png",
        "hill_waves.png",
        "town_stars.png",
        "town_waves.png",
    ]
    run(
        "--content=photos/town.png",
        "--style=stars.png,waves.png",
        "--style_shares=3,1",
        "--num_steps=1",
    )
    assert os.listdir("stylized") == ["town_stars_waves.png"]


def test_colors_may_be_kept_and_any_preset_and_start_work(folder):
    run(*ONE, "--num_steps=4", "--preserve_colors", "--preset=cs20")
    painted = np.asarray(Image.open("a.png").convert("YCbCr")).astype(int)
    photo = np.asarray(Image.open("photos/town.png").convert("YCbCr")).astype(int)
    assert np.median(np.abs(painted - photo)[..., 1:]) <= 3
    assert np.abs(painted - photo)[..., 0].mean() > 3
    for preset in ("neural_style", "gatys"):
        run(*ONE, "--num_steps=2", f"--preset={preset}", "--start=waves.png")
    run(*ONE, "--num_steps=2", "--content_layers=relu3_1:2,conv4_1", "--style_layers=conv1_2")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--style=stars.png",), r"which content\? Give --content=IMAGE"),
        (("--content=photos/town.png",), r"which style\? Give --style=IMAGE"),
        (("--content=nowhere.png", "--style=stars.png"), "--content: .*nowhere"),
        ((*ONE, "--style_shares=0.5,0.5"), "--style_shares has 2 shares for 1 styles"),
        ((*ONE, "--style_shares=-1"), "--style_shares=-1: expected shares of 0 or more, and one"),
        ((*ONE[:2], "--output=a.gif"), r"output a\.gif ends in '\.gif'; expected one of"),
        ((*ONE, "--start=sky"), "--start=sky is no file; expected content, noise, mixed or an"),
        ((*ONE, "--style_layers=conv9_1"), "--style_layers has 'conv9_1': .* is no layer of a VGG"),
        ((*ONE, "--style_layers=conv1_1:x"), "--style_layers has 'conv1_1:x'"),
        ((*ONE, "--content_layers=conv1_1:0"), "--content_layers has no weight above 0"),
        ((*ONE, "--style_layers=conv1_1,relu1_1"), "'relu1_1', which is named twice"),
        ((*ONE, "--content_layers=conv1_1:nan"), r"expected a weight of 0 or more .* conv1_1:0\.5"),
        ((*ONE, "--content_weight=0", "--style_weight=0"), "are both 0: give one of them"),
        (("--content=photos", *ONE[1:2], "--output=vgg.npz"), "is one image, and there are 2"),
        (("--content=photos", *ONE[1:2], "--output=x.png"), "is one image, and there are 2"),
        ((*ONE[:2], "--output=photos/../stars.png"), "stars.png is an image to read; give another"),
        ((*ONE[:2], "--output=waves.png", "--start=waves.png"), "waves.png is an image to read"),
        (
            (*ONE[:2], "--output=vgg.npz/a.png"),
            "a.png cannot be written: .*vgg.npz is not a folder",
        ),
        (
            (*ONE, "--tile_size=64", "--image_size=300"),
            "windows have 64 pixels to a side; expected",
        ),
    ],
)
def test_wrong_input_is_explained(folder, arguments, message):
    with pytest.raises(ValueError, match=message):
        run(*arguments, "--num_steps=1")


def test_a_loss_that_grows_without_bounds_ends_the_run(folder):
    with pytest.raises(ValueError, match=r"the loss is (nan|inf) at step .*lower --learning_rate"):
        run(*ONE, "--num_steps=50", "--learning_rate=1e30", "--preset=cs20")
