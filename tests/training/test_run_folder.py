"""The folder of a training: one writer, no leftovers, and made again if it vanishes."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from common import locks
from tests.support import toy_training
from tests.support.command_runs import ROOT
from training import checkpoints, run_folder
from training.run_folder import RunFolder


def hold(folder) -> int:
    """Starts a process that holds the folder's lock, and returns its number."""
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        with locks.sole_writer(str(folder), "another training", ""):
            os.write(tell, b"x")
            time.sleep(120)
        os._exit(0)
    os.read(ready, 1)
    return pid


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def files(folder) -> dict[str, bytes]:
    """Returns the contents of a folder without its lock."""
    return {
        path.name: path.read_bytes() for path in folder.iterdir() if path.name != locks.LOCK_FILE
    }


def test_second_training_in_a_folder_is_refused_before_it_writes(tmp_path):
    toy_training.train(tmp_path, 2)
    before = files(tmp_path)
    pid = hold(tmp_path)
    try:
        with pytest.raises(
            locks.FolderInUseError,
            match=rf"{tmp_path} is in use by another training run, process {pid} .*train_logdir\.$",
        ):
            toy_training.train(tmp_path, 4, write_beside_checkpoints=pytest.fail)
        assert files(tmp_path) == before
        # What has nothing to write needs no lock.
        assert toy_training.train(tmp_path, 2).step == 2
    finally:
        end(pid)
    assert toy_training.train(tmp_path, 4).step == 4


def test_second_training_in_a_new_folder_is_refused_too(tmp_path):
    """Both have begun when the folder did not exist."""
    logdir = tmp_path / "run"
    pids = []

    def build_clone(batch):
        logdir.mkdir()
        pids.append(hold(logdir))
        toy_training.build_clone(batch)

    try:
        with pytest.raises(locks.FolderInUseError, match="is in use by another training run"):
            toy_training.train(logdir, 2, build_clone=build_clone)
    finally:
        end(pids[0])
    assert files(logdir) == {}


def test_training_that_another_one_has_overtaken_is_refused(tmp_path):
    def build_clone(batch):
        with tf.Graph().as_default():
            toy_training.train(tmp_path / "run", 3)
        toy_training.build_clone(batch)

    with pytest.raises(ValueError, match=r"another training run has written .*ckpt-3 meanwhile"):
        toy_training.train(tmp_path / "run", 2, build_clone=build_clone)
    assert checkpoints.latest_checkpoint(str(tmp_path / "run")).endswith("model.ckpt-3")


HOLDER = """
import os, sys, time
sys.path.insert(0, {root!r})
from common import locks
with locks.sole_writer({folder!r}, "a test", ""):
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        time.sleep(120)
    time.sleep(120)
"""


