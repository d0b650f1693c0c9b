"""Scoring of checkpoints: values, the command, and what goes wrong with them."""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets.records import tfrecords
from datasets.segmentation import laplacian, specs
from deeplab import run_description
from deeplab.evaluation import evaluator, metrics
from deeplab.evaluation.details import Details
from deeplab.evaluation.evaluator import Evaluation, Evaluator
from deeplab.network import model
from deeplab.options import InputOptions, ModelOptions
from tests.deeplab.evaluation.test_score_report import read_summaries
from tests.support import command_runs, sessions, tiny_dataset
from training import ema

ROOT = pathlib.Path(__file__).resolve().parents[3]
NETWORK = ModelOptions(
    num_classes=3,
    model_variant="xception_tiny",
    atrous_rates=(6, 12),
    decoder_output_stride=(4,),
    decoder_use_gradient=True,
    aspp_convs_filters=16,
    decoder_filters=16,
)
CROP = InputOptions(crop_size=(33, 49))


def images_of(*sizes):
    return [
        (f"image{index}", *tiny_dataset.random_image(index, *size))
        for index, size in enumerate(sizes)
    ]


def save_network(directory, network=NETWORK, step=7):
    """Saves a network with random weights and returns the checkpoint."""
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        tf.set_random_seed(3)
        zeros = {"image": tf.zeros([1, 33, 33, 3]), "laplacian": tf.zeros([1, 33, 33, 1])}
        model.predict(zeros, network)
        tf.train.create_global_step()
        session.run(tf.global_variables_initializer())
        (logits,) = [v for v in tf.global_variables() if v.op.name == "logits/semantic/weights"]
        # Wide enough that no class wins everywhere.
        logits.load(np.random.RandomState(0).normal(0, 1, logits.shape.as_list()), session)
        tf.train.get_global_step().load(step, session)
        return tf.train.Saver().save(session, str(directory / "model.ckpt"), step)


def save_with_averages(directory, checkpoint):
    """Saves zeros, with the values of a checkpoint as their moving averages."""
    reader = tf.train.load_checkpoint(checkpoint)
    values = {}
    for name in reader.get_variable_to_shape_map():
        value = reader.get_tensor(name)
        if name != "global_step":
            values[f"{name}/ExponentialMovingAverage"] = value
            value = np.zeros_like(value)
        values[name] = value
    path = str(directory / "averaged.ckpt")
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        session.run(
            tf.raw_ops.SaveV2(
                prefix=path,
                tensor_names=list(values),
                shape_and_slices=[""] * len(values),
                tensors=[tf.constant(value) for value in values.values()],
            )
        )
    return path


def confusion_of_single_images(checkpoint, images, network, **arguments):
    """Predicts each image alone, padded with NumPy, and counts with loops."""
    confusion = np.zeros((3, 3), np.int64)
    with tf.Graph().as_default(), tf.Session() as session:
        features = {
            "image": tf.placeholder(tf.float32, [1, 33, 49, 3]),
            "laplacian": tf.placeholder(tf.float32, [1, 33, 49, 1]),
        }
        prediction = model.predict(features, network, **arguments).class_ids
        tf.train.Saver().restore(session, checkpoint)
        for _, image, mask in images:
            height, width = mask.shape
            padded = np.full((1, 33, 49, 3), 127.5, np.float32)
            padded[0, :height, :width] = image
            edges = np.zeros((1, 33, 49, 1), np.float32)
            edges[0, :height, :width, 0] = laplacian.laplacian(image)
            feed = {features["image"]: padded, features["laplacian"]: edges}
            predicted = session.run(prediction, feed)[0, :height, :width]
            for truth in range(3):
                for guess in range(3):
                    confusion[truth, guess] += ((mask == truth) & (predicted == guess)).sum()
    return confusion


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> str:
    """The network with random weights."""
    return save_network(tmp_path_factory.mktemp("checkpoint"))


