"""Checkpoints of other programs, which flags describe instead of options.json."""

import json

import pytest

from common.run_options import OPTIONS_FILE
from tests.support import command_runs, labeled_images, tiny_classifier

FLAGS = ("--task=classification", "--model_variant=xception_tiny", "--preprocessing=inception")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a checkpoint of three classes without options.json, and such a dataset."""
    folder = tmp_path_factory.mktemp("checkout")
    tiny_classifier.save(folder / "published")
    (folder / "published" / OPTIONS_FILE).unlink()
    labeled_images.write(str(folder / "data" / "tfrecords" / "squares"), train=2, val=8)
    (folder / "names.txt").write_text("first\ncat\ndog\nowl\n")
    return folder


def _run(script: str, folder, *arguments: str):
    path = f"--checkpoint_path=published/model.ckpt-{tiny_classifier.STEP}"
    return command_runs.run(script, path, "--eval_image_size=32", *arguments, cwd=folder)


def test_it_is_exported_with_the_names_of_a_file(folder):
    result = _run(
        "export_model.py",
        folder,
        *FLAGS,
        "--labels_offset=1",
        "--class_names_file=names.txt",
        "--export_path=out/x.pb",
    )
    assert result.returncode == 0, result.stderr
    told = json.loads((folder / "out" / "x.json").read_text())
    assert told["class_names"] == ["cat", "dog", "owl"]
    assert (told["num_classes"], told["model"]["model_variant"]) == (3, "xception_tiny")
    assert told["view"] == {"image_size": 32, "preprocessing": "inception", "labels_offset": 1}


def test_it_is_scored_on_a_dataset_of_as_many_classes(folder):
    result = _run("eval.py", folder, *FLAGS, "--eval_logdir=scores")
    assert result.returncode == 0, result.stderr
    told = json.loads((folder / "scores" / f"eval-{tiny_classifier.STEP}.json").read_text())
    assert told["num_images"] == 24
    assert not (folder / "published" / "best").exists()


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("export_model.py", [FLAGS[0], "--export_path=x.pb"], "describe the network with --model_"),
        ("export_model.py", FLAGS, "not the folder of a training run"),
        (
            "export_model.py",
            [FLAGS[0], "--model_variant=vgg_16", "--export_path=x.pb"],
            "has no logits of a vgg_16",
        ),
        (
            "export_model.py",
            [*FLAGS, "--export_path=x.pb", "--class_names_file=names.txt"],
            "names.txt has 4 names; expected one a line for each of the 3 classes",
        ),
        ("eval.py", [*FLAGS, "--labels_offset=1"], "3 classes, but dataset 'squares' in"),
    ],
)
def test_wrong_descriptions_are_one_line(folder, script, arguments, message):
    result = _run(script, folder, *arguments)
    assert result.returncode == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
