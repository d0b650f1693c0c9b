"""What the training loop is told of captioning."""

import pytest

from captioning.options import AugmentationOptions, ModelOptions, ObjectiveOptions, ViewOptions
from captioning.run_description import RunDescription
from captioning.task import CaptioningTask
from tests.support import captioned_images


@pytest.fixture
def task(tmp_path) -> CaptioningTask:
    spec = captioned_images.write_squares(tmp_path / "squares", train=1, val=1)
    model = ModelOptions(len(spec.words), model_variant="mobilenet_v2").completed()
    description = RunDescription(model, ViewOptions(64), spec.name, spec.words, spec.splitting)
    return CaptioningTask(spec, "train", description, AugmentationOptions(), ObjectiveOptions(), 1)


def test_the_spellings_of_published_checkpoints_are_known(task):
    assert task.former_names("lstm/basic_lstm_cell/kernel") == (
        "lstm/BasicLSTMCell/Linear/Matrix",
        "lstm/basic_lstm_cell/weights",
    )
    assert "lstm/basic_lstm_cell/biases" in task.former_names("lstm/basic_lstm_cell/bias")
    assert task.former_names("logits/weights") == ()


def test_processes_of_a_cluster_have_all_but_names_and_machines_in_common(task):
    settings = task.common_settings()
    assert settings["captions_per_image"] == 1
    assert settings["decoder"] == "show_and_tell"
    assert settings["words"] == task.description.words
    assert not {"dataset_name", "model", "view", "sync_batch_norm"} & set(settings)
