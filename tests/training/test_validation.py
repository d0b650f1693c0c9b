"""Validation during training: when it happens, what is kept, and when training ends early."""

import json
import math
import os
import signal
import threading

import pytest
import tensorflow.compat.v1 as tf

from deployment.config import DeploymentConfig
from tests.support import toy_training
from training import checkpoints, validation
from training.checkpointer import Checkpointer
from training.validation import History, Score, _Entry


class Script:
    """A validator that gives the scores of a list, one after the other."""

    def __init__(self, *values: float, higher_is_better: bool = True):
        self._values = list(values)
        self._higher_is_better = higher_is_better
        self.scored: list[str] = []
        self.is_closed = False

    def score(self, checkpoint: str) -> Score:
        assert os.path.exists(f"{checkpoint}.index")
        self.scored.append(os.path.basename(checkpoint))
        value = self._values.pop(0)
        return Score(
            "accuracy",
            value,
            {"split": "val"},
            use_ema=False,
            text=f"accuracy {value}",
            scalars={"accuracy": value},
            higher_is_better=self._higher_is_better,
            warnings=["look at it"] if value == 0.25 else [],
        )

    def close(self) -> None:
        self.is_closed = True


def _train(folder, steps: int, script: Script, **options) -> tuple[int, list[str]]:
    lines: list[str] = []
    result = toy_training.train(
        folder,
        steps,
        report=lines.append,
        open_validator=lambda: script,
        # What is kept beside the best checkpoint.
        write_beside_checkpoints=_write_options,
        **options,
    )
    return result.step, lines


