"""The log of the commands that trained in a folder."""

import sys

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
    assert first.versions["DeepLabV3+"] == VERSION


def test_a_line_that_a_full_disk_has_cut_off_spoils_no_other(tmp_path):
    command_log.append(str(tmp_path))
    with (tmp_path / command_log.LOG_FILE).open("a", encoding="utf-8") as file:
        file.write('{"command": "tra')
    command_log.append(str(tmp_path))
    assert len(command_log.read(str(tmp_path))) == 2
