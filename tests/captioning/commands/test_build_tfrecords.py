"""The command that builds records of captions: what it writes and prints, and its errors."""

import functools
import json
import shutil

import pytest
import tensorflow.compat.v1 as tf

from captioning.commands import build_tfrecords_flags
from commands import execution
from commands.flags import Flags
from datasets.captioning import record_format, specs, vocabulary
from datasets.captioning.sources import caption_demo
from tests.support import dataset_batches
from tests.support.captioned_images import save_image, write_json


def build(*arguments: str) -> int | None:
    command = build_tfrecords_flags.COMMAND
    flags = Flags(command.options, command.computed_defaults)
    flags.parse(["command", *arguments])
    return execution.load(command)(flags, [])


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for split, names in (("train", "abcdef"), ("val", "gh")):
        write_json(tmp_path / f"mine/captions_{split}.json", [f"{name}.jpg" for name in names])
    for seed, name in enumerate("abcdefgh"):
        save_image(tmp_path / f"mine/images/{name}.jpg", seed)
    return tmp_path / "mine"


def records(path: str) -> list[dict]:
    return dataset_batches.read(tf.data.TFRecordDataset(path).map(record_format.parse_example))


def test_records_of_another_folder_of_the_same_name_are_not_replaced(mine, tmp_path):
    assert build("--data_dir=mine") == 0
    shutil.copytree(mine, tmp_path / "x" / "mine")
    with pytest.raises(FileExistsError, match=f"'mine' of {mine}, and this is .*/x/mine: "):
        build("--data_dir=x/mine")


def test_images_become_records_with_all_their_captions(mine, capfd):
    assert build("--data_dir=mine", "--num_shards=2") == 0
    output = capfd.readouterr().out
    spec = specs.read_spec(specs.find_last_dataset())
    assert spec.directory == "data/tfrecords/mine"
    assert f"mine: a vocabulary of {len(spec.words)} words in data/tfrecords/mine/word_" in output
    assert vocabulary.read_word_counts("data/tfrecords/mine/word_counts.txt") == spec.vocabulary
    train = spec.split("train")
    assert (train.num_examples, train.num_captions, train.longest) == (6, 12, 6)
    assert train.num_words == 12 * 5
    assert [path.rsplit("/", 1)[1] for path in spec.shard_paths("train")] == [
        "train-00000-of-00002",
        "train-00001-of-00002",
    ]
    found = [each for path in spec.shard_paths("train") for each in records(path)]
    assert sorted(each["image_name"] for each in found) == [b"%c.jpg" % each for each in b"abcdef"]
    one = next(each for each in found if each["image_name"] == b"b.jpg")
    assert one["captions"].tolist()[1] == [b"<S>", b"a", b"b.jpg", b"1", b".", b"</S>"]
    assert one["encoded"] == (mine / "images/b.jpg").read_bytes()
    assert build("--data_dir=mine", "--num_shards=2") == 0
    assert "4 of 4 shards are there already and unchanged" in capfd.readouterr().err


def test_captions_become_records_in_im2txts_form(mine):
    assert build("--data_dir=mine", "--one_record_per_caption") == 0
    spec = specs.read_spec("data/tfrecords/mine")
    assert spec.split("train").num_examples == 12
    found = records(spec.shard_paths("train")[0])
    assert {each["ids"].shape[0] for each in found} == {1}
    assert len({each["image_name"] for each in found}) == 12
    (mine / "images/a.jpg").write_bytes(b"no image")
    assert build("--data_dir=mine", "--one_record_per_caption", "--on_error=skip") == 0
    assert specs.read_spec("data/tfrecords/mine").split("train").num_examples == 10


def test_the_vocabulary_of_another_dataset_is_taken(mine):
    assert build("--data_dir=mine", "--min_word_count=1") == 0
    words = specs.read_spec("data/tfrecords/mine").words
    path = "data/tfrecords/mine/word_counts.txt"
    assert build("--data_dir=mine", "--output_dir=new", f"--word_counts_file={path}") == 0
    assert specs.read_spec("new").words == words


def test_files_of_im2txt_are_not_overwritten(mine, tmp_path):
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "word_counts.txt"
    path.write_text("a 3\n<S> 2\n</S> 2\n")
    with pytest.raises(FileExistsError, match="no build has written there, such as word_counts"):
        build("--data_dir=mine", "--output_dir=out")
    assert path.read_text().startswith("a 3")
    path.unlink()
    assert build("--data_dir=mine", "--output_dir=out") == 0
    assert build("--data_dir=mine", "--output_dir=out", "--min_word_count=1") == 0
    (tmp_path / "out" / "train-00000-of-00256").write_text("im2txt's")
    with pytest.raises(FileExistsError, match="written there, such as train-00000-of-00256"):
        build("--data_dir=mine", "--output_dir=out")


def test_an_image_in_two_splits_and_files_that_are_missing_are_errors(mine, capfd):
    write_json(mine / "captions_val.json", ["a.jpg", "g.jpg", "x.jpg"])
    (mine / "images/c.jpg").write_bytes(b"no image")
    with pytest.raises(ValueError, match="the check found 4 errors"):
        build("--data_dir=mine")
    output = capfd.readouterr().out
    assert output.count("is in train and val. Remove it from all but one.") == 2
    assert "x.jpg: there is no such file" in output
    assert "c.jpg" in output
    assert build("--data_dir=mine", "--check_only") == 1
    assert build("--data_dir=mine", "--on_error=skip") == 0
    spec = specs.read_spec("data/tfrecords/mine")
    assert {name: split.num_examples for name, split in spec.splits.items()} == {
        "train": 4,
        "val": 1,
    }


def test_a_folder_has_to_be_given():
    with pytest.raises(ValueError, match="needs --data_dir, the folder of images and captions"):
        build("--dataset=coco_captions")


def test_without_a_folder_it_is_the_demo(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert caption_demo.DEFAULT_FOLDER == "data/caption_demo"
    drawing = functools.partial(caption_demo.open_source, num_train=6, num_val=2)
    monkeypatch.setattr(caption_demo, "open_source", drawing)
    assert build() == 0
    assert "No --data_dir is given, so this is the demo" in capfd.readouterr().err
    spec = specs.read_spec("data/tfrecords/caption_demo")
    assert (spec.name, spec.split("val").num_captions) == ("caption_demo", 10)


def test_a_description_that_was_edited_is_refused(mine):
    build("--data_dir=mine")
    path = "data/tfrecords/mine/dataset.json"
    content = json.loads(open(path).read())  # noqa: SIM115
    for change, message in (
        ({"splitting": "poetry"}, "splitting is 'poetry'; expected one of im2txt, tutorial"),
        ({"words": ["a", "<S>"]}, "the vocabulary of 2 words has no </S>"),
        ({"task": "segmentation"}, "describes a dataset for segmentation, not for captioning"),
    ):
        with open(path, "w") as file:
            json.dump({**content, **change}, file)
        with pytest.raises(ValueError, match=message):
            specs.read_spec("data/tfrecords/mine")


def test_flags_of_im2txt_that_mean_the_same_work(mine):
    assert (
        build(
            "--data_dir=mine",
            "--output_dir=out",
            "--min_word_count=2",
            "--num_threads=1",
            "--start_word=<S>",
            "--end_word=</S>",
            "--unknown_word=<UNK>",
        )
        == 0
    )
    assert specs.read_spec("out").split("train").num_examples == 6
