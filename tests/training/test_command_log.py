"""The log of the commands that trained in a folder."""

import os
import re
import subprocess
import sys

from common import version
from common.version import VERSION
from training import command_log


def test_commands_are_kept_in_their_order_with_quotes_and_versions(tmp_path, monkeypatch):
    assert command_log.read(str(tmp_path)) == []
    monkeypatch.setattr(sys, "argv", ["train.py", "--dataset_dir=my images", "--seed=1"])
    command_log.append(str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["train.py", "--hours=2"])
    command_log.append(str(tmp_path))
    first, second = command_log.read(str(tmp_path))
    assert first.command == "train.py '--dataset_dir=my images' --seed=1"
    assert second.command == "train.py --hours=2"
    assert second.began >= first.began
    assert first.versions["DeepLabV3+"] == f"{VERSION} {version.revision()}".rstrip()
    assert first.folder == os.getcwd()


def test_the_revision_is_that_of_the_clone(tmp_path, monkeypatch):
    def git(*arguments):
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", tmp_path, *identity, *arguments], check=True)

    def logged():
        return command_log.this_process().versions["DeepLabV3+"]

    monkeypatch.setattr(version, "_ROOT", str(tmp_path))
    assert logged() == VERSION
    git("init", "-q")
    (tmp_path / "code.py").write_text("1")
    git("add", "code.py")
    git("commit", "-qm", "Begin")
    assert re.fullmatch(re.escape(VERSION) + " [0-9a-f]{7,}", logged())
    (tmp_path / "code.py").write_text("2")
    assert logged().endswith("-dirty")


def test_commands_of_earlier_versions_have_no_folder(tmp_path):
    line = '{"command": "train.py", "began": "", "versions": {}}'
    (tmp_path / command_log.LOG_FILE).write_text(line)
    (found,) = command_log.read(str(tmp_path))
    assert found.folder == ""


def test_a_line_that_a_full_disk_has_cut_off_spoils_no_other(tmp_path):
    command_log.append(str(tmp_path))
    with (tmp_path / command_log.LOG_FILE).open("a", encoding="utf-8") as file:
        file.write('{"command": "tra')
    command_log.append(str(tmp_path))
    assert len(command_log.read(str(tmp_path))) == 2
