"""Describing images from records to scores, by the command that users type."""

import json
import pathlib
import re
import shutil

import pytest
import tensorflow.compat.v1 as tf

from captioning import run_description
from captioning.evaluation.evaluator import Evaluator
from tests.support import captioned_images, command_runs

SMALL = (
    "--model_variant=mobilenet_v3_small_seg",
    "--depth_multiplier=0.25",
    "--image_size=64",
    "--train_batch_size=12",
    "--norandom_crop",
    "--norandom_flip",
    "--nocolor_distortion",
    "--captions_per_image=2",
    "--keep_prob=1",
    "--num_units=32",
    "--embedding_size=16",
    "--train_encoder",
    "--adam_learning_rate=0.002",
    "--seed=3",
)


# The slow one tells no more about the commands; its network and its graph have tests of their own.
DECODERS = (pytest.param("show_and_tell", marks=pytest.mark.slow), "attention")


@pytest.fixture(scope="module", params=DECODERS)
def folder(request, tmp_path_factory) -> pathlib.Path:
    """A folder with a dataset, and a training run of 300 steps on it."""
    folder = tmp_path_factory.mktemp(request.param)
    captioned_images.write_squares(folder / "data" / "tfrecords" / "squares", train=10, val=2)
    result = command_runs.run(
        "train.py",
        *SMALL,
        f"--decoder={request.param}",
        "--training_number_of_steps=300",
        "--validate_every=150",
        "--num_clones=2",
        cwd=folder,
    )
    assert result.returncode == 0, result.stderr
    (folder / "output").write_text(result.stdout)
    return folder


def test_it_learns_to_name_what_is_there_keeps_the_best_and_describes_itself(folder):
    run = folder / "runs" / "squares"
    output = (folder / "output").read_text()
    assert "60 records with 120 captions in split train; an epoch is 5 steps" in output
    history = json.loads((run / "validation.json").read_text())
    assert [score["step"] for score in history["scores"]] == [150, 300]
    description = run_description.read_description(str(run / "best"))
    assert description == run_description.read_description(str(run))
    assert description.model.num_words == len(description.words) == 16
    assert description.dataset_origin.records_dir == str(folder / "data" / "tfrecords" / "squares")
    assert description.dataset_origin.num_examples == 60
    spec = captioned_images.read(folder / "data" / "tfrecords" / "squares")
    evaluator = Evaluator(spec, "train", description)
    evaluator.restore(str(run / "model.ckpt-300"))
    found = []
    scores = evaluator.score(found.append).scores
    evaluator.close()
    colors = [
        any(
            color in each.caption and color in each.references[0]
            for color in captioned_images.COLORS
        )
        for each in found
    ]
    assert len(colors) == 60
    # Of three colors; the LSTM that sees the image once tells two of them apart in so few steps.
    assert sum(colors) >= (36 if description.model.decoder == "show_and_tell" else 54), scores
    assert scores.perplexity < 2.0


def test_eval_finds_the_task_and_scores_as_validation_did(folder):
    result = command_runs.run("eval.py", "--checkpoint_path=best", "--save_captions", cwd=folder)
    assert result.returncode == 0, result.stderr
    run = folder / "runs" / "squares"
    record = json.loads((run / "best_checkpoint").read_text())
    step = record["step"]
    scores = json.loads((run / "eval" / f"eval-{step}.json").read_text())
    assert scores["cider"] == pytest.approx(record["cider"])
    assert (scores["num_images"], scores["num_captions"], scores["meteor"]) == (12, 24, None)
    assert "the best so far: cider" in result.stdout
    assert "(METEOR: not computed)" in result.stdout
    captions = json.loads((run / "eval" / f"captions-{step}.json").read_text())
    assert {each["image_id"] for each in captions} == set(range(1000, 1012))
    result = command_runs.run(
        "eval.py", "--checkpoint_path=best", "--eval_split=train", "--beam_size=1", cwd=folder
    )
    assert result.returncode == 0, result.stderr
    scores = json.loads((run / "eval_train" / f"eval-{step}.json").read_text())
    assert (scores["num_images"], scores["options"]["search"]["beam_size"]) == (60, 1)


