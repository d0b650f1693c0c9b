"""train.py without flags: a recipe is chosen, told, kept with the checkpoints and gone on with."""

import pathlib

import pytest

from commands.flags import Flags
from deeplab.commands import train_recipe
from deeplab.commands.train_flags import COMMAND
from tests.support import command_runs, tiny_dataset

ROOT = pathlib.Path(__file__).resolve().parents[3]
NOWHERE = "http://127.0.0.1:9"


def nothing(flags: Flags) -> None:
    """What a check does that finds nothing."""


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
        (["--train_batch_size=4", "--label_weights=1,2"], True),
        (["--model_variant=xception_65", "--training_number_of_steps=9"], True),
        (["--recipe=research_deeplab"], False),
        (["--recipe=camvid"], False),
    ],
)
def test_it_is_chosen_where_no_other_recipe_is_named(arguments, is_automatic):
    assert train_recipe.is_automatic(parsed(*arguments), is_distributed=False) == is_automatic


def test_where_processes_train_together_or_a_run_goes_on_elsewhere_it_is_not_and_says_so():
    told = []
    assert not train_recipe.is_automatic(parsed("--hours=2"), True, told.append)
    flags = parsed("--continue_checkpoint=runs/a")
    assert not train_recipe.is_automatic(flags, False, told.append)
    assert [line.split(":")[0] for line in told] == [
        "several processes train together",
        "--continue_checkpoint goes on with another training run",
    ]
    assert train_recipe.is_automatic(parsed("--recipe=auto"), True, told.append)
    assert len(told) == 2


def test_a_recipe_of_the_folder_has_its_flags_and_the_command_line_wins():
    for name in ("camvid", str(ROOT / "recipes" / "camvid.flags")):
        flags = parsed(f"--recipe={name}", "--base_learning_rate=0.5")
        train_recipe.read(flags)
        assert flags.value("train_crop_size") == (257, 337)
        assert flags.value("base_learning_rate") == 0.5
        assert flags.value("training_number_of_steps") == 3055


def test_a_run_that_does_not_validate_has_no_patience():
    flags = parsed("--recipe=camvid", "--validate_every=0")
    train_recipe.read(flags)
    assert (flags.value("validate_every"), flags.value("patience")) == (0, 0)
    flags = parsed("--recipe=camvid", "--validate_every=50")
    train_recipe.read(flags)
    assert (flags.value("validate_every"), flags.value("patience")) == (50, 7)


def test_unknown_recipes_and_those_of_other_tasks_are_refused():
    with pytest.raises(
        ValueError, match=r"recipe is 'camvit'; expected auto, .* camvid, .* Did you mean camvid\?"
    ):
        train_recipe.read(parsed("--recipe=camvit"))
    with pytest.raises(ValueError, match=r"another task's: give --flagfile=recipes/class_demo"):
        train_recipe.read(parsed("--recipe=class_demo"))


def test_a_recipe_for_other_classes_is_refused_by_its_name(tmp_path):
    spec = tiny_dataset.write(tmp_path, [("a", *tiny_dataset.random_image(1, 30, 40))])
    flags = parsed("--recipe=camvid")
    train_recipe.read(flags)
    with pytest.raises(ValueError, match=r"recipe camvid has label weights of 11 .* has 3\. Give"):
        train_recipe.check_classes(flags, spec)
    for arguments in (["--recipe=camvid", "--label_weights=1,2,3"], ["--label_weights=1"], []):
        flags = parsed(*arguments)
        train_recipe.read(flags)
        train_recipe.check_classes(flags, spec)  # The command line's are told by the losses.


def test_the_choice_is_told_and_taken_and_a_run_goes_on_with_it(tmp_path, monkeypatch):
    made = [(f"image_{n}", *tiny_dataset.random_image(n, 30, 40)) for n in range(8)]
    spec = tiny_dataset.write(tmp_path, made)
    monkeypatch.setenv("DEEPLAB_WEIGHTS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DEEPLAB_WEIGHTS_MIRROR", NOWHERE)
    flags, lines = parsed("--base_learning_rate=0.5", "--hours=2"), []
    text = train_recipe.choose(flags, spec, "train", nothing, lambda: 0.5, lines.append)
    told = "\n".join(lines)
    assert "8 images in split train and 0 in val, 40x30 in the median, 3 classes" in told
    assert "so the network begins from scratch. With published weights" in told
    assert "--train_crop_size=129,177 --min_scale_factor=0.75" in told
    assert flags.value("model_variant") == "xception_tiny"
    assert flags.value("base_learning_rate") == 0.5  # The command line's.
    assert flags.value("training_number_of_steps") == 1500
    again, run = parsed("--training_number_of_steps=3"), tmp_path / "run"
    run.mkdir()
    (run / train_recipe.RECIPE_FILE).write_text(text)
    assert not train_recipe.resume(again, str(run))  # There is no checkpoint to go on from.
    (run / "model.ckpt-1.index").touch()
    (run / "model.ckpt-1.data-00000-of-00001").touch()
    assert train_recipe.resume(again, str(run))
    assert again.value("train_crop_size") == (129, 177)
    assert again.value("base_learning_rate") == 0.5
    assert again.value("training_number_of_steps") == 3
    other = parsed("--recipe=research_deeplab")
    with pytest.raises(ValueError, match=r"recipe is research_deeplab, but .* Omit --recipe to go"):
        train_recipe.resume(other, str(run))


