"""The published DeepLab of phones, against TensorFlow's TFLite interpreter itself."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image, ImageOps

from deeplab.network import model
from deeplab.options import ModelOptions
from deeplab.run_description import read_description
from nets.layers import resize_bilinear
from scripts.weight_import import importing
from scripts.weight_import.tflite_file import TFLiteFile
from training import checkpoints

SIDE = 257
OPTIONS = ModelOptions(
    num_classes=21, model_variant="mobilenet_v2", depth_multiplier=0.5, output_stride=8
)


@pytest.fixture(scope="module")
def source(shared):
    return shared / "pretrained" / "mobilenet_v2_dm05_pascal" / "deeplabv3_257_mv_gpu.tflite"


@pytest.fixture(scope="module")
def photos(shared):
    return sorted((shared / "photos").glob("*.jpg"))


@pytest.fixture(scope="module")
def imported(source, photos, tmp_path_factory):
    target = tmp_path_factory.mktemp("published") / "out"
    file = TFLiteFile(str(source))
    description = importing.describe_file(file, OPTIONS, dataset=None)
    importing.import_file(file, description, [str(path) for path in photos], str(target))
    return target


@pytest.fixture(scope="module")
def inputs(photos) -> np.ndarray:
    """The photos in another shape than the import saw them: filling the square."""
    images = [ImageOps.fit(Image.open(path).convert("RGB"), (SIDE, SIDE)) for path in photos]
    return np.stack([np.asarray(image, np.float32) for image in images])


def test_description_names_the_classes(imported):
    description = read_description(str(imported))
    assert description.model == OPTIONS
    assert description.dataset_name == "pascal_voc_seg"
    assert description.class_names[15] == "person"
    assert description.train_crop_size == (SIDE, SIDE)


def test_logits_and_classes_are_those_of_the_interpreter(imported, source, inputs):
    interpreter = tf.lite.Interpreter(str(source), num_threads=2)
    interpreter.allocate_tensors()
    theirs = []
    for image in inputs:
        # https://www.tensorflow.org/lite/examples/segmentation: float RGB, -1..1.
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[None] / 127.5 - 1)
        interpreter.invoke()
        theirs.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0])
    theirs = np.stack(theirs)
    options = read_description(str(imported)).model
    with tf.Graph().as_default(), tf.Session() as session:
        logits = model.multi_scale_logits({"image": tf.constant(inputs)}, options)["merged_logits"]
        logits = resize_bilinear(logits, SIDE, SIDE)
        tf.train.Saver().restore(session, checkpoints.find_checkpoint(str(imported)))
        ours = session.run(logits)
    assert len(ours) == 4
    for mine, yours in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, yours, atol=1e-3)
        assert np.mean(mine.argmax(axis=2) == yours.argmax(axis=2)) >= 0.999


@pytest.fixture(scope="module")
def variables(imported, shared) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Ours, and those of a checkpoint that others made of the same file with other images."""
    folder = shared / "pretrained" / "mobilenet_v2_dm05_pascal"
    ours = checkpoints.Reader(checkpoints.find_checkpoint(str(imported)))
    theirs = checkpoints.Reader(str(folder / "model.ckpt"))
    assert {*theirs.shapes, "global_step"} == set(ours.shapes)
    return {name: (ours.value(name), theirs.value(name)) for name in theirs.shapes}


def test_kernels_are_those_of_the_file(variables):
    for name, (ours, theirs) in variables.items():
        if name.endswith(("weights", "biases")):
            np.testing.assert_array_equal(ours, theirs, err_msg=name)


def test_statistics_are_near_those_of_other_images(variables):
    ratios = [
        np.median(ours / theirs)
        for name, (ours, theirs) in variables.items()
        if name.endswith("moving_variance")
    ]
    assert len(ratios) == 54
    assert 0.9 < np.median(ratios) < 1.1
    assert min(ratios) > 0.5
    assert max(ratios) < 2
