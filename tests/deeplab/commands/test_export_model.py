"""The command `export_model.py`, in processes of its own."""

import dataclasses
import functools
import json
import os
import pathlib
import shutil
import tarfile

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from common.dataset_origin import DatasetOrigin
from datasets.segmentation import specs
from datasets.segmentation.sources import voc2012
from deeplab.commands import export_model
from deeplab.commands.export_model_flags import ExportOptions
from deeplab.network import model
from deeplab.options import ModelOptions
from deeplab.run_description import RunDescription, write_description
from reference import comparison
from serving.deeplab_model import DeepLabModel
from tests.support import command_runs, sessions, tiny_dataset
from training import best_checkpoint

STEP = 12
OPTIONS = ModelOptions(
    num_classes=3,
    model_variant="xception_tiny",
    atrous_rates=(2, 4),
    decoder_output_stride=(4,),
    aspp_convs_filters=8,
    decoder_filters=8,
)
DESCRIPTION = RunDescription(
    model=OPTIONS,
    dataset_name="shapes",
    class_names=("ground", "disc", "ring"),
    palette=((0, 0, 0), (250, 0, 0), (0, 0, 250)),
    ignore_label=255,
    train_crop_size=(33, 33),
)


def save(folder: pathlib.Path, options: ModelOptions) -> str:
    folder.mkdir(parents=True)
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        model.multi_scale_logits({"image": tf.zeros([1, 33, 33, 3])}, options)
        comparison.fill_variables(session)
        session.run(tf.train.create_global_step().initializer)
        session.run(tf.assign(tf.train.get_global_step(), STEP))
        return tf.train.Saver().save(session, str(folder / "model.ckpt"), global_step=STEP)


@pytest.fixture
def command(tmp_path):
    return functools.partial(command_runs.run, "export_model.py", cwd=tmp_path)


