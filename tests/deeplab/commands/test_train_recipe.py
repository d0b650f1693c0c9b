"""train.py without flags: a recipe is chosen, told, kept with the checkpoints and gone on with."""

import pathlib

import pytest

from commands.flags import Flags
from deeplab.commands import train_recipe
from deeplab.commands.train_flags import COMMAND
from tests.support import command_runs, tiny_dataset

NOWHERE = "http://127.0.0.1:9"


def parsed(*arguments: str) -> Flags:
    flags = Flags(COMMAND.options)
    flags.parse(["train.py", *arguments])
    return flags


@pytest.mark.parametrize(
    ("arguments", "is_automatic"),
    [
        ([], True),
        (["--tf_initial_checkpoint=x", "--hours=2", "--seed=1", "--train_logdir=runs/x"], True),
        (["--num_clones=4", "--clone_on_cpu"], True),
        (["--train_batch_size=4"], False),
        (["--model_variant=xception_65"], False),
        (["--train_batch_size=4", "--recipe=auto"], True),
        (["--recipe=research_deeplab"], False),
        (["--recipe=camvid"], False),
        (["--num_replicas=2"], False),
    ],
)
def test_it_is_chosen_where_no_flag_says_how_to_train(arguments, is_automatic):
    assert train_recipe.is_automatic(parsed(*arguments)) == is_automatic


def test_a_recipe_of_the_folder_has_its_flags_and_the_command_line_wins():
    flags = parsed("--recipe=camvid", "--base_learning_rate=0.5")
    train_recipe.read(flags)
    assert flags.value("train_crop_size") == (257, 337)
    assert flags.value("base_learning_rate") == 0.5
    assert flags.value("training_number_of_steps") == 3600


def test_unknown_recipes_and_those_of_other_tasks_are_refused():
    with pytest.raises(ValueError, match=r"recipe is 'camvit'; expected auto, .* camvid"):
        train_recipe.read(parsed("--recipe=camvit"))
    with pytest.raises(ValueError, match=r"another task's: give --flagfile=recipes/class_demo"):
        train_recipe.read(parsed("--recipe=class_demo"))


def test_the_choice_is_told_and_taken_and_a_run_goes_on_with_it(tmp_path, monkeypatch):
    made = [(f"image_{n}", *tiny_dataset.random_image(n, 30, 40)) for n in range(8)]
    spec = tiny_dataset.write(tmp_path, made)
    monkeypatch.setenv("DEEPLAB_WEIGHTS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DEEPLAB_WEIGHTS_MIRROR", NOWHERE)
    flags, lines = parsed("--base_learning_rate=0.5", "--hours=2"), []
    text = train_recipe.choose(flags, spec, "train", lambda: 0.5, lines.append)
    told = "\n".join(lines)
    assert "8 images in split train and 0 in val, 40x30 in the median, 3 classes" in told
    assert "so the network begins from scratch. With published weights" in told
    assert "--train_crop_size=65,65 --min_scale_factor=0.75" in told
    assert flags.value("model_variant") == "mobilenet_v2"
    assert flags.value("base_learning_rate") == 0.5  # The command line's.
    assert flags.value("training_number_of_steps") == 1500
    again, run = parsed("--training_number_of_steps=3"), tmp_path / "run"
    run.mkdir()
    (run / train_recipe.RECIPE_FILE).write_text(text)
    assert not train_recipe.resume(again, str(run))  # There is no checkpoint to go on from.
    (run / "model.ckpt-1.index").touch()
    (run / "model.ckpt-1.data-00000-of-00001").touch()
    assert train_recipe.resume(again, str(run))
    assert again.value("train_crop_size") == (65, 65)
    assert again.value("base_learning_rate") == 0.5
    assert again.value("training_number_of_steps") == 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("checkout")
    directory = folder / "data" / "tfrecords" / "tiny"
    directory.mkdir(parents=True)
    made = [(f"image_{n}", *tiny_dataset.random_image(n, 30, 40)) for n in range(8)]
    tiny_dataset.write(directory, made)
    return folder


@pytest.mark.slow
def test_a_run_without_flags_tells_its_choice_and_goes_on_with_it(folder):
    # Nobody answers there, so there are no published weights.
    alone = {"DEEPLAB_WEIGHTS_CACHE": str(folder / "cache"), "DEEPLAB_WEIGHTS_MIRROR": NOWHERE}
    first = command_runs.run("train.py", "--hours=0.001", cwd=folder, environment=alone)
    assert first.returncode == 0, first.stderr
    assert "dataset tiny: 8 images in split train and 0 in val, 40x30 in the median" in first.stdout
    assert "--model_variant=mobilenet_v2   (for a machine without a GPU)" in first.stdout
    assert "--training_number_of_steps=1 " in first.stdout
    assert "mobilenetv2_coco_voc_trainaug" in first.stdout
    assert "so the network begins from scratch. With published weights" in first.stdout
    written = (folder / "runs" / "tiny" / "recipe.flags").read_text()
    assert "\n--train_crop_size=65,65\n" in written
    assert "\n# for a machine without a GPU\n--model_variant=mobilenet_v2\n" in written
    second = command_runs.run("train.py", "--training_number_of_steps=2", cwd=folder)
    assert second.returncode == 0, second.stderr
    assert f"the recipe of this training run is in runs/tiny/{train_recipe.RECIPE_FILE}" in (
        second.stdout
    )
    assert "resuming from runs/tiny/model.ckpt-1 at step 1" in second.stdout
    assert "base_learning_rate=0.05" in second.stdout
