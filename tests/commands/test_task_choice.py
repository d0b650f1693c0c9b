"""Which task a command line is about."""

import json
import os

import pytest

from commands import task_choice


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(path: str, seconds: int = 0, **content) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(content, file)
    os.utime(path, (seconds, seconds))


def take(name: str, *arguments: str) -> tuple[str, list[str]]:
    argv = ["x.py", *arguments]
    return task_choice.take(name, argv), argv[1:]


@pytest.mark.parametrize("spelling", [["--task=classification"], ["--task", "classification"]])
def test_the_flag_decides_and_is_taken_from_the_command_line(spelling):
    write("data/tfrecords/a/dataset.json", task="segmentation")
    assert take("train", "--lr=1", *spelling, "--x") == ("classification", ["--lr=1", "--x"])


def test_a_number_is_that_of_a_worker():
    assert take("train", "--task=1") == ("deeplab", ["--task=1"])


def test_after_two_dashes_there_are_names_of_files():
    assert take("infer", "--", "--task=classification") == (
        "deeplab",
        ["--", "--task=classification"],
    )


def test_an_unknown_task_is_a_wrong_flag(capsys):
    with pytest.raises(SystemExit) as ended:
        take("train", "--task=poetry")
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "error: --task is 'poetry'; expected one of deeplab, classification, captioning.\n"
    )


def test_a_flag_file_may_say_it(tmp_path):
    recipe = tmp_path / "x.flags"
    recipe.write_text("# a recipe\n--task=classification\n--train_batch_size=4\n")
    argument = f"--flagfile={recipe}"
    assert take("train", argument) == ("classification", [argument])


@pytest.mark.parametrize(
    ("arguments", "task"),
    [
        ([], "classification"),
        (["--dataset_dir=data/tfrecords/roads"], "deeplab"),
        (["--dataset=roads"], "deeplab"),
        (["--dataset_dir", "data/tfrecords/birds/"], "classification"),
        (["--train_logdir=runs/roads"], "deeplab"),
        (["--train_logdir=runs/new"], "classification"),
        (["--train_logdir=runs/new", "--dataset=roads"], "deeplab"),
        (["--input_file_pattern=x/train-?????-of-00256"], "captioning"),
    ],
)
def test_training_is_about_its_run_or_else_its_dataset(arguments, task):
    write("data/tfrecords/birds/dataset.json", seconds=2, task="classification")
    write("data/tfrecords/roads/dataset.json", seconds=1)
    write("runs/roads/options.json")
    assert take("train", *arguments)[0] == task


@pytest.mark.parametrize(
    ("arguments", "task"),
    [
        ([], "classification"),
        (["--checkpoint_dir=runs/roads"], "deeplab"),
        (["--checkpoint_path=runs/roads/model.ckpt-5"], "deeplab"),
        (["--checkpoint_path=runs/birds/best"], "classification"),
        (["--checkpoint_path=best"], "classification"),
        (["--checkpoint_path=best", "--checkpoint_dir=runs/roads"], "deeplab"),
        (["--checkpoint_path=elsewhere/model.ckpt"], "deeplab"),
    ],
)
def test_evaluation_and_export_are_about_a_run(arguments, task):
    write("runs/roads/options.json", seconds=10)
    write("runs/roads/model.ckpt-5.index", seconds=20)
    write("runs/birds/options.json", seconds=5, task="classification")
    write("runs/birds/model.ckpt-9.index", seconds=30)
    write("runs/birds/best/options.json", seconds=5, task="classification")
    for folder, newest in (("roads", 20), ("birds", 30)):
        os.utime(f"runs/{folder}", (newest, newest))
    for command in ("eval", "export_model"):
        if arguments == ["--checkpoint_path=elsewhere/model.ckpt"]:
            continue
        assert take(command, *arguments)[0] == task


def test_inference_is_about_the_export():
    for run, seconds, task in (("roads", 1, None), ("birds", 2, "classification")):
        path = f"runs/{run}/export/frozen_inference_graph.pb"
        write(path, seconds=seconds)
        write(f"runs/{run}/export/inference_graph.json", **({"task": task} if task else {}))
    assert take("infer", "photo.jpg")[0] == "classification"
    assert take("infer", "photo.jpg", "--model=runs/roads/export")[0] == "deeplab"
    assert take("infer", "--model", "runs/birds")[0] == "classification"
    assert take("infer", "--model=runs/roads/export/frozen_inference_graph.pb")[0] == "deeplab"
    assert take("infer", "--model=missing.pb")[0] == "deeplab"


def test_a_build_is_about_its_source():
    assert take("build_tfrecords", "--dataset=class_folders")[0] == "classification"
    assert take("build_tfrecords", "--dataset=camvid")[0] == "deeplab"
    assert take("build_tfrecords", "--train_image_dir=coco/train2014")[0] == "captioning"
    assert take("build_tfrecords")[0] == "deeplab"


def test_a_part_of_a_sources_name_is_understood(capsys):
    with pytest.raises(SystemExit):
        take("build_tfrecords", "--dataset=coc")
    assert "Did you mean coco_json or coco_panoptic or coco_stuff or" in capsys.readouterr().err


def test_records_of_another_program_are_about_their_description_or_their_words():
    write("birds/dataset.json", task="classification")
    os.makedirs("im2txt")
    assert take("describe_tfrecords", "--tfrecords=birds")[0] == "classification"
    assert take("describe_tfrecords", "--tfrecords=im2txt")[0] == "deeplab"
    write("im2txt/word_counts.txt")
    assert take("describe_tfrecords", "--tfrecords=im2txt")[0] == "captioning"
    assert take("describe_tfrecords", "--tfrecords=im2txt", "--task=deeplab")[0] == "deeplab"
    write("im2txt/dataset.json", task="captioning")
    assert take("describe_tfrecords", "--tfrecords", "im2txt/")[0] == "captioning"
    assert take("describe_tfrecords")[0] == "deeplab"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"task": 3}'])
def test_damaged_files_decide_nothing(content):
    os.makedirs("runs/a")
    with open("runs/a/options.json", "w", encoding="utf-8") as file:
        file.write(content)
    assert take("eval")[0] == "deeplab"


@pytest.mark.parametrize("command", ["eval", "vis", "export_model"])
def test_published_weights_have_a_task_whatever_was_trained_last(command):
    write("runs/a/options.json", task="captioning")
    names = {"xception65_coco_voc_trainaug": "deeplab", "vgg_16_2016_08_28": "classification"}
    for name, task in names.items():
        assert take(command, f"--checkpoint_path={name}")[0] == task
    assert take(command, "--checkpoint_path=xception_65_imagenet")[0] == "captioning"
    os.makedirs("vgg_16_2016_08_28")  # A path wins over the name.
    assert take(command, "--checkpoint_path=vgg_16_2016_08_28")[0] == "captioning"
