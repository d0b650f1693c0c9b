"""Published weights that a command of another task is given: refused before they are downloaded."""

import pytest

from commands import execution
from tests.support import command_calls, published_files


@pytest.mark.parametrize("command", ["eval", "vis", "export_model"])
@pytest.mark.parametrize(
    ("task", "name", "message"),
    [
        ("classification", "xception_65_imagenet", "no classifier but an encoder without a head: "),
        ("captioning", "inception_v3_2016_08_28", "no network of captions but a classifier: a tr"),
    ],
)
def test_weights_of_another_kind_are_not_downloaded(
    task, command, name, message, monkeypatch, tmp_path
):
    if task not in command_calls.tasks_with(command):
        pytest.skip(f"{task} has no {command}.py")
    monkeypatch.chdir(tmp_path)
    with published_files.serving({}) as server:
        published_files.use_cache(monkeypatch, tmp_path / "cache", server.address)
        flags = command_calls.flags(command, f"--checkpoint_path={name}", task=task)
        with pytest.raises(ValueError, match=f"^{name} is {message}"):
            execution.load(command_calls.command(command, task))(flags, [])
        assert server.requests == []
