"""Whole networks as ONNX files: TensorFlow's class ids and probabilities, batches, names."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx

from classification.options import ModelOptions as ClassifierOptions
from classification.options import ViewOptions
from deeplab.options import ModelOptions, ResizeOptions
from export import onnx_file
from nets import registry
from serving import contract, export_file
from tests.support import onnx_runs, random_network, tiny_classifier
from tests.support.tiny_export import CROP, OPTIONS

SMALLEST_EQUAL_SHARE = 0.9999


def assert_same_answers(pb_path: str, batches: list[np.ndarray]) -> str:
    """Compares an export with its ONNX file, and returns the path of that."""
    export, path = export_file.read_export(pb_path), onnx_runs.write(pb_path)
    names = [export.signature.predictions, export.signature.probabilities]
    session = onnx_runs.session_of(path)
    assert [each.name for each in session.get_outputs()] == names
    num_equal = num_all = 0
    found_ids = set()
    with tf.Session(graph=export.graph) as expected_session:
        for images in batches:
            feed = {contract.INPUT: images}
            expected_ids, expected = expected_session.run(
                [f"{name}:0" for name in names], {f"{contract.INPUT}:0": images}
            )
            ids, probabilities = session.run(None, feed)
            assert (ids.dtype, ids.shape) == (np.int32, expected_ids.shape)
            np.testing.assert_allclose(probabilities, expected, atol=2e-4)
            num_equal += np.count_nonzero(ids == expected_ids)
            num_all += ids.size
            found_ids.update(ids.flatten().tolist())
    assert num_equal / num_all >= SMALLEST_EQUAL_SHARE
    assert len(found_ids) > 1
    return path


def batches(*sizes: tuple[int, int]) -> list[np.ndarray]:
    """One image of each size, and three together."""
    return [
        random_network.random_images(number, *size, seed=number)
        for size in sizes
        for number in (1, 3)
    ]


def varied(**changes) -> ModelOptions:
    return dataclasses.replace(OPTIONS, **changes)


CELL = (
    {"kernel": 3, "rate": [1, 2], "op": "conv", "input": -1},
    {"op": "pyramid_pooling", "grid_size": [2, 2], "input": 0},
    {"kernel": 1, "op": "conv", "input": 1},
)
NETWORKS = {
    "every part": (OPTIONS, {}),
    "no decoder": (varied(decoder_output_stride=(), decoder_use_gradient=False), {}),
    "no aspp": (
        varied(
            aspp_with_batch_norm=False,
            decoder_output_stride=(),
            decoder_use_gradient=False,
            logits_kernel_size=3,
        ),
        {},
    ),
    "dense convolutions": (
        varied(aspp_with_separable_conv=False, decoder_use_separable_conv=False),
        {},
    ),
    "prediction cell": (
        varied(dense_prediction_cell_config=CELL, atrous_rates=None, aspp_convs_filters=256),
        {},
    ),
    "mobilenet_v3": (
        varied(
            model_variant="mobilenet_v3_small_seg",
            output_stride=32,
            aspp_with_squeeze_and_excitation=True,
            image_se_uses_qsigmoid=True,
            aspp_with_concat_projection=False,
            image_pooling_crop_size=(33, 33),
            image_pooling_stride=(1, 1),
            atrous_rates=(),
            decoder_output_stride=(8,),
            decoder_use_gradient=False,
            decoder_use_sum_merge=True,
            decoder_filters=5,
            num_classes=5,
            decoder_output_is_logits=True,
        ),
        {},
    ),
    "classes before the resize": (varied(prediction_with_upsampled_logits=False), {}),
    "pyramid": (varied(image_pyramid=(0.5, 1.0), merge_method="avg"), {}),
    "several scales and mirror images": (
        OPTIONS,
        {"scales": (0.75, 1.0, 1.25), "add_flipped": True},
    ),
    "resized": (
        OPTIONS,
        {"resize": ResizeOptions(min_resize_value=33, max_resize_value=49, resize_factor=4)},
    ),
    "static": (OPTIONS, {"static_graph": True}),
}


@pytest.mark.parametrize(("options", "how"), NETWORKS.values(), ids=NETWORKS)
def test_networks(tmp_path, options, how):
    crop = (65, 65) if options.output_stride == 32 else CROP
    path = random_network.write(tmp_path, options, crop, optimize=False, **how)
    sizes = [crop, (30, 41)]
    if "resize" in how:
        sizes = [(30, 41), (90, 70)]
    assert_same_answers(path, batches(*sizes))


def test_a_crop_that_logits_do_not_divide(tmp_path):
    options = varied(output_stride=8, atrous_rates=(2, 3), multi_grid=(1, 2, 1))
    assert_same_answers(random_network.write(tmp_path, options, CROP), batches(CROP, (1, 1)))


@pytest.mark.parametrize("preprocessing", ["inception", "vgg"])
@pytest.mark.parametrize("variant", ["mobilenet_v2", "resnet_v1_18"])
def test_classifiers(tmp_path, variant, preprocessing):
    compare_classifier(tmp_path, variant, preprocessing)


def compare_classifier(
    folder, variant: str, preprocessing: str, size: int = 64, **how: float
) -> None:
    options = ClassifierOptions(num_classes=3, model_variant=variant)
    view = ViewOptions(image_size=size, preprocessing=preprocessing, labels_offset=0)
    described = dataclasses.replace(tiny_classifier.DESCRIPTION, model=options, view=view)
    checkpoint = tiny_classifier.save(folder, described, **how)
    path = tiny_classifier.write(folder, checkpoint, options, view)
    images = [
        np.stack([tiny_classifier.random_image(seed, *sides) for seed in range(first, first + 8)])
        for first, sides in enumerate([(64, 64), (50, 71), (300, 123)])
    ]
    assert_same_answers(path, [*images, images[1][:1]])


@pytest.mark.slow
@pytest.mark.parametrize("variant", registry.ENCODERS)
@pytest.mark.parametrize("output_stride", [8, 16])
def test_every_encoder(tmp_path, variant, output_stride):
    options = ModelOptions(
        num_classes=5,
        model_variant=variant,
        output_stride=output_stride,
        atrous_rates=(2, 4),
        decoder_output_stride=(4,),
        decoder_use_gradient=True,
        aspp_convs_filters=16,
        decoder_filters=16,
    )
    assert_same_answers(random_network.write(tmp_path, options, (65, 65)), batches((65, 65)))


@pytest.mark.slow
@pytest.mark.parametrize("variant", registry.CLASSIFIERS)
def test_every_classifier(tmp_path, variant):
    preprocessing = registry.CLASSIFIERS[variant].classifier.preprocessing
    # Deep networks with random weights see images nearly alike: logits that are to differ more hold
    # differences of numbers of 10,000, of which rounding leaves 0.03.
    compare_classifier(tmp_path, variant, preprocessing, size=96, spread=0.02)


def test_the_file_says_what_it_is_and_can_be_cut(tmp_path):
    metadata = {"class_names": ["sky", "Bäume", "way"], "crop_size": list(CROP)}
    pb_path = random_network.write(tmp_path, OPTIONS, CROP, metadata=metadata)
    model = onnx.load(onnx_runs.write(pb_path))
    described = {each.key: each.value for each in model.metadata_props}
    fingerprint = export_file.read_export(pb_path).metadata.fingerprint
    assert json.loads(described["description"]) == {**metadata, "fingerprint": fingerprint}
    (given,) = model.graph.input
    assert [d.dim_param or d.dim_value for d in given.type.tensor_type.shape.dim] == [
        *("batch", "height", "width"),
        3,
    ]
    inside = {each.name for each in model.graph.value_info}
    assert inside == {"NetworkImage", "NetworkGradient", "SemanticLogits"}
    made = {output: node for node in model.graph.node for output in node.output}
    assert inside <= made.keys()
    # All that follows goes through them.
    readers = [node for node in model.graph.node if "SemanticLogits" in node.input]
    assert readers
    beside = made["SemanticLogits"].input[0]
    assert sum(beside in node.input for node in model.graph.node) == 1


def test_an_image_that_does_not_fit_is_refused(tmp_path):
    path = onnx_runs.write(random_network.write(tmp_path, OPTIONS, CROP))
    session = onnx_runs.session_of(path)
    for size in ((50, 10), (10, 66), (50, 66)):
        with pytest.raises(Exception, match=r"Name:'preprocess/image_larger_than_49x65(_\d+)?/"):
            session.run(None, {contract.INPUT: np.zeros([1, *size, 3], np.uint8)})


def test_operations_that_onnx_lacks_are_named(tmp_path):
    with tf.Graph().as_default() as graph:
        values = tf.placeholder(tf.float32, [4], name="input")
        tf.identity(tf.math.lgamma(values) + tf.raw_ops.Erfinv(x=values), name="output")
    path = tmp_path / "model.onnx"
    with pytest.raises(ValueError, match="cannot be written as ONNX: Erfinv, Lgamma"):
        onnx_file.convert(graph.as_graph_def(), b"", "input", ["output"], [], str(path))
    assert list(tmp_path.iterdir()) == []


def test_without_the_package_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.setattr(onnx_file.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"not installed \(onnx\): run make setup-onnx"):
        onnx_file.require_package()
