"""A model in a process that was forked after it had been loaded: an error, never a hang."""

import os
import signal

import pytest

from serving import forks
from serving.deeplab_model import DeepLabModel
from tests.support import toy_export

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def in_a_fork(action) -> str:
    """Runs a function in a forked process and returns what it returns, or the error it raises."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        signal.alarm(30)  # A hang ends here, and the answer is empty.
        try:
            answer = str(action())
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(writer, answer.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader) as file:
        return file.read()


def test_every_use_in_a_forked_worker_is_an_error_and_closing_is_none(tmp_path):
    path = toy_export.write(tmp_path)
    image = toy_export.image(9, 9)
    with DeepLabModel(path) as model:
        expected = model.segment(image).tolist()
        for use in (
            lambda: model.segment(image),
            lambda: model.run(image),
            lambda: model.probabilities(image),
            model.warm_up,
            lambda: DeepLabModel(path),  # Sessions share threads, so this one would hang too.
        ):
            answer = in_a_fork(use)
            assert answer.startswith("ForkedProcessError: process ")
            assert f"forked from process {os.getpid()} after a model had been loaded" in answer
            assert "Load the model in each worker" in answer
            assert "\n" not in answer
        assert in_a_fork(model.close) == "None"
        assert model.segment(image).tolist() == expected


def test_workers_forked_before_any_model_are_free(tmp_path, monkeypatch):
    """The check alone: whether TensorFlow itself works depends on what this process has done."""
    monkeypatch.setattr(forks, "_loaded_in", None)
    assert in_a_fork(forks.check) == "None"
    forks.note_loading()
    forks.check()
    assert in_a_fork(forks.check).startswith("ForkedProcessError")
