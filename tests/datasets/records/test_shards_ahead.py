"""Shards that are written while a check reads: files read once, nothing in its place too early."""

import errno
import os

import numpy as np
import pytest

from datasets.images import decoding
from datasets.records import building, conversion
from datasets.records.building import BuildSettings
from datasets.segmentation import checks, specs
from datasets.segmentation.encoder import SegmentationEncoder
from datasets.segmentation.sources import folder
from tests.support import sample_images

NUM_TRAIN = 6


@pytest.fixture
def data(tmp_path):
    """A folder of images with masks."""
    for index in range(NUM_TRAIN):
        save(tmp_path / "pets" / "train", index)
    save(tmp_path / "pets" / "val", 9)
    return tmp_path / "pets"


def save(directory, index: int, foreground: int = 1) -> None:
    mask = np.zeros((24, 30 + index), np.uint8)
    mask[: 2 + index] = foreground
    sample_images.save_pair(directory, f"p{index}", mask, index)


def build(data, output, *, gradient_format="int16", seen=None, **settings):
    """Builds as the command does, three shards of `train`; returns what the dataset is."""
    source = folder.open_source(str(data))
    encoder = SegmentationEncoder(source, gradient_format)

    def check(ahead) -> building.Report:
        records = None if ahead is None else checks.Records(encoder, ahead)
        report = checks.check_source(source, num_workers=1, show_progress=False, records=records)
        if seen is not None:
            seen.extend(report.problems)
        return report

    settings = BuildSettings(str(output), num_shards=3, num_workers=1, **settings)
    return building.build(encoder, source.splits, source.problems, check, settings, str(data))


def contents(directory) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.glob("[!.]*")}


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """The images that are decoded, in order."""
    paths = []
    decode = decoding.decode_image

    def decode_and_count(path, *arguments, **options):
        paths.append(os.path.basename(path))
        return decode(path, *arguments, **options)

    monkeypatch.setattr(decoding, "decode_image", decode_and_count)
    return paths


@pytest.mark.parametrize("gradient_format", ["int16", "png", None])
def test_each_image_is_read_once_and_the_records_are_those_of_a_build_without_a_check(
    data, tmp_path, reads, gradient_format
):
    spec = build(data, tmp_path / "checked", gradient_format=gradient_format)
    assert sorted(reads) == [f"p{index}.jpg" for index in (*range(NUM_TRAIN), 9)]
    build(data, tmp_path / "plain", gradient_format=gradient_format, is_checked=False)
    checked, plain = contents(tmp_path / "checked"), contents(tmp_path / "plain")
    assert checked == plain
    assert len(checked) == 5  # Three shards, one of `val`, and dataset.json.
    assert spec.split("train").num_examples == NUM_TRAIN
    state = tmp_path / "checked" / ".build"
    assert sorted(path.name for path in state.iterdir() if path.suffix != ".json") == [".lock"]


def test_an_error_leaves_what_is_there_and_no_new_folder(data, tmp_path, reads):
    build(data, tmp_path / "out")
    before = contents(tmp_path / "out")
    save(data / "train", 1, foreground=2)  # Another file, so that its shard is made again.
    path = data / "train" / "images" / "p4.jpg"
    os.truncate(path, 300)
    with pytest.raises(ValueError, match="the check found 1 error in the dataset"):
        build(data, tmp_path / "out")
    with pytest.raises(ValueError, match="the check found 1 error in the dataset"):
        build(data, tmp_path / "new" / "out")
    assert contents(tmp_path / "out") == before
    assert not (tmp_path / "out" / ".build" / "ahead").exists()
    assert not (tmp_path / "new").exists()

    reads.clear()
    spec = build(data, tmp_path / "out", skip_errors=True)
    assert spec.split("train").num_examples == NUM_TRAIN - 1
    assert reads.count("p1.jpg") == 1


def test_no_record_is_made_after_the_first_error(data, tmp_path, monkeypatch):
    os.truncate(data / "train" / "images" / "p0.jpg", 300)
    encoded = []
    encode = SegmentationEncoder.encode_read

    def encode_and_count(self, sample, *arguments):
        encoded.append(sample.name)
        return encode(self, sample, *arguments)

    monkeypatch.setattr(SegmentationEncoder, "encode_read", encode_and_count)
    with pytest.raises(ValueError, match="the check found 1 error in the dataset"):
        build(data, tmp_path / "out")
    assert len(encoded) <= 4  # Those that were begun before the error was taken: see `workers`.


