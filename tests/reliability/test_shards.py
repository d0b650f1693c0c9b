"""Mangled shards and descriptions: one line that names the file, never a traceback or a count."""

import copy
import json
import os
import random
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets.records import conversion, shard_check, tfrecords
from datasets.segmentation import encoder, foreign_records, specs, stored_masks
from datasets.segmentation.sources import folder
from deeplab.data import input_errors, input_pipeline
from deeplab.options import InputOptions
from tests.support import sample_images, tiny_dataset

NUM_RECORDS = 5
JUNK = [
    *(None, True, -1, 2**64, 10**400, 3.0, 1e308, "255", "", "\ud800", "../x", "a\0b"),
    *([], {}, [[]], [1], ["a"], {"a": 1}, [[[1]]]),
]


def mutate(value, randomly: random.Random):
    """Changes one value somewhere in a JSON value, or removes it."""
    value = copy.deepcopy(value)
    here = value
    while True:
        key = randomly.choice(list(here if isinstance(here, dict) else range(len(here))))
        if not (isinstance(here[key], (dict, list)) and here[key] and randomly.random() < 0.8):
            break
        here = here[key]
    if randomly.random() < 0.2:
        del here[key]
    else:
        here[key] = randomly.choice(JUNK)
    return value


def outcome(call):
    """Returns what a call returns, and None; or None, and the message of its ValueError."""
    try:
        return call(), None
    except ValueError as error:
        return None, str(error)


def test_300_mutated_descriptions_are_read_or_refused_in_one_line(tmp_path):
    randomly = random.Random(0)
    spec = tiny_dataset.write(
        tmp_path, [("p", *tiny_dataset.random_image(0, 5, 5))], with_gradient=False
    )
    path = tmp_path / "dataset.json"
    fields = json.loads(path.read_text())
    fields["splits"]["train"] |= {"shard_examples": [1], "shard_bytes": [9], "shard_files": ["x"]}
    num_refused = 0
    for _ in range(300):
        path.write_text(json.dumps(mutate(fields, randomly)))
        read, message = outcome(lambda: specs.read_spec(str(tmp_path)))
        if message is not None:
            assert str(path) in message
            assert message.isprintable()
            num_refused += 1
        else:  # What is read is of the types that it should be.
            specs.write_spec(read)
            assert specs.read_spec(str(tmp_path)) == read
            assert read.num_classes == len(read.palette)
            assert all(
                type(split.num_examples) is int and type(split.max_height) is int
                for split in read.splits.values()
            )
    assert num_refused > 200
    assert spec.num_classes == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe{\0}\0", "is not UTF-8"),
        (b'{"name": "caf\xe9"}', "is not UTF-8 text (byte 0xe9 at 13): save it as UTF-8"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"format_version": ' + b"1" * 5000 + b"}", "is not a description"),
        (b'{"format_version": NaN}', "'format_version' is NaN, too large or not a number"),
        (b'{"format_version": "1"}', "format_version is '1'; this program reads 1"),
        (b'"text"', "holds 'text'; expected an object"),
    ],
)
def test_files_of_other_kinds_are_refused_in_one_line(tmp_path, content, message):
    path = tmp_path / "dataset.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{path} is not a description") as caught:
        specs.read_spec(str(tmp_path))
    assert message in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("num_examples", "8", "'splits.train.num_examples' is '8'; expected a whole number"),
        ("num_shards", 1.0, "'splits.train.num_shards' is 1.0; expected a whole number"),
        ("num_shards", 100_000, "splits.train.num_shards is 100000; expected 1 to 99999"),
        ("max_height", -1, "splits.train.max_height is -1"),
        ("pixels_per_class", 5, "'splits.train.pixels_per_class' is 5; expected a list"),
        ("pixels_per_class", [1, "2", 3], "'splits.train.pixels_per_class[1]' is '2'"),
        ("examples_per_class", [1], "examples_per_class has 1 numbers for 3 classes"),
        ("shard_files", ["../a"], "shard_files is '../a'; expected a name without a folder"),
        ("shard_bytes", [1, 2], "shard_bytes has 2 entries for 1 shards"),
    ],
)
def test_a_wrong_value_is_told_with_its_key(tmp_path, key, value, message):
    tiny_dataset.write(tmp_path, [("p", *tiny_dataset.random_image(0, 5, 5))])
    path = tmp_path / "dataset.json"
    fields = json.loads(path.read_text())
    fields["splits"]["train"][key] = value
    path.write_text(json.dumps(fields))
    with pytest.raises(ValueError, match="is not a description") as caught:
        specs.read_spec(str(tmp_path))
    assert message in str(caught.value)


def manglings(data: bytes, ends: list[int], randomly: random.Random) -> list[bytes]:
    """Returns mangled copies of a shard: cut at every region, bits and bytes changed, lengths."""
    mangled = [data[: end + more] for end in [0, *ends[:-1]] for more in (0, 1, 8, 12, 13, 40)]
    mangled += [data[: end - less] for end in ends for less in (1, 4, 5)]
    for _ in range(40):
        changed = bytearray(data)
        changed[randomly.randrange(len(data))] ^= 1 << randomly.randrange(8)
        mangled.append(bytes(changed))
    for start in [0, *ends[:-1]]:
        for length in (0, 1, 2**31, 2**63, 2**64 - 1):
            mangled.append(data[:start] + length.to_bytes(8, "little") + data[start + 8 :])
    half = len(data) // 2
    mangled += [data + data, data[half:] + data[:half], data + b"\0" * 16, b"\0" * len(data)]
    mangled += [data[ends[0] :], data[: ends[0]] + data, data[::-1], b"text " * 99, data[: ends[0]]]
    return [each for each in mangled if each != data]


