"""Which examples go into which shard, and which finished shards are believed."""

import dataclasses
import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets.records import build_folder, shard_plan, tfrecords
from datasets.records.shard_plan import Failure, FinishedShard
from datasets.segmentation import encoder, specs
from datasets.segmentation.sources.source import Sample, Source
from tests.support import sample_images

STATISTICS = specs.SplitSpec(
    num_examples=2,
    num_shards=1,
    pixels_per_class=(6, 4),
    examples_per_class=(2, 1),
    ignored_pixels=0,
    max_height=2,
    max_width=3,
)


def make_source(folder, **num_examples: int) -> Source:
    """Returns a source of files that are not there."""
    splits = {
        split: [
            Sample(f"{split}{index:04d}", f"{folder}/{index}.jpg", f"{folder}/{index}.png")
            for index in range(count)
        ]
        for split, count in num_examples.items()
    }
    return Source("pets", ("ground", "cat"), ((0, 0, 0), (255, 0, 0)), 255, splits)


def finish(shard: shard_plan.Shard, failures=(), **changes) -> FinishedShard:
    """Writes a shard of two records, and remembers it."""
    os.makedirs(os.path.join(os.path.dirname(shard.path), ".build"), exist_ok=True)
    with tfrecords.write_shard(shard.path) as writer:
        for _ in range(2):
            writer.write(tf.train.Example().SerializeToString())
    finished = FinishedShard(
        shard.fingerprint, os.path.getsize(shard.path), STATISTICS, tuple(failures)
    )
    finished = dataclasses.replace(finished, **changes)
    build_folder.remember(shard.path, finished)
    return finished


def plan(source: Source, folder, **options) -> shard_plan.ShardPlan:
    return encoder.plan_shards(source, str(folder), **options)


def test_shards_of_another_folder_are_not_replaced(tmp_path):
    first, second, out = (tmp_path / name for name in ("a", "b", "out"))
    for folder in (first, second):
        folder.mkdir()

    def plan_of(folder, files="files") -> shard_plan.ShardPlan:
        source = make_source(files, train=2)
        made = encoder.SegmentationEncoder(source, gradient_format=None)
        return shard_plan.plan_shards(made, source.splits, str(out), data_dir=str(folder))

    mine = plan_of(first)
    mine.prepare()
    finish(mine.shards[0])
    with pytest.raises(FileExistsError, match=f"^{out} holds .*'pets' of {first}.* of {second}: "):
        plan_of(second, "others")
    link = tmp_path / "link"
    link.symlink_to(first)
    for folder in (first, link):
        assert plan_of(folder, "others").outdated
    assert not plan_of(second).pending  # Another path to the same files.

    first.rmdir()  # It may have become `second`.
    assert plan_of(second, "others").outdated
    first.mkdir()
    build_folder.remember_owner(str(out), "segmentation", "pets", None)  # As earlier versions do.
    assert plan_of(second, "others").outdated


@pytest.mark.parametrize(
    ("num_examples", "num_shards", "sizes"),
    [
        (1, None, [1]),
        (128, None, [128]),
        (129, None, [64, 65]),
        (7, 3, [2, 2, 3]),
        (2, 5, [1, 1]),
    ],
)
def test_examples_are_divided_evenly_and_in_order(tmp_path, num_examples, num_shards, sizes):
    source = make_source(tmp_path, train=num_examples, val=1)
    shards = plan(source, tmp_path / "out", num_shards=num_shards).shards
    train = [shard for shard in shards if shard.split == "train"]
    assert [len(shard.samples) for shard in train] == sizes
    assert [each for shard in train for each in shard.samples] == source.splits["train"]
    count = len(sizes)
    assert [os.path.basename(shard.path) for shard in train] == [
        f"train-{index:05d}-of-{count:05d}.tfrecord" for index in range(count)
    ]
    assert [shard.split for shard in shards] == ["train"] * count + ["val"]


def test_a_split_has_at_most_1024_shards_unless_told(tmp_path):
    source = make_source(tmp_path, train=1024 * 128 + 1)
    assert len(plan(source, tmp_path / "out").shards) == 1024


def test_what_is_remembered_is_kept_and_the_rest_pending(tmp_path):
    source = make_source(tmp_path, train=4)
    first, second = plan(source, tmp_path / "out", num_shards=2).shards
    finished = finish(first)
    planned = plan(source, tmp_path / "out", num_shards=2)
    assert planned.finished == {first.path: finished}
    assert planned.pending == [second]
    assert planned.outdated == []
    finish(second, num_bytes=7)
    planned = plan(source, tmp_path / "out", num_shards=2)
    assert planned.pending == planned.outdated == [second]


def test_a_shard_in_which_examples_were_skipped_is_kept_on_request_only(tmp_path):
    source = make_source(tmp_path, train=2)
    (shard,) = plan(source, tmp_path / "out").shards
    finish(shard, [Failure("train", "train0000", "0.jpg: damaged")])
    assert plan(source, tmp_path / "out").pending == [shard]
    assert plan(source, tmp_path / "out", skip_failures=True).pending == []


@pytest.mark.parametrize(
    "changes",
    [
        {"fingerprint": "another"},
        {"num_bytes": 1},
        {"statistics": dataclasses.replace(STATISTICS, num_examples=3)},
        {"statistics": dataclasses.replace(STATISTICS, max_height=-1)},
    ],
)
def test_a_note_that_does_not_fit_counts_as_none(tmp_path, changes):
    made = plan(make_source(tmp_path, train=2), tmp_path / "out")
    (shard,) = made.shards
    assert shard_plan.recall(made.encoder, shard) is None
    finished = finish(shard)
    assert shard_plan.recall(made.encoder, shard) == finished
    finish(shard, **changes)
    assert shard_plan.recall(made.encoder, shard) is None


def test_the_fingerprint_tells_all_that_the_bytes_depend_on(tmp_path):
    sample_images.save_pair(tmp_path, "a", np.zeros((4, 6), np.uint8))
    image, mask = f"{tmp_path}/images/a.jpg", f"{tmp_path}/masks/a.png"
    source = dataclasses.replace(
        make_source(tmp_path), splits={"train": [Sample("a", image, mask)]}
    )

    def fingerprint(source=source, **options) -> str:
        (shard,) = plan(source, tmp_path / "out", **options).shards
        return shard.fingerprint

    plain = fingerprint()
    assert fingerprint() == fingerprint(skip_failures=True) == plain
    renamed = dataclasses.replace(source, name="cats", palette=((1, 1, 1), (2, 2, 2)))
    assert fingerprint(renamed) == plain  # The records hold neither.
    found = {
        plain,
        fingerprint(gradient_format=None),
        fingerprint(is_checked=True),
        fingerprint(dataclasses.replace(source, ignore_label=254)),
        fingerprint(dataclasses.replace(source, class_names=("ground", "cat", "dog"))),
        fingerprint(dataclasses.replace(source, splits={"train": [Sample("b", image, mask)]})),
    }
    os.utime(mask, ns=(1, 1))
    found.add(fingerprint())
    os.remove(image)
    found.add(fingerprint())
    assert len(found) == 8
