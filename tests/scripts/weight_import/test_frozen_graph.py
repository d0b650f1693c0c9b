"""Frozen graphs of a few nodes: what is found in them, and what is refused."""

import pathlib
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from scripts.weight_import.frozen_graph import FrozenGraph
from serving import contract

CROP = (9, 13)
KERNELS = {
    "net/Conv/weights": np.random.RandomState(0).uniform(-1, 1, [1, 1, 3, 4]),
    "net/aspp1/weights": np.random.RandomState(1).uniform(-1, 1, [3, 3, 4, 4]),
    "logits/semantic/weights": np.random.RandomState(2).uniform(-1, 1, [1, 1, 4, 5]),
    "logits/semantic/biases": np.linspace(-1, 1, 5),
}


def write(path: pathlib.Path, *, has_argmax: bool = True, rate: int = 2, fake_quant=False) -> str:
    with tf.Graph().as_default() as graph:
        constants = {
            name: tf.constant(np.float32(each), name=name) for name, each in KERNELS.items()
        }
        inputs = tf.placeholder(tf.uint8, [1, None, None, 3], name=contract.INPUT)
        image = tf.cast(tf.squeeze(inputs, axis=0), tf.float32)
        below, beside = tf.unstack(tf.constant(CROP) - tf.shape(image)[:2])
        image = tf.pad(image, [[0, below], [0, beside], [0, 0]])
        images = (2 / 255) * tf.expand_dims(image, 0) - 1
        net = tf.nn.conv2d(images, constants["net/Conv/weights"], 1, "SAME")
        if fake_quant:
            net = tf.quantization.fake_quant_with_min_max_args(net, -6, 6)
        net = tf.nn.relu(net)
        net = tf.nn.conv2d(
            net, constants["net/aspp1/weights"], 1, "SAME", dilations=[1, rate, rate, 1]
        )
        net = tf.nn.conv2d(net, constants["logits/semantic/weights"], 1, "SAME")
        net = tf.nn.bias_add(
            net, constants["logits/semantic/biases"], name="logits/semantic/BiasAdd"
        )
        if has_argmax:
            resized = tf.image.resize_bilinear(net, [20, 20], align_corners=True)
            net = tf.argmax(tf.nn.softmax(resized), axis=3)
        tf.identity(net, contract.PREDICTIONS)
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return str(path)


def stub_network(batch_norms=(), decoder_use_gradient: bool = False) -> SimpleNamespace:
    network = SimpleNamespace(
        batch_norms=batch_norms,
        options=SimpleNamespace(decoder_use_gradient=decoder_use_gradient),
        loaded={},
    )
    network.load = lambda values, path: network.loaded.update(values)
    return network


def test_facts_are_those_of_the_nodes(tmp_path):
    graph = FrozenGraph(write(tmp_path / "graph.pb"))
    assert graph.crop_size == graph.network_size == CROP
    assert graph.num_classes == 5
    assert graph.rates == {"net/aspp1": 2}
    assert graph.description is None
    assert not graph.is_quantized
    assert FrozenGraph(write(tmp_path / "rate.pb", rate=3)).rates == {"net/aspp1": 3}
    assert FrozenGraph(write(tmp_path / "int8.pb", fake_quant=True)).is_quantized


def test_it_runs_to_the_logits_before_resize_and_softmax(tmp_path):
    image = np.random.RandomState(3).randint(0, 256, [*CROP, 3]).astype(np.float32)
    normalized, logits = FrozenGraph(write(tmp_path / "graph.pb")).run(image)
    np.testing.assert_allclose(normalized, image * 2 / 255 - 1, atol=1e-5)
    assert logits.shape == (*CROP, 5)
    net = np.maximum(normalized @ KERNELS["net/Conv/weights"][0, 0], 0)
    padded = np.pad(net, [(2, 2), (2, 2), (0, 0)])
    net = sum(
        padded[2 * row : 2 * row + CROP[0], 2 * column : 2 * column + CROP[1]]
        @ KERNELS["net/aspp1/weights"][row, column]
        for row in range(3)
        for column in range(3)
    )
    expected = net @ KERNELS["logits/semantic/weights"][0, 0] + KERNELS["logits/semantic/biases"]
    np.testing.assert_allclose(logits, expected, atol=1e-4)


def test_a_network_is_filled_with_the_constants_of_its_variables(tmp_path):
    network = stub_network()
    FrozenGraph(write(tmp_path / "graph.pb")).fill(network, None)
    assert network.loaded.keys() == KERNELS.keys()
    for name, value in KERNELS.items():
        np.testing.assert_array_equal(network.loaded[name], np.float32(value))


def test_a_folded_batch_norm_cannot_be_brought_back(tmp_path):
    network = stub_network(batch_norms=("net/Conv",))
    with pytest.raises(ValueError, match=r"graph\.pb holds no batch norm: a tool has folded it in"):
        FrozenGraph(write(tmp_path / "graph.pb")).fill(network, None)
    assert network.loaded == {}


def test_a_graph_without_classes_is_no_segmentation_network(tmp_path):
    path = write(tmp_path / "other.pb", has_argmax=False)
    with pytest.raises(ValueError, match=r"other\.pb is not a segmentation network: it has no Arg"):
        FrozenGraph(path)


def test_an_image_that_the_graph_refuses_is_told_with_its_file(tmp_path):
    graph = FrozenGraph(write(tmp_path / "graph.pb"))
    with pytest.raises(ValueError, match=r"graph\.pb cannot be run: ") as caught:
        graph.run(np.zeros([CROP[0] + 1, CROP[1], 3], np.float32))
    assert "\n" not in str(caught.value)