def test_another_vocabulary_is_refused_with_both_sizes(folder, tmp_path):
    spec = captioned_images.write_squares(tmp_path / "few", min_count=5, train=1, val=1)
    assert len(spec.words) != 16
    result = command_runs.run(
        "train.py",
        *SMALL[:2],
        f"--dataset_dir={tmp_path / 'few'}",
        "--train_logdir=runs/squares",
        "--task=captioning",
        cwd=folder,
    )
    assert result.returncode == 1
    assert "runs/squares has a vocabulary of 16 words, and dataset squares" in result.stderr
    assert f"another one, of {len(spec.words)}" in result.stderr


def test_a_start_with_other_words_is_refused_though_its_shapes_fit(folder, tmp_path):
    dataset = tmp_path / "swapped"
    shutil.copytree(folder / "data" / "tfrecords" / "squares", dataset)
    described = json.loads((dataset / "dataset.json").read_text())
    described["words"][3], described["words"][4] = described["words"][4], described["words"][3]
    (dataset / "dataset.json").write_text(json.dumps(described))
    common = [*SMALL, "--task=captioning", f"--dataset_dir={dataset}", "--validate_every=0"]
    common += ["--training_number_of_steps=1", "--decoder=attention"]
    start = f"--tf_initial_checkpoint={folder}/runs/squares/best"
    warm, going_on, excluded, idle = command_runs.run_series(
        "train",
        [
            [*common, start],
            [*common, f"--continue_checkpoint={folder}/runs/squares/best"],
            [*common, start, "--checkpoint_exclude_scopes=decoder/embedding,decoder/fc2"],
            [
                *(each for each in common if each != "--decoder=attention"),
                "--attention_penalty=1",
                "--train_logdir=runs/idle",
            ],
        ],
        cwd=tmp_path,
    )
    for result in (warm, going_on):
        assert result.returncode == 1
        assert "has a vocabulary of 16 words, and dataset squares another" in result.stderr
        assert "one, of 16 (word 3 is" in result.stderr
        assert "give --checkpoint_exclude_scopes=decoder/embedding,decoder/fc2." in result.stderr
    assert excluded.returncode == 0, excluded.stderr
    assert "error: --attention_penalty belongs to --decoder=attention; or omit it." in idle.stderr


def test_flags_of_im2txt_are_known_or_explained(folder):
    result = command_runs.run("train.py", "--input_file_pattern=x/train-*", cwd=folder)
    assert result.returncode == 1
    assert "there is no dataset in x: build it with `make tfrecords DATASET=coco" in result.stderr
    pattern = "--input_file_pattern=data/tfrecords/squares/val-?????-of-00001"
    result = command_runs.run("eval.py", pattern, "--checkpoint_path=best", cwd=folder)
    assert result.returncode == 0, result.stderr
    for flag, message in (
        ("num_eval_examples", "all examples of the split are scored"),
        ("min_global_step", "every checkpoint is scored"),
    ):
        result = command_runs.run("eval.py", "--task=captioning", f"--{flag}=1", cwd=folder)
        assert result.returncode == 2
        assert message in result.stderr
    result = command_runs.run("train.py", "--task=captioning", "--helpfull", cwd=folder)
    for name in ("train_inception", "inception_checkpoint_file", "train_dir", "number_of_steps"):
        assert name in result.stdout


