import os
import signal
import sys
import time

import pytest

from common import locks


def hold_in_another_process(folder) -> int:
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        with locks.sole_writer(str(folder), "a test", ""):
            os.write(tell, b"x")
            time.sleep(60)
        os._exit(0)
    os.read(ready, 1)
    return pid


def test_a_second_process_is_refused_and_told_of_the_first(tmp_path):
    pid = hold_in_another_process(tmp_path)
    try:
        with (
            pytest.raises(
                locks.FolderInUseError,
                match=rf"{tmp_path} is in use by a build, process {pid} on .*\. Wait for it\.",
            ),
            locks.sole_writer(str(tmp_path), "a build", "Wait for it."),
        ):
            pass
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    with locks.sole_writer(str(tmp_path), "a build", "Wait for it."):
        pass  # A killed process holds nothing.


def test_a_lock_names_its_holder_for_others_to_read(tmp_path):
    with locks.sole_writer(str(tmp_path), "a build", ""):
        text = (tmp_path / locks.LOCK_FILE).read_text(encoding="utf-8")
    assert str(os.getpid()) in text
    assert sys.argv[0] in text


def test_two_folders_do_not_lock_each_other(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with (
        locks.sole_writer(str(tmp_path / "a"), "a build", ""),
        locks.sole_writer(str(tmp_path / "b"), "a build", ""),
    ):
        pass


def test_in_turn_a_process_waits_for_the_other_to_end(tmp_path):
    pid = hold_in_another_process(tmp_path)
    told = []

    def end_it(line: str) -> None:
        told.append(line)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    with locks.sole_writer_in_turn(str(tmp_path), "a download", end_it):
        assert str(os.getpid()) in (tmp_path / locks.LOCK_FILE).read_text(encoding="utf-8")
    assert len(told) == 1
    assert f"is in use by a download, process {pid}" in told[0]
