"""Classifiers against the networks that published checkpoints are for.

Reference outputs of tf_slim's and pudae's own code lie beside the checkout; what they do not hold
is compared with tf_slim's networks here, or with the published numbers of variables.
"""

import json
import zlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
import tf_slim as slim
from PIL import Image
from tf_slim.nets import inception_v3, resnet_v1, vgg

from nets import classifier, densenet, registry
from nets.batch_norm import BatchNormMode
from tests.support import sessions

OPTIONS = {
    "multi_grid": None,
    "depth_multiplier": 1.0,
    "divisible_by": None,
    "use_bounded_activation": False,
}
# Of the largest logit.
LARGEST_ERROR = 2e-4
NETWORKS = ["resnet_v1_50", "resnet_v1_101", "inception_v3", "densenet121", "densenet169"]
# In the reference, but no classifier: the network of an article, under names of its own.
ARTICLE = "densenet_seed"
BATCH_NORM = ("gamma", "beta", "moving_mean", "moving_variance")
OTHERS = {ARTICLE}


@pytest.fixture(scope="module")
def reference(shared):
    """Entries by name, and arrays."""
    folder = shared / "conformance-siblings"
    if not folder.is_dir():
        pytest.skip(f"needs the reference outputs in {folder}, which are not there")
    with np.load(folder / "nets.npz") as arrays:
        return json.loads((folder / "index.json").read_text())["nets"], dict(arrays)


def weight(name, shape, gain):
    """The value that the reference gave a variable: a function of its name."""
    random = np.random.RandomState(zlib.crc32(name.encode()) & 0xFFFFFFFF)
    kind = name.rsplit("/", 1)[-1]
    if kind in ("gamma", "moving_variance"):
        return random.uniform(0.8, 1.2, shape).astype(np.float32)
    if kind in ("beta", "moving_mean", "biases"):
        return random.normal(0, 0.1, shape).astype(np.float32)
    value = random.normal(0, np.sqrt(1.3 / np.prod(shape[:-1])), shape).astype(np.float32)
    return value * np.float32(np.sqrt(gain / 1.3))


def fill(session, gain):
    values = {
        variable.initializer.inputs[1]: weight(variable.op.name, variable.shape.as_list(), gain)
        for variable in tf.global_variables()
    }
    session.run([variable.initializer for variable in tf.global_variables()], values)


def classify(images, name, num_classes, is_training=False):
    return classifier.classify(
        tf.constant(images, tf.float32),
        name,
        num_classes=num_classes,
        is_training=is_training,
        dropout_keep_prob=1.0,
        weight_decay=0.0,
        batch_norm=BatchNormMode(),
        options=OPTIONS,
    )


def shapes():
    return {variable.op.name: variable.shape.as_list() for variable in tf.global_variables()}


def num_trainable():
    return sum(variable.shape.num_elements() for variable in tf.trainable_variables())


def error(actual, expected):
    """The largest difference over the largest value."""
    assert actual.shape == expected.shape
    return np.abs(actual - expected).max() / np.abs(expected).max()


def test_every_network_of_the_reference_is_compared(reference):
    assert set(reference[0]) - OTHERS <= set(NETWORKS)


@pytest.mark.parametrize("name", NETWORKS)
def test_logits_and_variables_are_the_reference_s(reference, name):
    entries, arrays = reference
    if name not in entries:
        pytest.skip(f"the reference has no {name}")
    entry = entries[name]
    images = arrays["image_299" if name == "inception_v3" else "image_224"][None]
    num_classes = entry["outputs"]["logits"][1]
    with tf.variable_scope(tf.get_variable_scope(), reuse=tf.AUTO_REUSE):
        logits, end_points = classify(images, name, num_classes)
        if name == "inception_v3":  # Its published variables are those of training.
            classify(images, name, num_classes, is_training=True)
    assert shapes() == entry["variables"]
    assert num_trainable() == entry["trainable_parameters"]
    with sessions.unoptimized() as session:
        fill(session, entry["weight_gain"])
        logits, end_points = session.run([logits, end_points])
    assert error(logits, arrays[f"{name}_logits"]) <= LARGEST_ERROR
    if name == "inception_v3":
        # Kept in 16 bits.
        assert error(end_points["Mixed_7c"], arrays[f"{name}_mixed_7c"].astype(float)) <= 1e-3
        mean = end_points["Mixed_6e"].mean(axis=(1, 2))
        assert error(mean, arrays[f"{name}_mixed_6e_mean"]) <= LARGEST_ERROR