def test_what_only_all_masks_show_ends_the_build_too(data, tmp_path):
    """A mask of 0 and 255 may be right, but not if all are of these."""
    sample_images.write_json(data / "classes.json", {"names": ["background", "pet"]})
    for index in range(NUM_TRAIN):
        save(data / "train", index, foreground=255)
    save(data / "val", 9, foreground=255)
    problems = []
    with pytest.raises(ValueError, match="nothing was written"):
        build(data, tmp_path / "out", seen=problems)
    assert {"binary"} <= {problem.kind for problem in problems}
    assert not (tmp_path / "out").exists()


def test_an_example_that_turns_out_to_be_unusable_later_is_left_out(data, tmp_path, monkeypatch):
    """Its record is in a shard already when the check ends: the shard is written again."""
    finish = checks._Collector.finish

    def finish_with_error(self):
        finding = checks.Finding("train", self._source.splits["train"][2])
        finding.report("error", "other", "contradicts another.", finding.sample.paths[0])
        self._problems += finding.problems
        return finish(self)

    monkeypatch.setattr(checks._Collector, "finish", finish_with_error)
    spec = build(data, tmp_path / "out", skip_errors=True)
    assert spec.split("train").num_examples == NUM_TRAIN - 1
    assert spec == specs.read_spec(str(tmp_path / "out"))


def stop_at(shard_number: int, data, output) -> None:
    """Builds, with Ctrl-C as soon as one of the shards of `train` is begun."""
    write = conversion.write_encoded

    def write_or_stop(shard, *arguments):
        if f"{shard_number:05d}-of" in shard.path:
            raise KeyboardInterrupt
        return write(shard, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conversion, "write_encoded", write_or_stop)
        with pytest.raises(KeyboardInterrupt):
            build(data, output)


def test_a_build_that_was_stopped_during_the_check_goes_on(data, tmp_path, monkeypatch, capsys):
    write = conversion.write_encoded
    stop_at(2, data, tmp_path / "out")
    assert "The same command goes on where this one stopped." in capsys.readouterr().err
    assert contents(tmp_path / "out") == {}
    written = []

    def write_and_count(shard, *arguments):
        written.append(os.path.basename(shard.path))
        return write(shard, *arguments)

    monkeypatch.setattr(conversion, "write_encoded", write_and_count)
    build(data, tmp_path / "out")
    assert written == ["train-00002-of-00003.tfrecord", "val-00000-of-00001.tfrecord"]
    assert "2 of 4 shards were written before the check was stopped" in capsys.readouterr().err
    monkeypatch.undo()
    build(data, tmp_path / "plain", is_checked=False)
    assert contents(tmp_path / "out") == contents(tmp_path / "plain")


def test_one_that_was_stopped_before_its_first_shard_leaves_no_folder(data, tmp_path):
    stop_at(0, data, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_where_the_disk_has_no_room_for_both_the_conversion_makes_it(data, tmp_path, monkeypatch):
    write = conversion.write_encoded

    def write_in_place_only(shard, *arguments):
        if "ahead" in shard.path:
            raise OSError(errno.ENOSPC, "No space left on device", shard.path)
        return write(shard, *arguments)

    monkeypatch.setattr(conversion, "write_encoded", write_in_place_only)
    spec = build(data, tmp_path / "out")
    assert spec.split("train").num_examples == NUM_TRAIN
    assert not (tmp_path / "out" / ".build" / "ahead").exists()


def test_what_a_build_without_a_check_finds_ahead_is_removed(data, tmp_path):
    stop_at(1, data, tmp_path / "out")
    ahead = tmp_path / "out" / ".build" / "ahead"
    assert ahead.exists()
    build(data, tmp_path / "out", is_checked=False)
    assert not ahead.exists()


def test_records_are_not_kept_with_findings_that_are_judged_at_the_end(data, tmp_path, monkeypatch):
    """Masks of 0 and 255 are: their records would fill the memory."""
    kept = []
    finish = checks._Collector.finish

    def finish_and_look(self):
        kept.extend(self._binary)
        return finish(self)

    monkeypatch.setattr(checks._Collector, "finish", finish_and_look)
    sample_images.write_json(data / "classes.json", {"names": ["background", "pet"]})
    for index in range(NUM_TRAIN):
        save(data / "train", index, foreground=255)
    with pytest.raises(ValueError, match="nothing was written"):
        build(data, tmp_path / "out")
    assert len(kept) == NUM_TRAIN
    assert all(finding.encoded is None for finding in kept)


def test_a_check_that_fails_is_not_taken_for_a_full_disk(data, tmp_path, monkeypatch):
    """Nor for one that has passed."""
    add = checks._Collector.add
    added = []

    def add_four(self, finding):
        added.append(finding)
        if len(added) == 4:
            raise BrokenPipeError("where the progress goes")
        return add(self, finding)

    monkeypatch.setattr(checks._Collector, "add", add_four)
    with pytest.raises(BrokenPipeError, match="where the progress goes"):
        build(data, tmp_path / "out")
    assert not (tmp_path / "out").exists()