def test_a_run_goes_on_with_the_flags_that_began_it(tmp_path, monkeypatch):
    made = [(f"image_{n}", *tiny_dataset.random_image(n, 30, 40)) for n in range(8)]
    spec = tiny_dataset.write(tmp_path, made)
    flags = parsed(
        *("--tf_initial_checkpoint=", "--training_number_of_steps=50", "--seed=7", "--hours=2"),
        *("--augmentation=light", "--weight_decay=0.001", "--losses=focal", "--nonesterov"),
        *("--dataset=tiny", "--log_steps=1", "--output_stride=8"),
    )
    lines: list[str] = []
    text = train_recipe.choose(flags, spec, "train", nothing, lambda: 0.5, lines.append)
    given = text.partition("# given\n")[2].splitlines()
    assert sorted(given) == [
        "--augmentation=light",
        "--losses=focal",
        "--nonesterov",
        "--output_stride=8",
        "--seed=7",
        "--training_number_of_steps=50",
        "--weight_decay=0.001",
    ]
    assert "--losses" not in text.partition("# given\n")[0]
    run = tmp_path / "run"
    run.mkdir()
    (run / train_recipe.RECIPE_FILE).write_text(text)
    (run / "model.ckpt-1.index").touch()
    (run / "model.ckpt-1.data-00000-of-00001").touch()
    again = parsed()
    assert train_recipe.resume(again, str(run))
    assert again.value("training_number_of_steps") == 50
    assert (again.value("augmentation"), again.value("losses")) == ("light", ("focal",))


def test_flags_that_are_given_stay_and_the_others_suit_them(tmp_path, monkeypatch):
    spec = tiny_dataset.write(
        tmp_path, [(f"image_{n}", *tiny_dataset.random_image(n, 300, 400)) for n in range(4)]
    )
    monkeypatch.setenv("DEEPLAB_WEIGHTS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DEEPLAB_WEIGHTS_MIRROR", NOWHERE)
    arguments = ("--output_stride=8", "--train_batch_size=2", "--training_number_of_steps=50")
    flags, lines = parsed("--model_variant=resnet_v1_50_beta", *arguments), []

    def measure() -> float:
        raise AssertionError("the number of steps is given")

    train_recipe.choose(flags, spec, "train", nothing, measure, lines.append)
    told = "\n".join(lines)
    assert "resnet_v1_50_beta_imagenet" in told  # The weights of the encoder that was asked for.
    assert flags.value("model_variant") == "resnet_v1_50_beta"
    assert flags.value("atrous_rates") == (12, 24, 36)
    assert {side % 8 for side in flags.value("train_crop_size")} == {1}
    assert flags.value("base_learning_rate") == pytest.approx(0.05 / 4)
    assert flags.value("training_number_of_steps") == 50
    assert flags.value("batch_norm_decay") == 0.9
    nobody = parsed("--model_variant=xception_tiny", *arguments)
    train_recipe.choose(nobody, spec, "train", nothing, measure, lines.append)
    assert "nobody has published weights of xception_tiny" in "\n".join(lines)
    assert not nobody.value("tf_initial_checkpoint")
    scratch, lines = parsed("--tf_initial_checkpoint=", *arguments), []
    train_recipe.choose(scratch, spec, "train", nothing, measure, lines.append)
    assert "published" not in "\n".join(lines)


def test_flags_that_contradict_each_other_are_refused_before_anything_is_downloaded(
    tmp_path, monkeypatch, capsys
):
    spec = tiny_dataset.write(tmp_path, [("a", *tiny_dataset.random_image(1, 30, 40))])
    monkeypatch.setenv("DEEPLAB_WEIGHTS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DEEPLAB_WEIGHTS_MIRROR", NOWHERE)
    flags = parsed("--train_batch_size=3")

    def check(trial: Flags) -> None:
        assert trial.value("model_variant") == "xception_tiny"
        assert trial.value("train_batch_size") == 3
        raise ValueError("a batch of 3")

    with pytest.raises(ValueError, match="a batch of 3"):
        train_recipe.choose(flags, spec, "train", check, lambda: 0.5)
    assert "mobilenetv2" not in capsys.readouterr().err
    assert not flags.is_given("model_variant")


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
    assert (
        "--model_variant=xception_tiny   (from scratch, for a machine without a GPU)"
        in first.stdout
    )
    assert "--training_number_of_steps=1 " in first.stdout
    assert "mobilenetv2_coco_voc_trainaug" in first.stdout
    assert "so the network begins from scratch. With published weights" in first.stdout
    written = (folder / "runs" / "tiny" / "recipe.flags").read_text()
    assert "\n--train_crop_size=129,177\n" in written
    assert (
        "\n# from scratch, for a machine without a GPU\n--model_variant=xception_tiny\n" in written
    )
    more = ("--training_number_of_steps=2", "--hours=3")
    second = command_runs.run("train.py", *more, cwd=folder)
    assert second.returncode == 0, second.stderr
    assert f"the recipe of this training run is in runs/tiny/{train_recipe.RECIPE_FILE}" in (
        second.stdout
    )
    assert "resuming from runs/tiny/model.ckpt-1 at step 1" in second.stdout
    assert "base_learning_rate=0.05" in second.stdout
    assert "--hours=3 decides the number of steps of a training run that begins" in second.stdout