@pytest.fixture
def built(tmp_path):
    """A dataset that was built of one shard of few records, with its plan."""
    for index in range(NUM_RECORDS):
        mask = np.full((8, 9), index % 2, np.uint8)
        sample_images.save_pair(tmp_path / "pets" / "train", f"p{index}", mask, index)
    sample_images.write_json(tmp_path / "pets" / "classes.json", {"names": ["background", "pet"]})
    source = folder.open_source(str(tmp_path / "pets"))

    def plan():
        return encoder.plan_shards(source, str(tmp_path / "out"))

    spec, _ = conversion.convert(plan(), show_progress=False)
    return spec, plan


def shard_of(spec) -> tuple[str, bytes, list[int]]:
    """Returns path, content and the ends of the records of a split's only shard."""
    (path,) = spec.shard_paths("train")
    sizes = [tfrecords.stored_size(record) for record in tfrecords.read_records(path)]
    with open(path, "rb") as file:
        return path, file.read(), np.cumsum(sizes).tolist()


def contents(path: str) -> list[dict[str, object]]:
    """Returns the records of a shard, with the ids of the masks in place of their files."""
    records = []
    for record in tfrecords.read_records(path):
        features = tf.train.Example.FromString(record).features.feature
        values = {key: feature.SerializeToString() for key, feature in features.items()}
        key = "image/segmentation/class/encoded"
        (mask_file,) = features[key].bytes_list.value
        records.append({**values, key: stored_masks.read_ids(mask_file).tolist()})
    return records


def read_all(spec) -> int:
    """Reads a split as an evaluation does; returns how many examples, or raises ValueError."""
    shard_check.complete_shards(spec, "train")
    with tf.Graph().as_default(), tf.Session() as session:
        batches = input_pipeline.evaluation_batches(
            spec,
            "train",
            InputOptions(crop_size=(9, 9)),
            batch_size=1,
            mean_pixel=(0, 0, 0),
            with_laplacian=False,
        )
        following = tf.data.make_one_shot_iterator(batches).get_next()["label"]
        count = 0
        while True:
            try:
                count += len(session.run(following))
            except tf.errors.OutOfRangeError:
                return count
            except tf.errors.OpError as error:
                raise input_errors.explain(error, spec, "train", False) or error from None


def check_mangled(spec, plan, num: int | None) -> int:
    """Mangles a shard in many ways; returns how many were told of."""
    path, data, ends = shard_of(spec)
    original = contents(path)
    randomly = random.Random(1)
    cases = manglings(data, ends, randomly)
    if num is not None:
        cases = randomly.sample(cases, num)
    num_told = 0
    for mangled in cases:
        with open(path, "wb") as file:
            file.write(mangled)
        _, message = outcome(lambda: read_all(spec))
        assert message is not None, "damage that an evaluation does not notice"
        _, of_check = outcome(lambda: list(tfrecords.read_records(path)))
        for each in filter(None, [message, of_check]):
            assert os.path.basename(path) in each or "holds no images" in each
            assert each.isprintable()
        num_told += 1
        # A build goes on from there: it keeps what has the length and the records of the shard.
        if plan().pending:
            rebuilt, _ = conversion.convert(plan(), show_progress=False)
            assert contents(path) == original
            assert rebuilt == spec
    return num_told


def test_some_mangled_shards_are_told_by_name(built):
    assert check_mangled(*built, num=6) == 6


@pytest.mark.slow
def test_every_mangled_shard_is_told_by_name(built):
    assert check_mangled(*built, num=None) > 100


def test_a_mangled_shard_is_not_described(built, tmp_path):
    spec, _ = built
    path, data, ends = shard_of(spec)
    (tmp_path / "foreign").mkdir()
    shutil.copy(path, tmp_path / "foreign" / "train.tfrecord")
    for cut in (ends[1] + 5, ends[1] - 3):
        with open(tmp_path / "foreign" / "train.tfrecord", "wb") as file:
            file.write(data[:cut])
        with pytest.raises(ValueError, match=r"train\.tfrecord is truncated"):
            foreign_records.describe(
                str(tmp_path / "foreign"), name="x", ignore_label=255, show_progress=False
            )


@pytest.mark.parametrize("junk", [*JUNK, "nested", "bytes"])
def test_what_a_build_remembers_is_not_trusted(built, junk):
    """A damaged note makes its shard be written again, to the same records."""
    spec, plan = built
    path, _, _ = shard_of(spec)
    original = contents(path)
    (note,) = [
        os.path.join(spec.directory, ".build", name)
        for name in os.listdir(os.path.join(spec.directory, ".build"))
        if name.startswith("train-")
    ]
    with open(note) as file:
        fields = json.load(file)
    if junk in ("nested", "bytes"):
        changes = [b"[" * 100_000 if junk == "nested" else b"\xff\xfe\x00"]
    else:
        keys = [*fields, "statistics.num_examples"]
        changes = [json.dumps(with_value(fields, key, junk)).encode() for key in keys]
    for change in changes:
        with open(note, "wb") as file:
            file.write(change)
        if plan().pending:
            conversion.convert(plan(), show_progress=False)
        assert contents(path) == original
        assert specs.read_spec(spec.directory) == spec


def with_value(fields: dict, key: str, value) -> dict:
    first, _, rest = key.partition(".")
    return {**fields, first: with_value(fields[first], rest, value) if rest else value}
