"""--help, --helpfull, --version and flags that do not exist, of every command."""

import json
import subprocess
import sys

import pytest

from common import option_fields
from tests.support import command_calls
from tests.support.command_runs import ROOT

COMMANDS = ("train", "eval", "vis", "export_model", "infer", "build_tfrecords")

ANSWER = """
import sys
sys.argv = json_argv
from commands import launcher
try:
    launcher.run(sys.argv[0].removesuffix(".py"))
finally:
    heavy = {"tensorflow", "numpy", "cv2", "PIL", "tf_slim"} & set(sys.modules)
    assert not heavy, heavy
"""


@pytest.fixture
def answer(tmp_path):
    """Runs a command that ends before it imports anything heavy, or fails.

    In an empty folder: what lies in one may say which task a command is of.
    """

    def answer(name: str, *arguments: str, cwd=tmp_path) -> subprocess.CompletedProcess:
        script = ANSWER.replace("json_argv", json.dumps([f"{name}.py", *arguments]))
        return subprocess.run(
            [sys.executable, "-c", script],
            cwd=cwd,
            env={"PYTHONPATH": str(ROOT), "COLUMNS": "80", "GLIBC_TUNABLES": ""},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return answer


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_what_matters_in_groups(answer, name):
    page = answer(name, "--help")
    lines = page.stdout.splitlines()
    assert (page.returncode, page.stderr) == (0, "")
    assert len(lines) <= 60
    assert 9 <= sum(line.startswith("  --") for line in lines) <= 20
    titles = [line[:-1] for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert titles == [group for group in option_fields.GROUPS if group in titles]


@pytest.mark.parametrize("name", COMMANDS)
def test_helpfull_shows_every_flag_once_and_no_other_librarys(answer, name):
    page = answer(name, "--helpfull").stdout
    shown = [
        line.split("=")[0].split(" ")[2].removeprefix("--").removeprefix("[no]")
        for line in page.splitlines()
        if line.startswith("  --")
    ]
    assert sorted(shown) == sorted([*command_calls.command_flags(name), "traceback"])
    assert "tt_check_filter" not in page


def test_version_names_the_versions(answer):
    line = answer("train", "--version").stdout
    assert line.startswith("DeepLabV3+ ")
    assert "TensorFlow 2." in line


@pytest.mark.parametrize(
    ("name", "flag", "words"),
    [
        ("train", "--learning_rate=1", "--base_learning_rate=FLOAT: Learning rate at the start"),
        ("train", "--lr=1", "--base_learning_rate"),
        ("train", "--batch_size=4", "--train_batch_size=INT: Global batch size: images in a step"),
        ("train", "--steps=9", "--training_number_of_steps=INT: Total training steps"),
        ("train", "--gpus=4", "--num_clones=INT: Model replicas in this process, one per GPU"),
        ("train", "--classes=4", "the number of classes is the dataset's"),
        ("train", "--num_classes=4", "the number of classes is the dataset's"),
        ("train", "--backbone=x", "--model_variant"),
        ("train", "--crop_size=3", "--train_crop_size=INT,…: height,width"),
        ("train", "--nofreeze_bn", "--[no]fine_tune_batch_norm"),
        ("train", "--deocder_output_stride=4", "Did you mean --decoder_output_stride"),
        ("eval", "--batch_size=4", "--eval_batch_size"),
        ("eval", "--split=test", "--eval_split"),
        ("export_model", "--output=x", "--export_path"),
        ("infer", "--checkpoint=x", "--model"),
    ],
)
def test_a_flag_of_another_program_leads_to_ours(answer, name, flag, words):
    result = answer(name, flag)
    first = result.stderr.splitlines()[0]
    assert (result.returncode, result.stdout) == (2, "")
    assert first.startswith(f"error: there is no flag {flag.split('=')[0]}")
    assert words in first


def test_epochs_are_answered_in_steps_of_the_dataset(answer, tmp_path):
    folder = tmp_path / "data" / "tfrecords" / "mine"
    folder.mkdir(parents=True)
    spec = {"name": "mine", "splits": {"train": {"num_examples": 367}}}
    (folder / "dataset.json").write_text(json.dumps(spec))

    told = answer("train", "--train_batch_size=16", "--epochs=10", cwd=tmp_path).stderr
    assert "an epoch of dataset mine (367 images) is 23 steps of 16 images" in told
    assert "so 10 epochs are --training_number_of_steps=230" in told
    spaced = answer("train", "--epochs", "2", cwd=tmp_path).stderr
    assert "is 46 steps of 8 images, so 2 epochs are --training_number_of_steps=92" in spaced
    (tmp_path / "x.flags").write_text("--train_batch_size=4\n")
    recipe = answer("train", "--flagfile=x.flags", "--epochs=1", cwd=tmp_path).stderr
    assert "is 92 steps of 4 images, so 1 epoch is --training_number_of_steps=92" in recipe
    # 11.47 steps: as many as training takes for an epoch.
    rounded = answer("train", "--train_batch_size=32", "--epochs=1", cwd=tmp_path).stderr
    assert "is 11 steps of 32 images, so 1 epoch is --training_number_of_steps=11" in rounded
    joined = ("--train_batch_size=16", "--num_replicas=2")
    assert "is 11 steps of 32 images" in answer("train", *joined, "--epochs=1", cwd=tmp_path).stderr
    unknown = answer("train", "--epochs=10", cwd=tmp_path / "data").stderr
    assert "the number of images / train_batch_size (8) steps" in unknown


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--train_batch_size=four", "flag --train_batch_size=four: expected a whole number"),
        ("--momentum=much", "flag --momentum=much: expected a number"),
        ("--optimizer=lion", "flag --optimizer=lion: expected momentum|adam|sgd|rmsprop"),
        ("--nccl=maybe", "flag --nccl=maybe: expected true or false"),
    ],
)
def test_a_value_that_a_flag_does_not_take_is_told_with_what_it_takes(answer, flag, words):
    result = answer("train", flag)
    assert result.returncode == 2
    assert result.stderr.splitlines()[0] == f"error: {words}"


def test_a_task_may_be_given_and_a_number_is_a_worker(answer):
    assert "--train_crop_size" in answer("train", "--task=deeplab", "--help").stdout
    assert "--train_crop_size" in answer("train", "--task", "deeplab", "--help").stdout
    assert "--train_crop_size" in answer("train", "--task=1", "--help").stdout


def test_a_task_that_does_not_exist_is_refused(answer):
    result = answer("train", "--task=painting")
    assert result.returncode == 2
    assert (
        result.stderr
        == "error: --task is 'painting'; expected one of deeplab, classification, captioning.\n"
    )
