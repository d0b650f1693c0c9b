"""Shards of images: planned, segmented, remembered. No Beam is needed for it."""

import dataclasses
import json
import os
import pathlib

import pytest
from PIL import Image

from serving import results, tiling
from serving.beam import file_store, job
from tests.support import toy_export


@pytest.fixture
def settings(tmp_path) -> job.Settings:
    return job.Settings(
        model=str(toy_export.write(tmp_path / "toy.pb")),
        engine="tensorflow",
        precision="float32",
        num_threads=1,
        trust=False,
        output=str(tmp_path / "masks"),
        results=results.ResultOptions(),
        tiles=tiling.TileOptions(),
        batch_size=2,
        max_pixels=None,
        memory_limit=None,
    )


def save_images(folder: pathlib.Path, number: int) -> list[str]:
    folder.mkdir()
    for index in range(number):
        Image.fromarray(toy_export.image(20, 30, index)).save(folder / f"{index}.png")
    return [str(folder)]


def plan(arguments: list[str], settings: job.Settings, shard_size: int = 2) -> list[job.Shard]:
    found = file_store.find_images(arguments, results.ENDINGS)
    assert found.problems == []
    names = results.choose_names([image.path for image in found.images])
    return job.plan(found.images, names, settings, shard_size)


def test_shards_hold_all_images_in_order(tmp_path, settings):
    shards = plan(save_images(tmp_path / "in", 5), settings)
    assert [shard.names for shard in shards] == [("0", "1"), ("2", "3"), ("4",)]
    assert shards[2].state_path.endswith(
        os.path.join("masks", ".infer", "shard-00002-of-00003.json")
    )
    assert len({shard.fingerprint for shard in shards}) == 3


def test_a_finished_shard_is_remembered_until_something_changes(tmp_path, settings):
    arguments = save_images(tmp_path / "in", 3)
    first, second = plan(arguments, settings)
    assert job.recall(first) is None
    with settings.load() as model:
        job.segment(model, first, settings)
    record = job.recall(first)
    assert record == job.Record(first.fingerprint, record.results)
    assert job.recall(second) is None
    assert sorted(os.listdir(settings.output)) == [
        ".infer",
        "0_mask.png",
        "0_overlay.jpg",
        "1_mask.png",
        "1_overlay.jpg",
    ]
    (again, _) = plan(arguments, settings)
    assert job.recall(again) is not None
    other = dataclasses.replace(settings, results=results.ResultOptions(opacity=0.1))
    assert job.recall(plan(arguments, other)[0]) is None
    Image.fromarray(toy_export.image(20, 31, 1)).save(tmp_path / "in" / "1.png")
    assert job.recall(plan(arguments, settings)[0]) is None
    toy_export.write(tmp_path / "toy.pb", metadata={"class_names": ["a", "b", "c"]})
    assert job.recall(plan(arguments, settings)[0]) is None
    pathlib.Path(first.state_path).write_text('{"finger')
    assert job.recall(first) is None


def test_images_that_fail_are_listed(tmp_path, settings):
    arguments = save_images(tmp_path / "in", 2)
    (tmp_path / "in" / "1.png").write_bytes(b"no, image")
    (shard,) = plan(arguments, settings)
    with settings.load() as model:
        job.segment(model, shard, settings)
    record = job.recall(shard)
    ((path, reason),) = record.failures
    assert path == str(tmp_path / "in" / "1.png")
    assert "not an image file" in reason
    table = job.write_failures([record], settings.output)
    assert pathlib.Path(table).read_text().splitlines()[1].startswith(f"{path},")
    assert job.write_failures([job.Record("x")], settings.output) is None
    assert not os.path.exists(table)


def test_a_shard_that_cannot_be_written_says_why(tmp_path, settings, monkeypatch):
    arguments = save_images(tmp_path / "in", 1)
    (shard,) = plan(arguments, settings)

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("serving.file_inference.segment_files", full)
    with settings.load() as model:
        job.segment(model, shard, settings)
    assert "No space left" in job.recall(shard).error
    assert json.loads(pathlib.Path(shard.state_path).read_text())["failures"] == []


def is_finished(shard: job.Shard, settings: job.Settings) -> bool:
    return job.is_finished(shard, file_store.states(settings.output))


def segment_all(shards: list[job.Shard], settings: job.Settings) -> None:
    with settings.load() as model:
        for shard in shards:
            job.segment(model, shard, settings)


def test_results_that_are_not_as_they_were_are_made_again(tmp_path, settings):
    arguments = save_images(tmp_path / "in", 5)
    shards = plan(arguments, settings, 5)
    segment_all(shards, settings)
    assert is_finished(shards[0], settings)
    other = dataclasses.replace(settings, results=results.ResultOptions(opacity=0.1))
    segment_all(plan(arguments, other, 4), other)  # Shards of other names, the same results.
    assert not is_finished(shards[0], settings)
    segment_all(shards, settings)
    assert is_finished(shards[0], settings)
    os.remove(os.path.join(settings.output, "3_mask.png"))
    assert not is_finished(shards[0], settings)


def test_a_failure_that_may_pass_is_tried_again(tmp_path, settings, monkeypatch):
    arguments = save_images(tmp_path / "in", 2)
    (shard,) = plan(arguments, settings)
    fetch = file_store.fetch

    def fail(path, folder):
        if path.endswith("1.png"):
            raise OSError(5, "Input/output error")
        return fetch(path, folder)

    monkeypatch.setattr(file_store, "fetch", fail)
    segment_all([shard], settings)
    assert job.recall(shard).failures[0][0].endswith("1.png")
    assert not is_finished(shard, settings)
    monkeypatch.setattr(file_store, "fetch", fetch)
    segment_all([shard], settings)
    assert job.recall(shard).failures == ()
    assert is_finished(shard, settings)
    (tmp_path / "in" / "1.png").write_bytes(b"no image")
    (shard,) = plan(arguments, settings)
    segment_all([shard], settings)
    assert len(job.recall(shard).failures) == 1
    assert is_finished(shard, settings)  # It stays damaged until it changes.


def test_an_image_that_takes_too_much_memory_is_tried_again(tmp_path, settings, monkeypatch):
    (shard,) = plan(save_images(tmp_path / "in", 1), settings)
    with monkeypatch.context() as context:
        context.setattr("serving.memory.default_limit", lambda: 1 << 20)
        segment_all([shard], settings)
    assert "the limit is 1 MB" in job.recall(shard).failures[0][1]
    assert not is_finished(shard, settings)
    segment_all([shard], settings)
    assert job.recall(shard).failures == ()
    assert is_finished(shard, settings)


def test_what_is_larger_than_the_model_takes_is_counted(tmp_path, settings):
    save_images(tmp_path / "in", 2)
    for name, size in (("tiled", (100, 100)), ("shrunk", (60, 60))):
        Image.fromarray(toy_export.image(*size)).save(tmp_path / "in" / f"{name}.png")
    (shard,) = plan([str(tmp_path / "in")], settings, 9)
    segment_all([shard], settings)
    record = job.recall(shard)
    assert (record.num_tiled, record.num_shrunk) == (1, 1)


def test_another_form_of_the_model_is_another_model(tmp_path, settings):
    arguments = save_images(tmp_path / "in", 1)
    (shard,) = plan(arguments, settings)
    (tmp_path / "toy_int8.xml").write_bytes(b"a network")
    (changed,) = plan(arguments, settings)
    assert changed.fingerprint != shard.fingerprint
