"""What the commands that train share: the encoder that a warm start wants, and resuming."""

import pytest

from commands import training_command
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
