"""TFLite files into checkpoints: values, statistics, options, and what is refused."""

import dataclasses
import pathlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from deeplab.network import model
from deeplab.options import ModelOptions
from deeplab.run_description import read_description
from reference import comparison
from scripts.weight_import import importing
from scripts.weight_import.tflite_file import TFLiteFile
from tests.support import command_runs
from training import checkpoints

SIDE = 33
OPTIONS = ModelOptions(
    num_classes=5,
    model_variant="xception_tiny",
    atrous_rates=(2, 3),
    aspp_convs_filters=16,
    decoder_output_stride=(4,),
    decoder_filters=24,
)
# A layer whose first channel is 0 whatever the image.
DEAD = "xception_tiny/entry_flow/conv1_1"
EPSILONS = {"xception_tiny": 1e-3}
HEAD_EPSILON = 1e-5


class Original:
    """A network with the reference weights, but for one dead channel, as two TFLite files."""

    def __init__(self, folder: pathlib.Path):
        self.float_path, self.int8_path = folder / "float.tflite", folder / "int8.tflite"
        with tf.Graph().as_default() as graph, tf.Session() as session:
            image = tf.placeholder(tf.float32, [1, SIDE, SIDE, 3])
            logits = model.multi_scale_logits({"image": image}, OPTIONS)["merged_logits"]
            comparison.fill_variables(session)
            kernel = next(v for v in tf.global_variables() if v.op.name == f"{DEAD}/weights")
            value = session.run(kernel)
            value[..., 0] = 0
            kernel.load(value, session)
            self.values = session.run({v.op.name: v for v in tf.global_variables()})
            inputs = {
                operation.name.removesuffix("/BatchNorm/FusedBatchNormV3"): operation.inputs[0]
                for operation in graph.get_operations()
                if operation.type == "FusedBatchNormV3"
            }
            runs = [session.run([inputs, logits], {image: each[None]}) for each in IMAGES]
            converter = tf.lite.TFLiteConverter.from_session(session, [image], [logits])
            self.float_path.write_bytes(converter.convert())
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([each[None]] for each in IMAGES)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = tf.uint8
            converter.inference_output_type = tf.uint8
            self.int8_path.write_bytes(converter.convert())
        self.batch_norm_inputs = {
            scope: np.concatenate([run[0][scope] for run in runs]) for scope in inputs
        }
        self.logits = np.concatenate([run[1] for run in runs])

    def factor(self, scope: str) -> np.ndarray:
        """What batch norm multiplies the layer's output with."""
        variance = self.values[f"{scope}/BatchNorm/moving_variance"]
        return self.values[f"{scope}/BatchNorm/gamma"] / np.sqrt(variance + epsilon(scope))


def epsilon(scope: str) -> float:
    return EPSILONS.get(scope.split("/")[0], HEAD_EPSILON)


def random_image(seed: int) -> np.ndarray:
    coarse = np.random.RandomState(seed).randint(0, 256, [5, 5, 3], np.uint8)
    image = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(image, np.float32)