@pytest.mark.parametrize("arguments", [{}, {"scales": (0.5,), "add_flipped": True}])
def test_an_evaluation_is_the_confusion_of_each_image_on_its_own(tmp_path, checkpoint, arguments):
    images = images_of((20, 40), (33, 49), (30, 10))
    spec = tiny_dataset.write(tmp_path, images, split="val")
    evaluator = Evaluator(spec, "val", NETWORK, CROP, batch_size=2, **arguments)
    with contextlib.closing(evaluator):
        result = evaluate(evaluator, checkpoint)
        averaged = save_with_averages(tmp_path, checkpoint)
        zeros = evaluate(evaluator, averaged)
        of_averages = evaluate(evaluator, averaged, ema.saved_names(averaged))
        again = evaluate(evaluator, checkpoint)
    expected = confusion_of_single_images(checkpoint, images, NETWORK, **arguments)
    assert np.count_nonzero(expected.sum(axis=0)) > 1, "all one class would show too little"
    np.testing.assert_array_equal(result.confusion, expected)
    np.testing.assert_array_equal(again.confusion, expected)
    np.testing.assert_array_equal(of_averages.confusion, expected)
    assert zeros.metrics.only_predicted_class == 0
    assert (result.num_images, result.step, result.split) == (3, 7, "val")
    assert result.metrics == metrics.compute_metrics(expected)


def test_collectors_see_what_is_scored(tmp_path, checkpoint):
    spec = tiny_dataset.write(tmp_path, images_of((20, 40), (33, 49), (30, 10)), split="val")
    details = Details.of(spec, boundaries=True, calibration=True, images=True)
    evaluator = Evaluator(spec, "val", NETWORK, CROP, batch_size=2, with_probabilities=True)
    with contextlib.closing(evaluator):
        evaluator.restore(checkpoint)
        result = evaluator.score(list(details.collectors()))
    assert details.calibration.right.sum() == np.trace(result.confusion)
    assert details.calibration.pixels.sum() == result.confusion.sum()
    np.testing.assert_array_equal(
        details.calibration.of_class.sum(axis=2)[:, 1], result.confusion.sum(axis=1)
    )
    confidence = details.calibration.mean_confidence()
    assert 1 / 3 < confidence < 1
    assert [each.num_pixels for each in details.images.scores] == [
        (mask != 255).sum() for _, _, mask in images_of((20, 40), (33, 49), (30, 10))
    ]
    assert (details.boundaries.union > 0).all()


@pytest.fixture
def red_is_the_class(monkeypatch):
    """Replaces the network: the prediction is the red channel, shifted by the only variable."""

    def predict(features, network, *, scales, add_flipped):
        shift = tf.get_variable("shift", [], tf.int32)
        labels = tf.minimum(tf.cast(features["image"][..., 0], tf.int32) + shift, 2)
        return model.Prediction(labels, tf.one_hot(labels, network.num_classes))

    monkeypatch.setattr(evaluator.model, "predict", predict)


def evaluate(evaluator, checkpoint, saved_names=None) -> Evaluation:
    evaluator.restore(checkpoint, saved_names)
    return evaluator.score()


def save_shift(directory, shift, step):
    with tf.Graph().as_default(), tf.Session() as session:
        variables = {
            "shift": tf.Variable(shift, dtype=tf.int32),
            "global_step": tf.Variable(step, dtype=tf.int64),
            "shift/Momentum": tf.Variable(0.0),
        }
        session.run(tf.global_variables_initializer())
        return tf.train.Saver(variables).save(session, str(directory / "model.ckpt"), step)


