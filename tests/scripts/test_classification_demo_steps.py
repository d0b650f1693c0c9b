"""The steps of the classification demo, and what it reports."""

import json
from types import SimpleNamespace

import pytest

from commands.flags import Flags
from scripts import classification_demo_steps, demo_runner
from scripts.classification_demo import ClassificationDemoOptions
from tests.support import command_calls


def test_every_step_takes_flags_that_its_command_has():
    steps = classification_demo_steps.commands(70)
    names = [step[1].rpartition(".")[2] if step[0] == "-m" else step[0] for step in steps]
    assert names[:3] == ["build_tfrecords", "train.py", "eval.py"]
    for name, step in zip(names, steps, strict=True):
        arguments = [each for each in step if each.startswith("--")]
        command_calls.flags(name.removesuffix(".py"), *arguments, task="classification")
    train = command_calls.flags("train", *steps[1][1:], task="classification")
    assert train.value("training_number_of_steps") == 70


def test_it_reports_the_best_and_ends_at_the_first_failure(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    called = []
    status = 0

    def call(command, check):
        called.append(command[1])
        return SimpleNamespace(returncode=status)

    class Process(SimpleNamespace):
        def communicate(self):
            return b"", None

    def start(command, stdout, stderr):
        called.append(command[1])
        return Process(returncode=status)

    monkeypatch.setattr(demo_runner.subprocess, "run", call)
    monkeypatch.setattr(demo_runner.subprocess, "Popen", start)
    flags = Flags([ClassificationDemoOptions])
    flags.parse(["demo"])
    run = tmp_path / classification_demo_steps.RUN
    run.mkdir(parents=True)
    (run / "best_checkpoint").write_text(json.dumps({"step": 40, "accuracy": 0.975}))
    assert classification_demo_steps.main(flags, []) == 0
    assert "Accuracy on the demo's validation images: 0.975" in capsys.readouterr().out
    assert len(called) == len(classification_demo_steps.commands(1))
    status = 3
    assert classification_demo_steps.main(flags, []) == 3
    assert "step 1 of the demo ended with status 3" in capsys.readouterr().err


def test_a_damaged_record_of_the_best_is_named(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    run = tmp_path / classification_demo_steps.RUN
    run.mkdir(parents=True)
    (run / "best_checkpoint").write_text(json.dumps({"step": 40}))
    with pytest.raises(ValueError, match=r"best_checkpoint: 'accuracy' is null"):
        classification_demo_steps.best_accuracy()