IMAGES = [random_image(seed) for seed in range(2)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    return tmp_path_factory.mktemp("import")


@pytest.fixture(scope="module")
def image_paths(folder) -> list[str]:
    paths = [folder / f"image{number}.png" for number in range(len(IMAGES))]
    for path, image in zip(paths, IMAGES, strict=True):
        Image.fromarray(image.astype(np.uint8)).save(path)
    return [str(path) for path in paths]


@pytest.fixture(scope="module")
def original(folder) -> Original:
    return Original(folder)


def run_import(source: pathlib.Path, target: pathlib.Path, images=(), dataset=None, **changes):
    file = TFLiteFile(str(source))
    options = dataclasses.replace(OPTIONS, **changes)
    description = importing.describe_file(file, options, dataset)
    importing.import_file(file, description, list(images), str(target))


def values_of(target: pathlib.Path) -> dict[str, np.ndarray]:
    reader = checkpoints.Reader(checkpoints.find_checkpoint(str(target)))
    return {name: reader.value(name) for name in reader.shapes}


@pytest.fixture(scope="module")
def imported(original, folder, image_paths) -> pathlib.Path:
    run_import(original.float_path, folder / "imported", image_paths)
    return folder / "imported"


@pytest.fixture(scope="module")
def imported_int8(original, folder) -> pathlib.Path:
    run_import(original.int8_path, folder / "imported_int8")
    return folder / "imported_int8"


@pytest.fixture(scope="module")
def restored_logits(imported, imported_int8) -> dict[pathlib.Path, np.ndarray]:
    """Logits of the images by the checkpoints as any command would restore them."""
    with tf.Graph().as_default(), tf.Session() as session:
        features = {"image": tf.constant(np.stack(IMAGES), tf.float32)}
        logits = model.multi_scale_logits(features, OPTIONS)["merged_logits"]
        saver = tf.train.Saver()
        results = {}
        for target in (imported, imported_int8):
            saver.restore(session, checkpoints.find_checkpoint(str(target)))
            results[target] = session.run(logits)
        return results


def test_description_of_a_file_without_known_classes(imported):
    description = read_description(str(imported))
    assert description.model == OPTIONS
    assert description.train_crop_size == (SIDE, SIDE)
    assert description.class_names == ()


def test_checkpoint_has_the_variables_of_the_network_and_step_0(imported, original):
    values = values_of(imported)
    assert set(values) == {*original.values, "global_step"}
    assert values["global_step"] == 0
    assert {name: value.shape for name, value in values.items() if value.ndim} == {
        name: value.shape for name, value in original.values.items()
    }
    assert (imported / "checkpoint").read_text().startswith('model_checkpoint_path: "model.ckpt-0"')


def test_kernels_are_the_folded_ones(imported, original):
    values = values_of(imported)
    for scope in original.batch_norm_inputs:
        is_depthwise = f"{scope}/depthwise_weights" in values
        name = f"{scope}/{'depthwise_weights' if is_depthwise else 'weights'}"
        factor = original.factor(scope)
        folded = original.values[name] * (factor[:, None] if is_depthwise else factor)
        np.testing.assert_allclose(values[name], folded, rtol=1e-5, atol=1e-6, err_msg=name)
    for name in ("logits/semantic/weights", "logits/semantic/biases"):
        np.testing.assert_array_equal(values[name], original.values[name])


def test_batch_norm_keeps_the_function(imported, original):
    values = values_of(imported)
    for scope in original.batch_norm_inputs:
        gamma, beta, mean, variance = (
            values[f"{scope}/BatchNorm/{name}"].astype(np.float64)
            for name in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        np.testing.assert_allclose(gamma / np.sqrt(variance + epsilon(scope)), 1, rtol=1e-6)
        shift = original.values[f"{scope}/BatchNorm/beta"] - (
            original.values[f"{scope}/BatchNorm/moving_mean"] * original.factor(scope)
        )
        np.testing.assert_allclose(beta - mean, shift, rtol=1e-4, atol=1e-5, err_msg=scope)


def test_statistics_are_those_of_the_images(imported, original):
    values = values_of(imported)
    for scope, inputs in original.batch_norm_inputs.items():
        outputs = inputs.astype(np.float64) * original.factor(scope)
        variance = outputs.var(axis=(0, 1, 2))
        smallest = max(epsilon(scope), variance.mean() / 1000)
        scale = np.abs(outputs).max()
        np.testing.assert_allclose(
            values[f"{scope}/BatchNorm/moving_mean"],
            outputs.mean(axis=(0, 1, 2)),
            atol=1e-5 * scale,
            err_msg=scope,
        )
        np.testing.assert_allclose(
            values[f"{scope}/BatchNorm/moving_variance"],
            np.maximum(variance, smallest),
            rtol=1e-3,
            atol=1e-6 * scale**2,
            err_msg=scope,
        )


def test_channel_without_variance_gets_no_variance_near_0(imported, original):
    outputs = original.batch_norm_inputs[DEAD] * original.factor(DEAD)
    assert outputs[..., 0].var() == 0
    variance = values_of(imported)[f"{DEAD}/BatchNorm/moving_variance"]
    smallest = max(1e-3, outputs.var(axis=(0, 1, 2)).mean() / 1000)
    np.testing.assert_allclose(variance[0], smallest, rtol=1e-3)


def test_restored_checkpoint_says_what_the_original_network_says(
    imported, restored_logits, original
):
    error = np.abs(restored_logits[imported] - original.logits).max()
    assert error / np.abs(original.logits).max() < 1e-5


def test_without_images_statistics_are_the_identity(imported_int8, original):
    values = values_of(imported_int8)
    for scope in original.batch_norm_inputs:
        assert not values[f"{scope}/BatchNorm/moving_mean"].any()
        np.testing.assert_array_equal(values[f"{scope}/BatchNorm/moving_variance"], 1)
        gamma = values[f"{scope}/BatchNorm/gamma"].astype(np.float64)
        np.testing.assert_allclose(gamma / np.sqrt(1 + epsilon(scope)), 1, rtol=1e-6)


def test_8_bit_file_is_dequantized(imported_int8, restored_logits, original):
    assert read_description(str(imported_int8)).model == OPTIONS
    values = values_of(imported_int8)
    for scope in original.batch_norm_inputs:
        if f"{scope}/weights" in values:
            folded = original.values[f"{scope}/weights"] * original.factor(scope)
            # Each channel is rounded to 127 steps of its largest weight.
            step = np.abs(folded).max(axis=(0, 1, 2)) / 127
            assert (np.abs(values[f"{scope}/weights"] - folded) <= 0.51 * step + 1e-7).all(), scope
    same = restored_logits[imported_int8].argmax(axis=3) == original.logits.argmax(axis=3)
    assert same.mean() > 0.9


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"model_variant": "resnet_v1_18"},
            "--model_variant is resnet_v1_18, but .* has no layer in",
        ),
        ({"output_stride": 8}, r"has rate 1 in the file and 2 in the network.* Give the flags"),
        ({"aspp_convs_filters": 8}, r"image_pooling/weights is \[1, 1, 256, 16\] in the file and"),
        (
            {"add_image_level_feature": False},
            r"concat_projection/weights is \[1, 1, 64, 16\] in the file and \[1, 1, 48, 16\] in",
        ),
        ({"image_pooling_crop_size": (17, 17)}, "logits differ by .*allowed are 1e-03 and 99.9%"),
    ],
)
def test_flags_that_do_not_fit_are_refused_and_nothing_is_left(original, tmp_path, given, message):
    with pytest.raises(ValueError, match=message):
        run_import(original.float_path, tmp_path / "out", **given)
    assert not list(tmp_path.iterdir())


