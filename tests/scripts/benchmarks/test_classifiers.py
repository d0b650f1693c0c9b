"""The classifiers of the benchmarks: contenders, the plain step, conversion of resizing."""

import dataclasses

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from classification.objective import training_graph
from classification.options import ObjectiveOptions
from reference import comparison
from scripts.benchmarks import batches, classifiers, classify_train, rounds
from scripts.benchmarks.peers import convert
from scripts.benchmarks.plain import classify_train as plain
from scripts.benchmarks.rounds import Result
from scripts.benchmarks.settings import Settings


def test_labeled_images_are_those_of_the_input_pipeline():
    batch = batches.labeled_images(3, 16, 10)
    assert batch["image"].shape == (3, 16, 16, 3)
    assert batch["image"].dtype == np.float32
    assert 200 < batch["image"].max() <= 255
    assert batch["label"].shape == (3,)
    assert batch["label"].dtype == np.int32
    assert set(batch["label"]) <= set(range(10))


@pytest.mark.slow
def test_plain_resnet_has_our_losses():
    """tf_slim's network is ours: with the same weights, all losses are equal."""
    batch = batches.labeled_images(2, 64, 10)
    model = dataclasses.replace(
        classifiers.model_options("resnet_v1_50", 10), dropout_keep_prob=1.0
    )
    losses = []
    for add_losses in (
        lambda tensors: plain.add_losses(tensors, "resnet_v1_50", 10),
        lambda tensors: training_graph.build_clone(tensors, model, ObjectiveOptions()),
    ):
        with tf.Graph().as_default(), tf.Session() as session:
            add_losses({name: tf.constant(value) for name, value in batch.items()})
            comparison.fill_variables(session)
            names = sorted(variable.op.name for variable in tf.global_variables())
            fetches = [tf.losses.get_losses(), tf.losses.get_regularization_loss()]
            losses.append((names, *session.run(fetches)))
    (plain_names, plain_loss, plain_decay), (names, loss, decay) = losses
    assert plain_names == names
    assert plain_loss == pytest.approx(loss, rel=1e-4)
    assert plain_decay == pytest.approx(decay, rel=1e-5)
    assert plain_decay > 0


@pytest.mark.parametrize(
    ("network", "names"),
    [
        ("resnet_v1_18", ["plain graph", "ours", "ours, --recompute_activations"]),
        (
            "densenet121",
            ["plain graph", "ours", "ours, --norecompute_activations", "torchvision"],
        ),
    ],
)
def test_training_contenders_of_a_network(tmp_path, monkeypatch, network, names):
    seen = []

    def measure(contenders, *_, **__):
        seen.extend(contenders)
        return [Result(each.name, each.is_peer, (1.0,)) for each in contenders]

    monkeypatch.setattr(rounds, "measure", measure)
    settings = Settings(work_dir=str(tmp_path), report=lambda line: None)
    (table,) = classify_train.run(settings, [(network, 32, 2)])
    assert [result.name for result in table.results] == names
    recompute = ['"recompute_activations": true' in each.command[-1] for each in seen]
    assert recompute[1:3] == ([True, False] if network == "densenet121" else [False, True])


def test_bytes_become_floats_before_they_are_resized():
    image = np.arange(48, dtype=np.uint8).reshape([1, 4, 4, 3])
    with tf.Graph().as_default() as graph:
        resized = tf.image.resize_bilinear(tf.placeholder(tf.uint8, [1, 4, 4, 3], "in"), [2, 2])
        tf.identity(resized, "out")
        graph_def = graph.as_graph_def()
    before = _run(graph_def, image)
    convert._resize_floats(graph_def)
    (resize,) = (node for node in graph_def.node if node.op == "ResizeBilinear")
    assert resize.attr["T"].type == tf.float32.as_datatype_enum
    np.testing.assert_array_equal(_run(graph_def, image), before)


def _run(graph_def, image):
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        with tf.Session(graph=graph) as session:
            return session.run("out:0", {"in:0": image})