def _write_options(directory: str) -> str:
    path = os.path.join(directory, "options.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write("{}")
    return path


def test_checkpoints_are_saved_and_scored_at_multiples_and_at_the_end(tmp_path):
    script = Script(0.5, 0.75, 0.25)
    step, lines = _train(tmp_path, 5, script, validate_every=2, save_interval_secs=0)

    assert step == 5
    assert script.scored == ["model.ckpt-2", "model.ckpt-4", "model.ckpt-5"]
    assert script.is_closed
    told = [line for line in lines if "validation" in line or "warning: look" in line]
    best = os.path.join(tmp_path, "best")
    assert told == [
        f"validation at step 2: accuracy 0.5; the best so far, kept in {best}",
        f"validation at step 4: accuracy 0.75; the best so far, kept in {best}",
        "validation at step 5: accuracy 0.25; the best so far: accuracy 0.7500 at step 4",
        "warning: look at it",
    ]
    assert checkpoints.find_checkpoint(best).endswith("model.ckpt-4")
    history = validation.read_history(str(tmp_path))
    assert [(each.step, each.value) for each in history.scores] == [(2, 0.5), (4, 0.75), (5, 0.25)]


def test_without_it_nothing_is_scored(tmp_path):
    script = Script()
    _train(tmp_path, 3, script)
    assert script.scored == []
    assert not (tmp_path / validation.HISTORY_FILE).exists()


def test_training_ends_when_nothing_gets_better_for_long_enough(tmp_path):
    options = {"validate_every": 1, "patience": 2}
    step, lines = _train(tmp_path, 20, Script(0.5, 0.75, 0.5, 0.75), **options)

    assert step == 4
    reason = "the best accuracy is 0.7500 at step 2, and the 2 validations since are not better"
    assert lines[-1] == f"training ends early: {reason}"
    again, lines = _train(tmp_path, 20, Script(), **options)
    assert again == 4
    assert lines == [
        f"already ended early: {reason}. To train longer, raise patience; to train anew, on other "
        f"data or for more hours, choose another train_logdir, such as {tmp_path}_2, and "
        f"{tmp_path} as tf_initial_checkpoint to begin with what this training run has learned."
    ]
    script = Script(0.5, 0.875, 0.5, 0.5)
    longer, _ = _train(tmp_path, 7, script, validate_every=1, patience=4)
    assert (longer, len(script.scored)) == (7, 3)


def test_patience_counts_over_the_end_of_a_run(tmp_path):
    options = {"validate_every": 1, "patience": 3}
    _train(tmp_path, 3, Script(0.5, 0.25, 0.25), **options)
    step, _ = _train(tmp_path, 9, Script(0.25, 0.25), **options)
    assert step == 4


def test_less_may_be_better_and_an_undefined_score_is_never_the_best(tmp_path):
    script = Script(math.nan, 8.0, 3.0, 5.0, higher_is_better=False)
    _, lines = _train(tmp_path, 4, script, validate_every=1)
    assert checkpoints.find_checkpoint(str(tmp_path / "best")).endswith("model.ckpt-3")
    told = [line for line in lines if line.startswith("validation")]
    assert told[0].endswith("not kept as the best: accuracy is not defined")
    assert told[3].endswith("the best so far: accuracy 3.0000 at step 3")


def test_an_error_of_validation_ends_training_with_its_message_and_checkpoint(tmp_path):
    class Broken(Script):
        def score(self, checkpoint: str) -> Score:
            raise ValueError("val-00000: image x.jpg is damaged.")

    with pytest.raises(ValueError, match=r"image x\.jpg is damaged"):
        _train(tmp_path, 4, Broken(), validate_every=2)
    assert checkpoints.latest_checkpoint(str(tmp_path)).endswith("model.ckpt-2")


def test_a_signal_during_a_validation_ends_training_after_it(tmp_path):
    class Interrupted(Script):
        def score(self, checkpoint):
            signal.raise_signal(signal.SIGTERM)
            return super().score(checkpoint)

    step, lines = _train(tmp_path, 9, Interrupted(0.5), validate_every=2)

    assert step == 2
    assert checkpoints.read_step(checkpoints.latest_checkpoint(str(tmp_path))) == 2
    assert lines[-2:] == [
        "SIGTERM: finishing this validation, then ending. A second one ends at once.",
        f"validation at step 2: accuracy 0.5; the best so far, kept in {tmp_path}/best",
    ]
    assert len(validation.read_history(str(tmp_path)).scores) == 1


def test_after_a_signal_while_a_checkpoint_is_saved_nothing_is_validated(tmp_path, monkeypatch):
    save = Checkpointer.save

    def save_and_be_interrupted(self, session, step):
        signal.raise_signal(signal.SIGTERM)
        return save(self, session, step)

    monkeypatch.setattr(Checkpointer, "save", save_and_be_interrupted)
    script = Script(0.5)
    step, lines = _train(tmp_path, 9, script, validate_every=2)

    assert step == 2
    assert script.scored == []
    assert lines[-2].startswith("SIGTERM: finishing this step, saving a checkpoint, then ending.")
    assert lines[-1] == f"saved {tmp_path}/model.ckpt-2"


def test_a_validation_that_cannot_be_opened_ends_a_run_that_leaves_no_checkpoint(tmp_path):
    """It is opened beside the first step, so that this one is done in vain."""
    opening = threading.Event()

    def open_validator():
        assert opening.wait(60)
        raise ValueError("val is damaged")

    def wait_for_step(batch):
        opening.set()
        return batch

    def build_clone(batch):
        inputs = tf.py_func(wait_for_step, [batch["inputs"]], tf.float32)
        toy_training.build_clone({**batch, "inputs": tf.reshape(inputs, [-1, 3])})

    lines = []
    with pytest.raises(ValueError, match=r"^val is damaged$"):
        toy_training.train(
            tmp_path,
            5,
            report=lines.append,
            validate_every=2,
            open_validator=open_validator,
            build_clone=build_clone,
        )
    assert not [line for line in lines if line.startswith(("step", "saved"))]
    assert checkpoints.latest_checkpoint(str(tmp_path)) is None
    assert not list(tmp_path.glob("events*"))


def test_a_damaged_history_is_named(tmp_path):
    path = tmp_path / validation.HISTORY_FILE
    path.write_text(json.dumps({"metric": 3}))
    with pytest.raises(ValueError, match=rf"{path}.*Delete the file"):
        validation.read_history(str(tmp_path))


def test_wishes_that_cannot_be_met_are_refused(tmp_path):
    with pytest.raises(ValueError, match="patience is 3, but nothing is validated"):
        _train(tmp_path, 4, Script(), patience=3)
    cluster = DeploymentConfig(num_replicas=2, num_ps_tasks=1, replica_id=0)
    with pytest.raises(ValueError, match="in a cluster no process can end the others"):
        _train(tmp_path, 4, Script(), validate_every=1, patience=3, deployment=cluster)
    lines: list[str] = []
    with pytest.raises(ValueError, match="this task has no validation"):
        toy_training.train(tmp_path, 4, validate_every=1, report=lines.append)
    assert not [line for line in lines if "saved" in line or "step 1" in line]
    assert checkpoints.latest_checkpoint(str(tmp_path)) is None


def test_one_validation_is_no_plural():
    history = History("miou", True, (_Entry(2, 0.75), _Entry(4, 0.5)))
    expected = "the best miou is 0.7500 at step 2, and the validation since is not better"
    assert history.why_stopped(1) == expected