def test_damaged_file_is_refused(original, tmp_path):
    path = tmp_path / "cut.tflite"
    path.write_bytes(original.float_path.read_bytes()[:20000])
    with pytest.raises(ValueError, match=r"cut\.tflite is damaged or not a TFLite file"):
        run_import(path, tmp_path / "out")
    assert [each.name for each in tmp_path.iterdir()] == ["cut.tflite"]


@pytest.mark.parametrize(
    ("scope", "is_map", "message"),
    [
        ("classifier/fc", False, "no output is made of class scores"),
        ("", True, "does not name its layers"),
        ("vgg_16/conv1/", True, r"has no layer in xception_tiny/; its layers are in vgg_16"),
    ],
)
def test_other_networks_are_refused(tmp_path, scope, is_map, message):
    path = tmp_path / "other.tflite"
    with tf.Graph().as_default(), tf.Session() as session:
        image = tf.placeholder(tf.float32, [1, 9, 9, 3])
        kernel = tf.constant(np.random.RandomState(0).rand(3, 3, 3, 4), tf.float32)
        net = tf.nn.conv2d(image, kernel, 1, "SAME", name=f"{scope}Conv2D" if scope else "net")
        net = net if is_map else tf.reduce_mean(net, axis=[1, 2])
        path.write_bytes(tf.lite.TFLiteConverter.from_session(session, [image], [net]).convert())
    with pytest.raises(ValueError, match=message):
        run_import(path, tmp_path / "out")


def test_folder_that_holds_something_is_not_touched(original, tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(ValueError, match="exists and is not empty"):
        run_import(original.float_path, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_dataset_with_other_classes_is_refused(original, tmp_path):
    with pytest.raises(ValueError, match="--dataset is cityscapes, which has 19 classes, but"):
        run_import(original.float_path, tmp_path / "out", dataset="cityscapes")


def test_command_ends_with_one_line(tmp_path):
    result = command_runs.run(
        "scripts/import_tflite.py", "missing.tflite", str(tmp_path / "out"), cwd=tmp_path
    )
    assert result.returncode == 1
    assert result.stderr == "error: missing.tflite: No such file or directory\n"
    assert not list(tmp_path.iterdir())
