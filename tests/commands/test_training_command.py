"""What the commands that train share: the encoder that a warm start wants, and resuming."""

import re
import types

import pytest

from commands import training_command
from common.dataset_origin import DatasetOrigin
from datasets.records import build_folder
from published import cache
from tests.support import command_calls

NAME = "mobilenetv2_dm05_coco_voc_trainaug"


def encoder(*arguments: str, task: str = "deeplab") -> dict:
    return training_command.encoder_of_start(command_calls.flags("train", *arguments, task=task))


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "cache"))


@pytest.mark.parametrize("task", ["deeplab", "classification", "captioning"])
def test_published_weights_bring_their_encoder(task, tmp_path, capsys):
    start = f"--tf_initial_checkpoint={NAME}"
    expected = {"model_variant": "mobilenet_v2", "depth_multiplier": 0.5}
    assert encoder(start, task=task) == expected
    assert capsys.readouterr().out == (
        f"encoder as in {NAME}: --model_variant=mobilenet_v2 --depth_multiplier=0.5\n"
    )
    assert encoder(f"--tf_initial_checkpoint={tmp_path}/cache/{NAME}/files", task=task) == expected
    assert encoder(start, "--depth_multiplier=1.0", task=task) == {"model_variant": "mobilenet_v2"}


def test_what_the_command_line_says_holds(tmp_path, capsys):
    start = f"--tf_initial_checkpoint={NAME}"
    assert encoder(start, "--model_variant=xception_65") == {}
    assert encoder(start, "--continue_checkpoint=runs/a") == {}
    assert encoder() == {}
    assert encoder("--tf_initial_checkpoint=runs/other/model.ckpt-5") == {}
    (tmp_path / NAME).mkdir()  # A path wins over the name.
    assert encoder(start) == {}
    assert capsys.readouterr().out == ""


def test_an_encoder_that_a_task_lacks_is_named():
    start = "--tf_initial_checkpoint=inception_v3_2016_08_28"
    with pytest.raises(ValueError, match="holds the encoder inception_v3, which this task does n"):
        encoder(start)
    assert encoder(start, task="captioning")["model_variant"] == "inception_v3"


def test_no_rates_and_no_decoder_are_said_in_two_ways():
    training_command.check_same_flags({"rates": None, "a": 1}, {"rates": (), "a": 1}, "runs/a")
    with pytest.raises(ValueError, match=r"--a is 2, but runs/a was trained with 1\. Omit the"):
        training_command.check_same_flags({"a": 1}, {"a": 2}, "runs/a")


def resume(tmp_path, *arguments: str, name: str = "pets", data_dir: str = "", num_examples=0):
    """Resumes runs/pets, which was begun on `data_dir`, on 5 images of the folder here/pets."""
    records = tmp_path / "data" / "tfrecords" / "pets"
    (tmp_path / "here" / "pets").mkdir(parents=True, exist_ok=True)
    build_folder.remember_owner(str(records), "segmentation", "pets", "here/pets")
    split = types.SimpleNamespace(num_examples=5)
    spec = types.SimpleNamespace(name="pets", directory=str(records), splits={"train": split})
    origin = DatasetOrigin(str(records) if data_dir else "", data_dir, num_examples)
    stored = types.SimpleNamespace(dataset_name=name, dataset_origin=origin)
    flags = command_calls.flags("train", *arguments)
    training_command.check_same_dataset(flags, spec, "train", stored, "runs/pets")


def test_a_training_run_is_not_resumed_on_another_dataset_unless_both_are_named(tmp_path, capsys):
    for folder in ("there/pets", "cats"):
        (tmp_path / folder).mkdir(parents=True)
    there = str(tmp_path / "there" / "pets")
    both = ("--train_logdir=runs/pets", "--dataset=pets")
    for arguments in ((), *((each,) for each in both)):
        with pytest.raises(ValueError, match=rf"'pets' of {there}, and .*'pets' of {tmp_path}/her"):
            resume(tmp_path, *arguments, data_dir=there)
        with pytest.raises(ValueError, match=r"trained on the dataset 'cats' of .*/cats, and this"):
            resume(tmp_path, *arguments, name="cats", data_dir=str(tmp_path / "cats"))
    assert capsys.readouterr().err == ""
    resume(tmp_path, *both, data_dir=there)
    assert capsys.readouterr().err == (
        f"warning: runs/pets was trained on the dataset 'pets' of {there}, and this is 'pets' of "
        f"{tmp_path}/here/pets: it goes on with this one.\n"
    )


def test_a_training_run_of_an_earlier_version_goes_on_with_a_warning(tmp_path, capsys):
    resume(tmp_path)
    resume(tmp_path, name="")
    resume(tmp_path, data_dir=str(tmp_path / "moved"))
    assert capsys.readouterr().err == ""
    resume(tmp_path, name="cats")
    assert "trained on the dataset 'cats', and this is 'pets' of" in capsys.readouterr().err


def test_the_training_run_that_is_resumed_brings_its_dataset(tmp_path):
    stored = types.SimpleNamespace(dataset_name="pets", dataset_origin=DatasetOrigin())

    def resumed(*arguments: str, read=lambda folder: stored):
        return training_command.resumed(command_calls.flags("train", *arguments), read)

    assert resumed("--train_logdir=runs/a") is None
    (tmp_path / "runs" / "a").mkdir(parents=True)
    for name in ("model.ckpt-2.index", "model.ckpt-2.data-00000-of-00001"):
        (tmp_path / "runs" / "a" / name).touch()
    (tmp_path / "runs" / "a" / "checkpoint").write_text('model_checkpoint_path: "model.ckpt-2"')
    assert resumed("--train_logdir=runs/a") is stored
    assert resumed() is None

    def damaged(folder):
        raise ValueError(folder)

    assert resumed("--train_logdir=runs/a", read=damaged) is None


def test_another_number_of_examples_is_told(tmp_path, capsys):
    resume(tmp_path, data_dir=f"{tmp_path}/here/pets", num_examples=5)
    assert capsys.readouterr().err == ""
    resume(tmp_path, data_dir=f"{tmp_path}/here/pets", num_examples=9)
    expected = "runs/pets was trained on 9 examples of pets, and split train of .*has 5 now, for "
    assert re.match(f"warning: {expected}further steps", capsys.readouterr().err)