def build_article(images):
    """The article's DenseNet, of our units: no pooling first, 24 channels after each block."""
    arguments = {"activation_fn": None, "biases_initializer": None}
    normalizer = BatchNormMode().slim_params(0.9, 1e-3)
    with (
        slim.arg_scope([slim.conv2d], **arguments),
        slim.arg_scope([densenet._normalized], **normalizer),
    ):
        net = slim.conv2d(2.0 / 255.0 * images - 1.0, 48, 7, stride=2, scope="root")
        for block, length in enumerate((6, 12, 48, 32), start=1):
            for unit in range(length):
                with tf.variable_scope(f"block{block}/unit{unit}"):
                    net = densenet._unit(net, 24, rate=1)
            is_last = block == 4
            with tf.variable_scope(f"transition{block}"):
                net = slim.conv2d(densenet._normalized(net), 512 if is_last else 24, 1)
            if not is_last:
                net = slim.avg_pool2d(net, 2, stride=2)
        with tf.variable_scope("code"):
            return tf.reduce_mean(densenet._normalized(net), axis=[1, 2])


def test_units_make_the_code_of_the_article_s_densenet(reference):
    """Its variables are known by the order in which they are made: their names are numbers."""
    entries, arrays = reference
    if ARTICLE not in entries:
        pytest.skip(f"the reference has no {ARTICLE}")
    entry = entries[ARTICLE]
    code = build_article(tf.constant(arrays["image_299"][None], tf.float32))
    values = {}
    for ours, theirs in {"weights": "kernel", **{name: name for name in BATCH_NORM}}.items():
        made = [each for each in tf.global_variables() if each.op.name.endswith(f"/{ours}")]
        names = [name for name in entry["variables"] if name.endswith(f"/{theirs}")]
        assert [each.shape.as_list() for each in made] == [entry["variables"][n] for n in names]
        for variable, name in zip(made, names, strict=True):
            shape = entry["variables"][name]
            values[variable.initializer.inputs[1]] = weight(name, shape, entry["weight_gain"])
    assert len(values) == len(entry["variables"]) == len(tf.global_variables())
    assert num_trainable() == entry["trainable_parameters"]
    with sessions.unoptimized() as session:
        session.run([variable.initializer for variable in tf.global_variables()], values)
        code = session.run(code)
    assert error(code, arrays[f"{ARTICLE}_code"]) <= 1e-5


def test_densenet_im2txt_keeps_what_the_article_s_forgets():
    _, end_points = classify(np.zeros([1, 64, 64, 3], np.float32), "densenet_im2txt", 3)
    found = {name.removeprefix("densenet_im2txt/"): shape for name, shape in shapes().items()}
    assert found["conv1/weights"] == [7, 7, 3, 48]
    assert [found[f"transition_block{block}/blk/Conv/weights"][2:] for block in (1, 2, 3)] == [
        [192, 96],
        [384, 192],
        [1344, 672],
    ]
    assert found["code_block/Conv/weights"] == [1, 1, 1440, 512]
    assert end_points["dense_block1"].shape[1:3] == (16, 16)  # Pooled before it.
    assert end_points["pooled"].shape == (1, 512)
    encoder = registry.classifier("densenet_im2txt")
    assert encoder.depth == 512
    # As research/im2txt sees images.
    assert (encoder.mean_pixel, encoder.scale) == ((127.5,) * 3, 2 / 255)


@pytest.mark.parametrize(
    ("name", "num_variables", "num_parameters"),
    [
        # Torchvision's where there is no number of variables: its layers are as many.
        ("mobilenet_v3_large", None, 5_483_032),
        ("mobilenet_v3_small", None, 2_542_856),
        ("mobilenet_edgetpu", 292, 4_091_432),
        ("resnet_v1_18", None, 11_689_512),
        ("resnet_v1_34", None, 21_797_672),
        ("resnet_v1_50", 267, 25_557_032),
        ("vgg_16", 32, 138_357_544),
        ("vgg_19", 38, 143_667_240),
        ("densenet121", 606, 7_978_856),
        *(
            pytest.param(*values, marks=pytest.mark.slow)
            for values in (
                ("resnet_v1_101", 522, 44_549_160),
                ("resnet_v1_152", None, 60_192_808),
                ("densenet161", None, 28_681_000),
                ("densenet169", 846, 14_149_480),
                ("densenet201", None, 20_013_928),
            )
        ),
    ],
)
def test_networks_have_the_published_number_of_variables(name, num_variables, num_parameters):
    classify(np.zeros([1, 224, 224, 3]), name, 1000, is_training=True)
    assert num_trainable() == num_parameters
    if num_variables is not None:
        assert len(shapes()) == num_variables


def run_both(ours, theirs, gain):
    """Builds both, each in its graph, and returns their variables' shapes and logits."""
    found = []
    for build in (ours, theirs):
        with tf.Graph().as_default(), sessions.unoptimized() as session:
            logits = build()
            fill(session, gain)
            found.append((shapes(), session.run(logits)))
    return found