def test_children_of_a_killed_training_do_not_keep_its_folder(tmp_path):
    script = HOLDER.format(root=os.getcwd(), folder=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    child = int(process.stdout.readline())
    try:
        process.kill()
        process.wait()
        with locks.sole_writer(str(tmp_path), "a test", ""):
            os.kill(child, 0)  # It still lives.
    finally:
        os.kill(child, signal.SIGKILL)


def test_leftovers_of_a_killed_training_are_removed_at_the_next_start(tmp_path):
    toy_training.train(tmp_path, 1)
    before = set(files(tmp_path))
    for name in (
        "model.ckpt-9.data-00000-of-00001.tempstate17",
        "model.ckpt-9.data-00000-of-00001",  # Killed before its index was written.
        "checkpoint.tmp0123456789abcdef",
    ):
        (tmp_path / name).write_bytes(b"half")
    lines = []

    toy_training.train(tmp_path, 2, report=lines.append, save_summaries_secs=0)

    assert lines[0] == f"removed 3 unfinished files of a killed run from {tmp_path}"
    assert not [name for name in set(files(tmp_path)) - before if "-9" in name or "tmp" in name]


def test_data_in_a_folder_that_never_was_a_trainings_are_left_alone(tmp_path):
    """They may be a download under way."""
    (tmp_path / "model.ckpt-9.data-00000-of-00001").write_bytes(b"half")

    toy_training.train(tmp_path, 1)

    assert (tmp_path / "model.ckpt-9.data-00000-of-00001").read_bytes() == b"half"


def removing(path, at_step: int):
    """Returns a report function that removes something after a step."""
    lines = []

    def report(line: str) -> None:
        lines.append(line)
        if line.startswith(f"step {at_step}/"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return report, lines


def test_folder_that_is_removed_comes_back_with_what_belongs_into_it(tmp_path):
    logdir = tmp_path / "run"

    def write_options(directory) -> str:
        (logdir / "options.json").write_text("options")
        return str(logdir / "options.json")

    report, lines = removing(logdir, 2)
    toy_training.train(logdir, 4, write_beside_checkpoints=write_options, report=report)

    assert sum("was removed or moved while the training run writes" in line for line in lines) == 1
    assert (logdir / "options.json").read_text() == "options"
    toy_training.train(tmp_path / "undisturbed", 4)
    expected = toy_training.read(str(tmp_path / "undisturbed" / "model.ckpt-4"))
    found = toy_training.read(checkpoints.latest_checkpoint(str(logdir)))
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    (events,) = logdir.glob("events*")
    steps = {event.step for event in tf.train.summary_iterator(str(events))}
    assert {3, 4} <= steps


@pytest.mark.parametrize("name", ["options.json", locks.LOCK_FILE])
def test_single_file_that_is_removed_comes_back(tmp_path, name):
    def write_options(directory) -> str:
        (tmp_path / "options.json").write_text("options")
        return str(tmp_path / "options.json")

    report, lines = removing(tmp_path / name, 2)
    toy_training.train(tmp_path, 4, write_beside_checkpoints=write_options, report=report)

    assert (tmp_path / name).exists()
    assert (tmp_path / "options.json").read_text() == "options"
    assert any("options.json was removed" in line for line in lines) == (name == "options.json")


def test_lock_is_taken_again_in_the_folder_that_is_made_again(tmp_path):
    folder = RunFolder(str(tmp_path / "run"), lambda directory: None, lambda line: None)
    folder.open()
    shutil.rmtree(tmp_path / "run")
    folder.ensure()
    with (
        pytest.raises(locks.FolderInUseError),
        locks.sole_writer(str(tmp_path / "run"), "another training", ""),
    ):
        pass
    shutil.rmtree(tmp_path / "run")
    (tmp_path / "run").mkdir()
    pid = hold(tmp_path / "run")
    try:
        with pytest.raises(locks.FolderInUseError, match=f"process {pid}"):
            folder.ensure()
    finally:
        end(pid)


def test_train_logdir_that_cannot_be_one_is_named(tmp_path):
    (tmp_path / "file").write_text("a file")
    for path, message in (
        (tmp_path / "file", r"train_logdir .*/file is not a folder\. Choose another name"),
        (tmp_path / "file" / "run", r"train_logdir .*/file/run cannot be written: Not a dir"),
        (tmp_path / ("n" * 256), "train_logdir .*n cannot be written: File name too long"),
        (tmp_path / "caf\udce9", r"train_logdir .*caf\\udce9 is not valid UTF-8"),
    ):
        with pytest.raises((OSError, ValueError), match=message) as failure:
            toy_training.train(path, 2)
        assert "[Errno" not in str(failure.value)
    assert (tmp_path / "file").read_text() == "a file"
    assert sorted(os.listdir(tmp_path)) == ["file"]


def test_a_folder_that_cannot_be_written_is_found_before_there_is_anything_to_write(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        message = rf"^train_logdir {path} cannot be written: {tmp_path}/file is not a folder\. Cho"
        with pytest.raises(OSError, match=message):
            run_folder.check_writable(str(path))
    run_folder.check_writable(str(tmp_path / "new" / "run"))
    assert os.listdir(tmp_path) == ["file"]


KILLED = """
import sys
sys.path.insert(0, {root!r})
from tests.support import toy_training
import tensorflow.compat.v1 as tf

def large(batch):
    toy_training.build_clone(batch)
    tf.get_variable("body/table", [2_000_000], initializer=tf.ones_initializer(), trainable=False)

tf.disable_v2_behavior()
toy_training.train({logdir!r}, 100000, build_clone=large, save_interval_secs=1e-6,
                   max_checkpoints_to_keep=2, report=lambda line: print(line, flush=True))
"""


def wait_for_half_a_file(folder) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if any("tempstate" in name for name in os.listdir(folder)):
            return


@pytest.mark.slow
def test_killed_in_the_middle_of_saving_nothing_is_lost(tmp_path):
    """It saves 8 MB all the time, so that most kills strike a save; each run goes on from there."""
    script = KILLED.format(root=str(ROOT), logdir=str(tmp_path))
    step, struck = 0, 0
    for number in range(10):
        process = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, bufsize=1
        )
        saved = None
        for line in process.stdout:
            if line.startswith("saved "):
                saved = line.split()[1]
                if int(saved.rsplit("-", 1)[1]) >= step + 5:
                    break
        if number % 2:
            time.sleep(number * 0.004)
        else:
            wait_for_half_a_file(tmp_path)
        process.kill()
        process.wait()
        assert saved is not None
        names = os.listdir(tmp_path)
        struck += any("tempstate" in name or name.endswith(".tmp") for name in names)
        newest = checkpoints.latest_checkpoint(str(tmp_path))
        step = checkpoints.read_step(newest)
        assert step >= int(saved.rsplit("-", 1)[1])
        table = checkpoints.Reader(newest).value("body/table")
        assert table.shape == (2_000_000,)
        assert (table == 1).all()
    folder = RunFolder(str(tmp_path), lambda directory: None, lambda line: None)
    folder.open()
    folder.close()
    left = [name for name in os.listdir(tmp_path) if "-" in name and name.startswith("model")]
    stems = {name.split(".data")[0].removesuffix(".index") for name in left}
    assert len(left) == 2 * len(stems), left
    assert len(stems) <= 4, stems
    print(f"{struck} of 10 kills left a half-written file")
