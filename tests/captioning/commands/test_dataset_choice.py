"""Which dataset and split a command of captioning reads: research/im2txt's pattern of files."""

import pytest

from captioning.commands import dataset_choice, train_flags
from commands.flags import Flags
from tests.support import captioned_images


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    captioned_images.write_squares(folder / "im2txt", train=1, val=1, test=1)
    return folder


def choose(folder, *arguments: str) -> tuple[str, str]:
    """Returns split and folder of what is read."""
    flags = Flags(train_flags.COMMAND.options)
    flags.parse(["command", *(each.replace("DIR", str(folder)) for each in arguments)])
    split = dataset_choice.find_split(flags, "train_split")
    return split, dataset_choice.read_dataset(flags).directory


@pytest.mark.parametrize(
    ("pattern", "split"),
    [
        ("DIR/im2txt/train-?????-of-00001", "train"),
        ("DIR/im2txt/val-*", "val"),
        ("DIR/im2txt/test-00000-of-00001", "test"),
    ],
)
def test_a_pattern_names_folder_and_split(folder, pattern, split):
    assert choose(folder, f"--input_file_pattern={pattern}") == (split, str(folder / "im2txt"))


def test_without_a_pattern_flags_do(folder):
    arguments = ("--dataset_dir=DIR/im2txt", "--train_split=val")
    assert choose(folder, *arguments) == ("val", str(folder / "im2txt"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["DIR/im2txt/*-of-00001"],
            r"matches the splits train and val and test of the dataset in ",
        ),
        (["DIR/im2txt/train-?????-of-00256"], "matches no shards of the dataset in .* has the spl"),
        (["DIR/x,DIR/im2txt/y"], "names 2 folders; expected one, with its dataset.json"),
        (["DIR/im2txt/train-*", "--train_split=val"], "says what --train_split says; give one"),
        (["DIR/im2txt/train-*", "--dataset_dir=x"], "says what --dataset_dir says; give one"),
        (["DIR/train-*"], r"describe_tfrecords --task=captioning --tfrecords=.*records"),
        (["DIR/missing/train-*"], "there is no dataset in .*/missing"),
    ],
)
def test_patterns_that_do_not_work_are_explained(folder, arguments, message):
    with pytest.raises(ValueError, match=message):
        choose(folder, f"--input_file_pattern={arguments[0]}", *arguments[1:])


def test_a_part_of_the_shards_is_refused(tmp_path):
    spec = captioned_images.write_squares(tmp_path / "squares", train=1)
    (path,) = spec.shard_paths("train")
    content = (tmp_path / "squares" / "dataset.json").read_text()
    (tmp_path / "squares" / "dataset.json").write_text(
        content.replace('"num_shards": 1', '"num_shards": 2')
        .replace('"shard_examples": [', '"shard_examples": [0, ')
        .replace('"shard_bytes": [', '"shard_bytes": [0, ')
    )
    for index in range(2):
        name = f"train-0000{index}-of-00002"
        (tmp_path / "squares" / name).write_bytes(open(path, "rb").read())  # noqa: SIM115
    with pytest.raises(ValueError, match="matches 1 of the 2 shards of split 'train'; give --data"):
        choose(tmp_path, "--input_file_pattern=DIR/squares/train-00000-of-?????")