IMAGES = np.random.RandomState(3).uniform(0, 255, [1, 224, 224, 3])
SLIM_MEAN = np.array([123.68, 116.78, 103.94])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet_v1_101", "resnet_v1_152"])
def test_resnets_equal_tf_slim_s(name):
    images = IMAGES[:, :97, :129]
    normalizer = BatchNormMode().slim_params(0.997, 1e-5)

    def theirs():
        network = getattr(resnet_v1, name)
        # What slim's `resnet_arg_scope` sets, but for its batch norm.
        with (
            slim.arg_scope([slim.conv2d], activation_fn=tf.nn.relu, **normalizer),
            slim.arg_scope([slim.max_pool2d], padding="SAME"),
        ):
            logits, _ = network(tf.constant(images - SLIM_MEAN, tf.float32), 11, is_training=False)
        return logits

    (our_shapes, actual), (their_shapes, expected) = run_both(
        lambda: classify(images, name, 11)[0], theirs, 1.3
    )
    assert our_shapes == their_shapes
    assert error(actual, expected.reshape([1, 11])) <= LARGEST_ERROR


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vgg_16", "vgg_19"])
def test_vggs_equal_tf_slim_s(name):
    def theirs():
        network = getattr(vgg, name)
        return network(tf.constant(IMAGES - SLIM_MEAN, tf.float32), 11, is_training=False)[0]

    (our_shapes, actual), (their_shapes, expected) = run_both(
        lambda: classify(IMAGES, name, 11)[0], theirs, 2.0
    )
    assert our_shapes == their_shapes
    assert error(actual, expected) <= LARGEST_ERROR


def test_the_auxiliary_logits_equal_tf_slim_s():
    images = np.random.RandomState(3).uniform(0, 255, [1, 299, 299, 3])
    normalizer = BatchNormMode().slim_params(0.9997, 1e-3, scale=False)

    def theirs():
        with slim.arg_scope([slim.conv2d], activation_fn=tf.nn.relu, **normalizer):
            _, end_points = inception_v3.inception_v3(
                tf.constant(images / 127.5 - 1, tf.float32), 11, is_training=False
            )
        return end_points["AuxLogits"]

    (our_shapes, actual), (their_shapes, expected) = run_both(
        lambda: classify(images, "inception_v3", 11, is_training=True)[1]["AuxLogits"], theirs, 2.0
    )
    assert our_shapes == their_shapes
    assert error(actual, expected) <= LARGEST_ERROR


def test_published_mobilenet_v2_has_every_variable(shared):
    path = shared / "pretrained" / "mobilenet_v2_imagenet" / "model.ckpt"
    published = tf.train.load_checkpoint(str(path)).get_variable_to_shape_map()
    classify(np.zeros([1, 224, 224, 3]), "mobilenet_v2", 1001)
    ours = shapes()
    assert {name: published.get(name) for name in ours} == ours
    assert published.keys() - ours.keys() <= {"global_step"}


# Their places among the 1001 published classes.
IMAGENETTE = {
    "n01440764": 1,
    "n02102040": 218,
    "n02979186": 483,
    "n03000684": 492,
    "n03028079": 498,
    "n03394916": 567,
    "n03417042": 570,
    "n03425413": 572,
    "n03445777": 575,
    "n03888257": 702,
}


def test_published_mobilenet_v2_recognizes_images(shared):
    folder = shared / "siblings" / "imagenette160" / "val"
    if not folder.is_dir():
        pytest.skip(f"needs the images in {folder}, which are not there")
    images, labels = [], []
    for class_folder in sorted(folder.iterdir()):
        for path in sorted(class_folder.iterdir())[:3]:
            image = Image.open(path).convert("RGB").resize([224, 224], Image.Resampling.BILINEAR)
            images.append(np.asarray(image))
            labels.append(IMAGENETTE[class_folder.name.partition("_")[0]])
    logits, _ = classify(np.stack(images), "mobilenet_v2", 1001)
    with sessions.unoptimized() as session:
        path = shared / "pretrained" / "mobilenet_v2_imagenet" / "model.ckpt"
        tf.train.Saver(tf.global_variables()).restore(session, str(path))
        logits = session.run(logits)
    known = np.array(list(IMAGENETTE.values()))
    found = known[logits[:, known].argmax(axis=1)]
    assert np.mean(found == labels) >= 0.9
    # Of all classes: many of these images are small, and show what is another class, too.
    assert np.mean(logits.argmax(axis=1) == labels) >= 0.5


def test_published_vgg_16_has_our_convolutions(shared):
    path = shared / "siblings" / "pretrained" / "vgg_16_conv_float16.npz"
    if not path.is_file():
        pytest.skip(f"needs {path}, which is not there")
    with np.load(path) as arrays:
        published = {name: list(arrays[name].shape) for name in arrays}
    registry.encoder("vgg_16").build(
        tf.zeros([1, 64, 64, 3]), output_stride=32, weight_decay=0.0, batch_norm=BatchNormMode()
    )
    assert shapes() == published