@pytest.mark.slow
def test_self_critical_training_starts_from_a_trained_network_with_its_options(folder, tmp_path):
    dataset = f"--dataset_dir={folder / 'data' / 'tfrecords' / 'squares'}"
    start = f"--tf_initial_checkpoint={folder / 'runs' / 'squares' / 'model.ckpt-150'}"
    common = ("--task=captioning", "--objective=self_critical", dataset)
    result = command_runs.run(
        "train.py",
        *common,
        start,
        "--train_batch_size=12",
        "--training_number_of_steps=12",
        "--save_summaries_secs=0",
        "--num_clones=2",
        "--seed=3",
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert "adam_learning_rate=5e-05" in result.stdout
    assert "keep_prob=1.0" in result.stdout
    assert "0 of the checkpoint's unused" in result.stdout
    run = tmp_path / "runs" / "squares_self_critical"
    before = run_description.read_description(str(folder / "runs" / "squares"))
    assert run_description.read_description(str(run)) == before
    history = json.loads((run / "validation.json").read_text())
    assert [score["step"] for score in history["scores"]] == [5, 10, 12]


def test_self_critical_training_is_refused_where_nothing_is_trained(folder, tmp_path):
    dataset = f"--dataset_dir={folder / 'data' / 'tfrecords' / 'squares'}"
    common = ("--task=captioning", "--objective=self_critical", dataset)
    result = command_runs.run("train.py", *common, cwd=tmp_path)
    assert result.returncode == 1
    assert "give --tf_initial_checkpoint" in result.stderr
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("MobilenetV2/Conv/weights", [3, 3, 3, 8])
        session.run(tf.global_variables_initializer())
        tf.train.Saver().save(session, str(tmp_path / "classifier" / "model.ckpt"))
    result = command_runs.run(
        "train.py", *common, "--tf_initial_checkpoint=classifier", cwd=tmp_path
    )
    assert result.returncode == 1
    assert "classifier/model.ckpt has no decoder: train one from it" in result.stderr


def test_kept_features_serve_the_training_its_continuation_and_its_export(folder, tmp_path):
    dataset = f"--dataset_dir={folder / 'data' / 'tfrecords' / 'squares'}"
    start = f"--tf_initial_checkpoint={folder / 'runs' / 'squares' / 'model.ckpt-150'}"
    small = [
        flag for flag in SMALL if not flag.startswith(("--norandom", "--nocolor", "--train_e"))
    ]
    common = ["--task=captioning", dataset, start, *small, "--cache_features", "--validate_every=0"]
    first, second, trained, varied, scratch = command_runs.run_series(
        "train",
        [
            [*common, "--training_number_of_steps=4"],
            [*common, "--training_number_of_steps=8"],
            [*common, "--train_encoder"],
            [*common, "--random_flip"],
            [*(flag for flag in common if flag != start), "--train_logdir=runs/none"],
        ],
        cwd=tmp_path,
    )
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert "computing features of 60 images, " in first.stdout
    assert "computing" not in second.stdout
    assert "features of train: " in second.stdout
    assert "resuming from runs/squares/model.ckpt-4" in second.stdout
    names = {name for name, _ in tf.train.list_variables(str(tmp_path / "runs" / "squares"))}
    assert any(name.startswith("MobilenetV3/") for name in names)
    for result, message in (
        (trained, "cache_features keeps what an encoder says of images, and train_encoder"),
        (varied, "and random_flip varies them: omit one of them."),
        (scratch, "the encoder would stay as chance has made it: give --tf_initial_checkpoint"),
    ):
        assert result.returncode == 1
        assert message in result.stderr


@pytest.mark.slow
def test_adam_has_a_schedule_where_a_rate_for_it_is_given(folder, tmp_path):
    """The rate of each step is printed."""

    def words(name, *arguments):
        return [
            *(each for each in SMALL if "learning_rate" not in each),
            *arguments,
            f"--dataset_dir={folder}/data/tfrecords/squares",
            f"--train_logdir={tmp_path}/{name}",
            "--decoder=attention",
            "--training_number_of_steps=4",
            "--log_steps=1",
            "--validate_every=0",
            "--task=captioning",
        ]

    results = command_runs.run_series(
        "train", [words("constant"), words("falling", "--base_learning_rate=0.004")], cwd=tmp_path
    )
    rates = []
    for result in results:
        assert result.returncode == 0, result.stderr
        found = re.findall(r"learning rate (\S+)", result.stdout)
        rates.append([float(each) for each in found])
    constant, falling = rates
    assert constant == [0.001] * 4
    assert falling == pytest.approx([0.004, 0.00341, 0.002, 0.000586], rel=0.01)
