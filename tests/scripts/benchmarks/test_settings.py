"""What the processes of contenders are given."""

import sys

import pytest

from scripts.benchmarks import settings
from scripts.benchmarks.settings import Settings


@pytest.mark.parametrize(
    ("module", "onednn", "malloc"),
    [
        ("ours.train", "1", None),
        ("plain.train", None, None),
        ("peers.train_smp", None, "4294967296"),
    ],
)
def test_only_our_commands_have_what_they_set_for_tensorflow(monkeypatch, module, onednn, malloc):
    variable = "TF_ENABLE_ONEDNN_OPTS"
    monkeypatch.setattr(settings, "ONEDNN_SETTINGS", {variable: "1"})
    monkeypatch.setattr(settings, "_NO_ONEDNN_SETTINGS", {variable: None})
    contender = Settings().contender("it", module, {})
    assert contender.environment[variable] == onednn
    assert contender.environment.get("MALLOC_MMAP_THRESHOLD_") == malloc
    chosen = Settings().contender("it", module, {}, environment={variable: "0"})
    assert chosen.environment == {variable: "0"}


def test_peers_run_in_their_environment(tmp_path):
    python = tmp_path / "bin" / "python"
    given = Settings(peers_venv=str(tmp_path))
    absent = given.contender("smp", "peers.train_smp", {})
    assert "make bench-peers-setup" in (absent.missing or "")
    python.parent.mkdir()
    python.touch()
    assert given.contender("smp", "peers.train_smp", {}).missing is None
    assert given.contender("smp", "peers.train_smp", {}).command[0] == str(python)
    assert given.contender("plain", "plain.train", {}).command[0] == sys.executable
