"""infer.py --runner: the files of the local run, on Apache Beam."""

import filecmp
import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest
from PIL import Image

from serving.beam import job
from tests.support import command_calls, toy_export
from tests.support.command_runs import ROOT

LOCAL = "--runner=FnApiRunner"  # Inside this process.

needs_beam = pytest.mark.skipif(
    importlib.util.find_spec("apache_beam") is None,
    reason="Apache Beam is not installed: make setup-beam",
)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    toy_export.write(tmp_path / "toy.pb")
    (tmp_path / "in").mkdir()
    for index, size in enumerate([(20, 30), (40, 60), (90, 100), (20, 30), (11, 13)]):
        Image.fromarray(toy_export.image(*size, index)).save(tmp_path / "in" / f"{index}.png")
    return tmp_path


def infer(*arguments: str) -> int:
    flags = command_calls.flags("infer", "--model=toy.pb", "--save_ids=png", *arguments)
    from deeplab.commands import infer as command

    return command.main(flags, ["in"])


@needs_beam
def test_beam_writes_what_the_local_run_writes(folder, capsys):
    (folder / "in" / "broken.png").write_bytes(b"no image")
    assert infer("--output=local") == 1
    assert infer("--output=beam", LOCAL, "--shard_size=2") == 1
    output = capsys.readouterr()
    assert "6 images in 3 shards, of which 3 are to be done on FnApiRunner" in output.out
    assert "in/broken.png: not an image file" in output.err
    names = sorted(os.listdir("local"))
    assert len(names) == 15
    assert sorted(os.listdir("beam")) == sorted([".infer", "failures.csv", *names])
    assert filecmp.cmpfiles("local", "beam", names, shallow=False)[0] == names


@needs_beam
def test_a_run_that_was_ended_goes_on(folder, capsys, monkeypatch):
    segment = job.segment

    def end_at_the_second(model, shard, settings):
        if shard.names[0] == "2":
            raise KeyboardInterrupt
        segment(model, shard, settings)

    monkeypatch.setattr(job, "segment", end_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        infer("--output=beam", LOCAL, "--shard_size=2")
    monkeypatch.setattr(job, "segment", segment)
    done = {path: os.stat(path).st_mtime_ns for path in pathlib.Path("beam").glob("*_mask.png")}
    capsys.readouterr()
    assert infer("--output=beam", LOCAL, "--shard_size=2") == 0
    assert f"5 images in 3 shards, of which {3 - len(done) // 2} are" in capsys.readouterr().out
    assert all(os.stat(path).st_mtime_ns == time for path, time in done.items())
    assert len(list(pathlib.Path("beam").glob("*_mask.png"))) == 5
    assert infer("--output=beam", LOCAL, "--shard_size=2") == 0
    assert "of which 0 are to be done" in capsys.readouterr().out


@needs_beam
def test_what_beam_refuses_is_one_line(folder):
    with pytest.raises(ValueError, match="Beam refuses --runner=FnApiRunner --streaming=maybe"):
        infer(LOCAL, "--beam_options=--streaming=maybe")
    with pytest.raises(ValueError, match="it has no option bad"):
        infer(LOCAL, "--beam_options=--bad=1")
    with pytest.raises(ValueError, match="'junk' is no option; expected --NAME=VALUE"):
        infer(LOCAL, "--beam_options=junk")
    with pytest.raises(ValueError, match="argument --direct_num_workers: invalid int value: 'x'"):
        infer(LOCAL, "--beam_options=--direct_num_workers=x")
    with pytest.raises(ValueError, match="tile is 9999; expected 16 to 64 pixels"):
        infer(LOCAL, "--tile=9999", "--output=out")
    assert not (folder / "out").exists()
    with pytest.raises(ValueError, match="--output=/dev/null/x: /dev/null is not a folder"):
        infer(LOCAL, "--output=/dev/null/x")
    with pytest.raises(ValueError, match=r"engine litert cannot run toy\.pb"):
        infer(LOCAL, "--engine=litert")


@needs_beam
def test_beam_prints_nothing_of_its_own(folder):
    def run(*options: str) -> subprocess.CompletedProcess:
        command = [sys.executable, str(ROOT / "infer.py"), "in", "--model=toy.pb", LOCAL, *options]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    (folder / "in" / "2.png").unlink()  # The only one that runs in tiles, which is said.
    done = run("--engine=tensorflow")
    assert (done.returncode, done.stderr) == (0, "")
    for options in ("--bad=1", "--direct_num_workers=x"):
        refused = run(f"--beam_options={options}")
        assert refused.returncode == 1
        assert refused.stderr.count("\n") == 1, refused.stderr
        assert refused.stderr.startswith(f"error: Beam refuses {LOCAL} {options}: ")


@needs_beam
def test_images_are_never_overwritten(folder):
    before = (folder / "in" / "1.png").read_bytes()
    (folder / "in" / "0_mask.png").write_bytes(before)
    (folder / "link").symlink_to("in")
    flags = command_calls.flags("infer", "--model=toy.pb", LOCAL, "--output=link")
    from deeplab.commands import infer as command

    with pytest.raises(ValueError, match=r"a result may overwrite the image .*in/0_mask\.png"):
        command.main(flags, ["in/0.png", "in/0_mask.png"])
    assert (folder / "in" / "0_mask.png").read_bytes() == before
    assert not (folder / "in" / ".infer").exists()


def test_flags_of_videos_are_refused(folder):
    for flag in ("--frames_per_second=1", "--temporal_smoothing=0.5"):
        with pytest.raises(ValueError, match="are of videos, and --runner takes images only"):
            infer(LOCAL, flag)


def test_flags_that_do_not_go_together(folder, monkeypatch):
    with pytest.raises(ValueError, match="--beam_options goes with --runner"):
        infer("--beam_options=--x")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"--runner=FnApiRunner needs Apache Beam.*setup-beam"):
        infer(LOCAL)