def test_a_perfect_prediction_scores_one_and_each_checkpoint_is_its_own(tmp_path, red_is_the_class):
    images = images_of((20, 40), (33, 49))
    for _, image, mask in images:
        image[..., 0] = np.where(mask == 255, 1, mask)
    spec = tiny_dataset.write(tmp_path, images, split="val")
    with contextlib.closing(Evaluator(spec, "val", NETWORK, CROP)) as evaluator:
        perfect = evaluate(evaluator, save_shift(tmp_path, 0, 10))
        constant = evaluate(evaluator, save_shift(tmp_path, 2, 20))
    assert (perfect.step, constant.step) == (10, 20)
    assert perfect.metrics.mean_iou == 1.0
    np.testing.assert_array_equal(
        np.diagonal(perfect.confusion), spec.split("val").pixels_per_class
    )
    assert constant.metrics.only_predicted_class == 2
    assert constant.confusion.sum() == perfect.confusion.sum()


def test_a_checkpoint_of_another_network_names_variables_and_both_shapes(tmp_path):
    spec = tiny_dataset.write(tmp_path, images_of((20, 40)), split="val")
    checkpoint = save_network(tmp_path, dataclasses.replace(NETWORK, num_classes=5))
    with (
        contextlib.closing(Evaluator(spec, "val", NETWORK, CROP)) as evaluator,
        pytest.raises(ValueError, match="belongs to another network") as caught,
    ):
        evaluate(evaluator, checkpoint)
    assert "logits/semantic/biases is [5] in the checkpoint and [3] in the network" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("side", "message"),
    [
        ("checkpoint", r"missing from the checkpoint: decoder/\S+, .* more"),
        ("network", r"unknown to the network: decoder/\S+, .* more"),
    ],
)
def test_a_decoder_on_one_side_only_is_named(tmp_path, side, message):
    spec = tiny_dataset.write(tmp_path, images_of((20, 40)), split="val")
    plain = ModelOptions(num_classes=3, model_variant="xception_tiny", aspp_convs_filters=16)
    full = dataclasses.replace(plain, decoder_output_stride=(4,))
    saved, built = (plain, full) if side == "checkpoint" else (full, plain)
    with (
        contextlib.closing(Evaluator(spec, "val", built, CROP)) as evaluator,
        pytest.raises(ValueError, match=message),
    ):
        evaluate(evaluator, save_network(tmp_path, saved))


def test_a_truncated_or_missing_checkpoint_is_named(tmp_path, checkpoint):
    spec = tiny_dataset.write(tmp_path, images_of((20, 40)), split="val")
    copy = str(tmp_path / "model.ckpt-7")
    for ending in (".index", ".data-00000-of-00001"):
        shutil.copyfile(checkpoint + ending, copy + ending)
    os.truncate(f"{copy}.data-00000-of-00001", 1000)
    with contextlib.closing(Evaluator(spec, "val", NETWORK, CROP)) as evaluator:
        with pytest.raises(ValueError, match=r"model\.ckpt-7 is damaged: .* cannot be read"):
            evaluate(evaluator, copy)
        with pytest.raises(ValueError, match="nowhere does not exist"):
            evaluate(evaluator, str(tmp_path / "nowhere"))


def test_impossible_evaluations_are_refused(tmp_path):
    spec = tiny_dataset.write(tmp_path, images_of((20, 40)), split="val")
    with pytest.raises(ValueError, match=r"network has 5 classes, but dataset 'tiny' .* has 3"):
        Evaluator(spec, "val", dataclasses.replace(NETWORK, num_classes=5), CROP)
    with pytest.raises(ValueError, match="crop height is 32"):
        Evaluator(spec, "val", NETWORK, InputOptions(crop_size=(32, 49)))
    with pytest.raises(ValueError, match=r"eval_scales are \(\)"):
        Evaluator(spec, "val", NETWORK, CROP, scales=())
    with pytest.raises(ValueError, match="has no split 'test'; it has val"):
        Evaluator(spec, "test", NETWORK, CROP)