@pytest.fixture(scope="module")
def training_run(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("training") / "shapes"
    save(folder, OPTIONS)
    write_description(DESCRIPTION, str(folder))
    return folder


@pytest.fixture
def trained(tmp_path, training_run) -> pathlib.Path:
    """A training run of the test's own."""
    return shutil.copytree(training_run, tmp_path / "runs" / "shapes")


def expected_labels(checkpoint: str, options: ModelOptions, image: np.ndarray) -> np.ndarray:
    with tf.Graph().as_default(), tf.Session() as session:
        features = {"image": tf.constant(image[None], tf.float32)}
        labels = model.predict(features, options).class_ids
        tf.train.Saver().restore(session, checkpoint)
        return session.run(labels)[0]


def describe_records(records: pathlib.Path) -> None:
    """Writes the description of a dataset whose images are up to 40 high and 60 wide."""
    split = specs.SplitSpec(1, 1, (1, 1, 1), (1, 1, 1), 0, max_height=40, max_width=60)
    records.mkdir(parents=True)
    specs.write_spec(
        specs.DatasetSpec(
            name="shapes",
            directory=str(records),
            class_names=DESCRIPTION.class_names,
            palette=DESCRIPTION.palette,
            ignore_label=255,
            has_gradient=False,
            splits={"train": split, "val": dataclasses.replace(split, max_height=30)},
        )
    )


def test_the_crop_is_that_of_the_dataset_of_training_wherever_it_lies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    describe_records(tmp_path / "elsewhere")
    origin = DatasetOrigin(str(tmp_path / "elsewhere"))
    trained = dataclasses.replace(DESCRIPTION, dataset_origin=origin)
    assert export_model.choose_crop_size(ExportOptions(), trained) == (49, 65)
    assert export_model.choose_crop_size(ExportOptions(), DESCRIPTION) == (513, 513)


def test_the_crop_of_resized_images_is_theirs_however_long_others_might_be(tmp_path):
    images = [("a", *tiny_dataset.random_image(0, 60, 80))]
    spec = tiny_dataset.write(tmp_path, images, split="val")
    resized = dataclasses.replace(
        DESCRIPTION,
        dataset_origin=DatasetOrigin(spec.directory),
        min_resize_value=30,
        max_resize_value=300,
    )
    assert export_model.choose_crop_size(ExportOptions(), resized) == (33, 49)
    given = ExportOptions(crop_size=(65, 97))
    with pytest.raises(ValueError, match=r"max_resize_value is 300, more than the crop of 65,97"):
        export_model.choose_crop_size(given, resized)


def test_newest_training_is_exported_as_it_was_trained(tmp_path, command, trained):
    describe_records(tmp_path / "data" / "tfrecords" / "shapes")
    result = command()
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert "model.ckpt-12" in result.stdout

    image = np.random.RandomState(0).randint(0, 256, [49, 65, 3], np.uint8)
    with DeepLabModel(str(trained)) as served:
        assert served.crop_size == (49, 65)  # the smallest 16 k + 1 that holds 40x60
        assert served.class_names == DESCRIPTION.class_names
        labels = served.segment(image)
    checkpoint = str(trained / "model.ckpt-12")
    np.testing.assert_array_equal(labels, expected_labels(checkpoint, OPTIONS, image))
    described = json.loads((trained / "export" / "inference_graph.json").read_text())
    assert described["global_step"] == STEP
    assert described["use_ema"] is False
    assert described["palette"] == [list(color) for color in DESCRIPTION.palette]


def test_a_model_repository_comes_with_the_export(tmp_path, command, trained):
    """Of TensorFlow Serving, which needs no further package."""
    Image.new("RGB", (30, 20), (200, 10, 90)).save(tmp_path / "image.png")
    result = command(
        "--crop_size=33,33",
        "--bundle=tfserving",
        "--bundle_dir=served",
        "--verify_images=image.png",
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    version = tmp_path / "served" / "tfserving" / "shapes" / "1"
    assert f"served/tfserving/shapes/{version.name}  (how to serve it: " in result.stdout
    assert (version / "saved_model.pb").exists()
    assert (version / "assets.extra" / "tf_serving_warmup_requests").exists()
    checked = json.loads((trained / "export" / "verification.json").read_text())["engines"]
    assert {"saved_model", "saved_model of JPEG files"} <= {each["engine"] for each in checked}
    assert all(each["equal_pixels"] == 1.0 for each in checked)
    again = command("--crop_size=49,49")
    said = "removed, because they were made of the previous export: runs/shapes/export/saved_model"
    assert said in again.stdout
    assert not (trained / "export" / "saved_model").exists()
    assert version.exists()


def test_the_best_checkpoint_is_exported_with_the_averages_that_were_scored(
    tmp_path, command, trained
):
    """The average of the biases of the logits makes one class of everything."""
    checkpoint = str(trained / "model.ckpt-12")
    reader = tf.train.load_checkpoint(checkpoint)
    with tf.Graph().as_default(), tf.Session() as session:
        variables = {
            name: tf.Variable(reader.get_tensor(name))
            for name in reader.get_variable_to_shape_map()
        }
        average = tf.Variable([0.0, 500.0, 0.0])
        variables["logits/semantic/biases/ExponentialMovingAverage"] = average
        session.run(tf.global_variables_initializer())
        tf.train.Saver(variables).save(session, str(trained / "model.ckpt"), STEP)
    best_checkpoint.keep_if_best(
        checkpoint, "miou", 0.5, {}, step=STEP, use_ema=True, companions=["options.json"]
    )

    result = command("--checkpoint_path=best", "--crop_size=33,33")

    assert result.returncode == 0, result.stderr
    assert "exported runs/shapes/best/model.ckpt-12, averages of its weights: xc" in result.stdout
    described = json.loads((trained / "export" / "inference_graph.json").read_text())
    assert (described["use_ema"], described["checkpoint"]) == (True, "model.ckpt-12")
    with DeepLabModel(str(trained)) as served:
        image = np.random.RandomState(0).randint(0, 256, [33, 33, 3], np.uint8)
        assert np.all(served.segment(image) == 1)


def test_another_output_stride_takes_its_rates_along(tmp_path, command, trained):
    path = tmp_path / "fine.pb"
    result = command("--output_stride=8", "--crop_size=33,41", f"--export_path={path}")
    assert result.returncode == 0, result.stderr
    image = np.random.RandomState(0).randint(0, 256, [33, 41, 3], np.uint8)
    finer = dataclasses.replace(OPTIONS, output_stride=8, atrous_rates=(4, 8))
    with DeepLabModel(str(path)) as served:
        labels = served.segment(image)
    np.testing.assert_array_equal(
        labels, expected_labels(str(trained / "model.ckpt-12"), finer, image)
    )


def test_published_checkpoint_is_described_by_flags(tmp_path, command):
    # 8 is research/deeplab's default for an export.
    options = ModelOptions(
        num_classes=21, model_variant="mobilenet_v2", depth_multiplier=0.25, output_stride=8
    )
    checkpoint = save(tmp_path / "published", options)
    flags = (
        f"--checkpoint_path={checkpoint}",
        "--model_variant=mobilenet_v2",
        "--num_classes=21",
        "--depth_multiplier=0.25",
        "--dataset=pascal_voc_seg",
    )
    result = command(*flags, "--crop_size=33", "--crop_size=49", "--export_path=out/graph.pb")
    assert result.returncode == 0, result.stderr
    image = np.random.RandomState(0).randint(0, 256, [33, 49, 3], np.uint8)
    with DeepLabModel(str(tmp_path / "out" / "graph.pb")) as served:
        assert served.class_names == voc2012.CLASS_NAMES
        np.testing.assert_array_equal(
            served.segment(image), expected_labels(checkpoint, options, image)
        )
    result = command(*flags)
    assert result.returncode == 1
    assert "give --export_path" in result.stderr
    assert not (tmp_path / "published" / "export").exists()


def test_wrong_input_is_one_line(tmp_path, trained):
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "checkpoint").touch()
    for name in os.listdir(trained):
        if name.startswith("model.ckpt"):
            os.link(trained / name, tmp_path / "bare" / name)
    bare = ("--checkpoint_path=bare", "--export_path=x/graph.pb")
    cases = (
        (["--num_classes=21"], 1, "--num_classes is 21, but"),
        (["--use_ema"], 1, "model.ckpt-12 has no averages of its weights"),
        (["--dataset=cityscapes"], 1, "trained on shapes, which has other classes"),
        (["--max_resize_value=600", "--min_resize_value=300"], 1, "max_resize_value is 600"),
        (["--export_path=folder"], 1, "expected the name of a .pb file"),
        (["--export_path=bare"], 1, "export_path bare is a folder; expected"),
        (["--export_path=bare/checkpoint/x.pb"], 1, "checkpoint is not a folder; choose another"),
        ([*bare], 1, "has no options.json"),
        ([*bare, "--model_variant=xception_tiny", "--num_classes=3"], 1, "another network"),
        (["--crop_sze=33,33"], 2, "Did you mean --crop_size"),
    )
    results = command_runs.run_series(
        "export_model", [arguments for arguments, _, _ in cases], cwd=tmp_path
    )
    for (arguments, status, message), result in zip(cases, results, strict=True):
        assert result.returncode == status, (arguments, result.stderr)
        assert message in result.stderr, arguments
        assert len(result.stderr.strip().splitlines()) <= 2
    assert not (trained / "export").exists()
    assert not (tmp_path / "x").exists()


def test_other_programs_take_an_archive_of_a_static_graph(tmp_path, command, trained):
    """The demonstration of research/deeplab takes the first member that is named like a graph."""
    result = command("--static_graph", "--crop_size=33,33")
    assert result.returncode == 0, result.stderr
    folder = trained / "export"
    archive = shutil.make_archive(str(tmp_path / "model"), "gztar", str(folder))
    with tarfile.open(archive) as tar:
        (member,) = [m for m in tar if "frozen_inference_graph" in os.path.basename(m.name)]
        graph_def = tf.GraphDef.FromString(tar.extractfile(member).read())
    assert not {"Where", "Assert", "TensorScatterUpdate"} & {node.op for node in graph_def.node}
    described = json.loads((folder / "inference_graph.json").read_text())
    assert described["static_graph"] is True
    image = np.random.RandomState(0).randint(0, 256, [33, 33, 3], np.uint8)
    with DeepLabModel(archive) as served:
        assert served.class_names == DESCRIPTION.class_names
        labels = served.segment(image)
    checkpoint = str(trained / "model.ckpt-12")
    np.testing.assert_array_equal(labels, expected_labels(checkpoint, OPTIONS, image))