def test_a_image_larger_than_the_crop_is_named(tmp_path, red_is_the_class):
    spec = tiny_dataset.write(tmp_path, images_of((20, 40), (50, 40)), split="val")
    with (
        contextlib.closing(Evaluator(spec, "val", NETWORK, CROP)) as evaluator,
        pytest.raises(ValueError, match="image image1 has height 50 and width 40, more than"),
    ):
        evaluate(evaluator, save_shift(tmp_path, 0, 1))


def test_a_split_of_which_a_part_is_missing_is_not_scored(tmp_path, red_is_the_class):
    """A shard that ends with a record, or in a header, looks whole to TensorFlow."""
    spec = tiny_dataset.write(
        tmp_path, images_of((20, 40), (30, 10), (33, 49), (9, 9)), split="val", num_shards=2
    )
    path = spec.shard_paths("val")[1]
    size_of_first = tfrecords.stored_size(next(tfrecords.read_records(path)))
    checkpoint = save_shift(tmp_path, 0, 1)
    with contextlib.closing(Evaluator(spec, "val", NETWORK, CROP)) as evaluator:
        assert evaluate(evaluator, checkpoint).num_images == 4
        os.truncate(path, size_of_first + 3)
        with pytest.raises(ValueError, match=f"{path} is truncated or damaged after record 1"):
            evaluate(evaluator, checkpoint)
        os.truncate(path, size_of_first)
        message = r"has 3 examples, but dataset\.json says 4: val-00001-of-00002.tfrecord holds 1"
        with pytest.raises(ValueError, match=message):
            evaluate(evaluator, checkpoint)
        with pytest.raises(ValueError, match=message):
            list(evaluator.predict())
    with pytest.raises(ValueError, match=message):
        Evaluator(spec, "val", NETWORK, CROP)


# The command.


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory, checkpoint):
    """A folder with a dataset and a trained network: (root, spec)."""
    root = tmp_path_factory.mktemp("project")
    records = root / "data" / "tfrecords" / "tiny"
    records.mkdir(parents=True)
    spec = tiny_dataset.write(records, images_of((20, 40), (33, 45)), split="val")
    logdir = root / "runs" / "tiny"
    shutil.copytree(os.path.dirname(checkpoint), logdir)
    description = run_description.RunDescription(
        model=NETWORK,
        dataset_name="tiny",
        class_names=spec.class_names,
        palette=spec.palette,
        ignore_label=spec.ignore_label,
        train_crop_size=(33, 33),
    )
    run_description.write_description(description, str(logdir))
    return root, spec


# Without what the tests themselves set to quiet TensorFlow: the command has to do that alone.
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}


def start_eval(root, *flags):
    return subprocess.Popen(
        [sys.executable, str(ROOT / "eval.py"), *flags],
        cwd=root,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_eval(root, *flags):
    result = command_runs.run("eval.py", *flags, cwd=root, timeout=120)
    return result.returncode, result.stdout, result.stderr


def test_the_command_scores_the_newest_run_once_without_further_flags(run_folder):
    root, spec = run_folder
    status, out, err = run_eval(root, "--max_number_of_evaluations=1")
    assert status == 0, err
    content = json.loads((root / "runs" / "tiny" / "eval" / "eval-7.json").read_text())
    assert content["options"]["eval_crop_size"] == [33, 49]
    assert content["options"]["model"]["atrous_rates"] == [6, 12]
    assert content["num_pictures"] == 2
    assert f"mean IoU {100 * content['miou']:.2f}%" in out
    assert "class 2" in out
    with contextlib.closing(Evaluator(spec, "val", NETWORK, CROP)) as evaluator:
        expected = evaluate(evaluator, str(root / "runs" / "tiny" / "model.ckpt-7"))
    assert content["confusion_matrix"] == expected.confusion.tolist()
    assert "eval/miou_1.0_overall" in read_summaries(root / "runs" / "tiny" / "eval")


@pytest.mark.slow
def test_the_command_runs_a_network_at_another_output_stride(run_folder):
    root, spec = run_folder
    status, _, err = run_eval(
        root,
        "--checkpoint_path=runs/tiny/model.ckpt-7.index",
        "--output_stride=8",
        "--eval_logdir=stride8",
        "--eval_scales=1.0",
        "--add_flipped_images",
    )
    assert status == 0, err
    content = json.loads((root / "stride8" / "eval-7.json").read_text())
    assert content["options"]["model"]["atrous_rates"] == [12, 24]
    assert content["options"]["eval_crop_size"] == [33, 49]
    finer = dataclasses.replace(NETWORK, output_stride=8, atrous_rates=(12, 24))
    evaluator = Evaluator(spec, "val", finer, CROP, add_flipped=True)
    with contextlib.closing(evaluator):
        expected = evaluate(evaluator, str(root / "runs" / "tiny" / "model.ckpt-7"))
    assert content["confusion_matrix"] == expected.confusion.tolist()
    assert "eval/miou_1.0_flipped_overall" in read_summaries(root / "stride8")


def test_wrong_input_ends_the_command_with_one_line(run_folder):
    status, out, err = run_eval(
        run_folder[0], "--max_number_of_evaluations=1", "--eval_crop_size=33,33"
    )
    assert status == 1
    assert err.startswith("error: image image0 has height 20 and width 40, more than the crop")
    assert err.count("\n") == 1
    assert "Traceback" not in out + err


WRONG_FLAGS = {
    "--model_variant=xception_65": "runs/tiny/options.json says that the network was trained with "
    "xception_tiny",
    "--eval_crop_size=40,49": "crop height is 40; expected a multiple of output_stride 16",
    "--checkpoint_dir=runs/none": "checkpoint_dir runs/none is not a folder: it is the",
    "--checkpoint_dir=runs/tiny/model.ckpt-7": "--checkpoint_path=runs/tiny/model.ckpt-7",
    "--checkpoint_dir=data": "folder data holds no checkpoint",
    "--checkpoint_path=runs/tiny/model.ckpt-8": "checkpoint runs/tiny/model.ckpt-8 does not exist",
    "--dataset_dir=nowhere": "there is no dataset in nowhere",
    "--dataset_dir=data/other": "runs/tiny/options.json says that the network was trained on",
    "--eval_split=test": "has no split 'test': name one that it has with --eval_split=val",
    "--max_resize_value=40": "min_resize_value is not given",
    "--eval_batch_size=0": "batch size is 0",
    "--eval_interval_secs=-1": "eval_interval_secs is -1; expected 0 or more",
}

# One process for all of them.
TRY_FLAGS = """
import json, sys
from tests.support import command_calls

messages = {}
for flag in json.loads(sys.argv[1]):
    try:
        command_calls.call("eval", "--max_number_of_evaluations=1", flag)
    except ValueError as error:
        messages[flag] = str(error)
print(json.dumps(messages))
"""


@pytest.fixture(scope="module")
def messages_of_wrong_flags(run_folder):
    root, spec = run_folder
    other = root / "data" / "other"
    other.mkdir()
    specs.write_spec(dataclasses.replace(spec, directory=str(other), class_names=("a", "b", "c")))
    result = command_runs.run_program(TRY_FLAGS, json.dumps(list(WRONG_FLAGS)), cwd=root)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.parametrize("flag", list(WRONG_FLAGS))
def test_wrong_flags_are_explained(messages_of_wrong_flags, flag):
    assert WRONG_FLAGS[flag] in messages_of_wrong_flags[flag]


# The best checkpoint, with a network whose score is known: it adds its only variable to the red
# channel, which is the class. One process for a series of evaluations.
SCORE_ALL = """
import contextlib, io, json, sys
import numpy as np
import tensorflow.compat.v1 as tf
from deeplab.evaluation import evaluator
from deeplab.network import model
from tests.support import command_calls

def predict(features, network, *, scales, add_flipped):
    shift = tf.get_variable("shift", [])
    labels = tf.cast(tf.minimum(features["image"][..., 0] + shift, 2.0), tf.int32)
    return model.Prediction(labels, tf.one_hot(labels, network.num_classes))

evaluator.model.predict = predict
outputs = []
for arguments in json.loads(sys.argv[1]):
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        try:
            command_calls.call("eval", *arguments)
        except ValueError as error:
            print(error)
    outputs.append(output.getvalue())
print(json.dumps(outputs))
"""
EVALUATIONS = {
    "weights of 10": ["--checkpoint_path=runs/tiny/model.ckpt-10"],
    "another split": ["--checkpoint_path=runs/tiny/model.ckpt-10", "--eval_split=test"],
    "averages of 10": ["--checkpoint_path=runs/tiny/model.ckpt-10", "--use_ema"],
    "weights of 20": ["--checkpoint_dir=runs/tiny", "--checkpoint_path=latest"],
    "averages of 20": ["--max_number_of_evaluations=1", "--use_ema"],
    "best": ["--checkpoint_path=best", "--eval_logdir=best"],
    "weights of best": ["--checkpoint_path=runs/tiny/best", "--nouse_ema"],
    "flipped": ["--checkpoint_path=latest", "--add_flipped_images", "--eval_logdir=flipped"],
    "other dataset": ["--checkpoint_path=latest", "--dataset_dir=data/other"],
    "download": [
        "--checkpoint_path=download/model.ckpt-20",
        "--dataset_dir=data/tfrecords/tiny",
        "--model_variant=xception_tiny",
    ],
}


@pytest.fixture(scope="module")
def evaluations(tmp_path_factory):
    """(folder, what each evaluation printed)."""
    root = tmp_path_factory.mktemp("best")
    records, logdir, download = (
        root / name for name in ("data/tfrecords/tiny", "runs/tiny", "download")
    )
    for folder in (records, logdir, download, root / "data" / "other"):
        folder.mkdir(parents=True)
    images = images_of((20, 40), (33, 45))
    for _, image, mask in images:
        image[..., 0] = np.where(mask == 255, 1, mask)
    test = tiny_dataset.write(records, images[:1], split="test")
    spec = tiny_dataset.write(records, images, split="val")
    spec = dataclasses.replace(spec, splits={**spec.splits, **test.splits})
    specs.write_spec(spec)
    other = tiny_dataset.write(root / "data" / "other", images, split="val")
    specs.write_spec(dataclasses.replace(other, name="other"))
    description = run_description.RunDescription(
        model=NETWORK,
        dataset_name="tiny",
        class_names=spec.class_names,
        palette=spec.palette,
        ignore_label=spec.ignore_label,
        train_crop_size=(33, 33),
    )
    run_description.write_description(description, str(logdir))
    for folder, step, values in (
        (logdir, 10, {"shift": 2.0, "shift/ExponentialMovingAverage": 0.0}),
        (logdir, 20, {"shift": 1.0}),
        (download, 20, {"shift": 1.0}),
    ):
        with tf.Graph().as_default(), tf.Session() as session:
            variables = {name: tf.Variable(value) for name, value in values.items()}
            variables["global_step"] = tf.Variable(np.int64(step))
            session.run(tf.global_variables_initializer())
            saver = tf.train.Saver(variables, save_relative_paths=True)
            saver.save(session, str(folder / "model.ckpt"), step)
    arguments = json.dumps(list(EVALUATIONS.values()))
    result = command_runs.run_program(SCORE_ALL, arguments, cwd=root)
    assert result.returncode == 0, result.stderr
    return root, dict(zip(EVALUATIONS, json.loads(result.stdout.splitlines()[-1]), strict=True))


def test_each_evaluation_says_whether_it_was_the_best(evaluations):
    root, printed = evaluations
    lowest = json.loads((root / "runs" / "tiny" / "eval" / "eval-10.json").read_text())["miou"]
    assert 0 < lowest < 0.5
    for name, last_line in {
        "weights of 10": "the best so far, kept in runs/tiny/best",
        "another split": "runs/tiny/eval_test/eval-10.json",
        "averages of 10": "the best so far, kept in runs/tiny/best",
        "weights of 20": "the best so far: miou 1.0000 at step 10",
        "averages of 20": "checkpoint runs/tiny/model.ckpt-20 has no averages of its weights (no "
        "*/ExponentialMovingAverage): train with ema_decay, such as 0.999, or omit "
        "use_ema.",
        "best": "the best so far: miou 1.0000 at step 10",
        "weights of best": "the best so far: miou 1.0000 at step 10",
        "flipped": "not compared with the best so far (step 10), which was scored with "
        "add_flipped_images false instead of true; to start over, delete runs/tiny/best_checkpoint",
        "other dataset": "not compared with the best so far: the training run was on the dataset "
        "'tiny'",
        "download": "download/eval/eval-20.json",
    }.items():
        assert printed[name].splitlines()[-1] == last_line, name
    assert printed["best"].startswith("runs/tiny/best/model.ckpt-10, averages of its weights\n")
    assert printed["weights of best"].startswith("runs/tiny/best/model.ckpt-10\n")


def test_the_best_checkpoint_and_its_record_are_those_of_the_highest_score(evaluations):
    root, _ = evaluations
    record = json.loads((root / "runs" / "tiny" / "best_checkpoint").read_text())
    assert record == {
        "format_version": 1,
        "checkpoint": "best/model.ckpt-10",
        "step": 10,
        "miou": 1.0,
        "use_ema": True,
        "dataset": "tiny",
        "split": "val",
        "num_pictures": 2,
        "eval_crop_size": [33, 49],
        "min_resize_value": None,
        "max_resize_value": None,
        "resize_factor": None,
        "keep_aspect_ratio": True,
        "eval_scales": [1.0],
        "add_flipped_images": False,
        "output_stride": 16,
        "atrous_rates": [6, 12],
    }
    assert run_description.read_description(str(root / "runs" / "tiny" / "best")).model == NETWORK
    assert not (root / "runs" / "tiny" / "best" / "eval").exists()
    assert not (root / "download" / "best").exists()


def test_the_scores_say_which_weights_they_are_of(evaluations):
    logdir = evaluations[0] / "runs" / "tiny"
    weights, averaged, best = (
        json.loads(path.read_text())
        for path in (
            logdir / "eval" / "eval-10.json",
            logdir / "eval_ema" / "eval-10.json",
            evaluations[0] / "best" / "eval-10.json",
        )
    )
    assert (weights["options"]["use_ema"], averaged["options"]["use_ema"]) == (False, True)
    assert weights["checkpoint"] == "runs/tiny/best/model.ckpt-10"
    assert weights["confusion_matrix"] != averaged["confusion_matrix"]
    assert best["confusion_matrix"] == averaged["confusion_matrix"]
    assert (averaged["miou"], best["options"]["use_ema"]) == (1.0, True)


@pytest.mark.slow
def test_the_command_waits_for_the_next_checkpoint(run_folder, tmp_path):
    root, _ = run_folder
    logdir = tmp_path / "growing"
    logdir.mkdir()
    run_description.write_description(
        run_description.read_description(str(root / "runs" / "tiny")), str(logdir)
    )
    process = start_eval(
        root,
        f"--checkpoint_dir={logdir}",
        "--max_number_of_evaluations=2",
        "--eval_interval_secs=0",
    )
    try:
        for step in (1, 2):
            save_network(logdir, step=step)
            deadline = time.monotonic() + 100
            while not (logdir / "eval" / f"eval-{step}.json").exists():
                assert process.poll() is None or step == 2, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.2)
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    assert f"waiting for the next checkpoint in {logdir}" in out
