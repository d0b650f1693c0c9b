"""The exported graph against the network itself, fed by hand."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets.segmentation import laplacian
from deeplab import inference_graph
from deeplab.network import model
from deeplab.options import ModelOptions, ResizeOptions
from reference import comparison
from serving import contract, upscaling
from serving.processing.segmentation import SegmentationProcessing

OPTIONS = ModelOptions(
    num_classes=5,
    model_variant="xception_tiny",
    atrous_rates=(1, 2),
    decoder_output_stride=(4,),
    decoder_use_gradient=True,
    aspp_convs_filters=16,
    decoder_filters=16,
)
CROP = (49, 65)
MEAN_PIXEL = 127.5


def random_images(*shape: int) -> np.ndarray:
    return np.random.RandomState(sum(shape)).randint(0, 256, [*shape, 3], np.uint8)


OUTPUTS = ["SemanticPredictions:0", "SemanticProbabilities:0"]


class Networks:
    """An exported graph, and the network beside it, fed by hand; both have the same weights."""

    def __init__(self, **how):
        with tf.Graph().as_default() as graph:
            inference_graph.build_inference_graph(OPTIONS, crop_size=CROP, **how)
            self._features = {
                "image": tf.placeholder(tf.float32, [1, *CROP, 3]),
                "laplacian": tf.placeholder(tf.float32, [1, *CROP, 1]),
            }
            self._prediction = model.predict(self._features, OPTIONS)
            self.graph = graph
            self._session = tf.Session()
            comparison.fill_variables(self._session)

    def export(self, images: np.ndarray) -> list[np.ndarray]:
        """Returns the exported graph's class ids and probabilities of a batch."""
        return self.run(OUTPUTS, images)

    def run(self, tensors: list[str], images: np.ndarray) -> list[np.ndarray]:
        """Returns tensors of the exported graph for a batch."""
        return self._session.run(tensors, {"ImageTensor:0": images})

    def by_hand(self, image: np.ndarray, gradient: np.ndarray) -> list[np.ndarray]:
        """Pads one image and its gradient with NumPy; returns the network's ids, probabilities."""
        below, beside = CROP[0] - image.shape[0], CROP[1] - image.shape[1]
        padding = [[0, below], [0, beside]]
        padded = np.pad(image.astype(np.float32), [*padding, [0, 0]], constant_values=MEAN_PIXEL)
        feed = {
            self._features["image"]: padded[None],
            self._features["laplacian"]: np.pad(gradient, padding)[None, ..., None],
        }
        return self._session.run([self._prediction.class_ids, self._prediction.probabilities], feed)


@pytest.fixture(scope="module")
def networks() -> Networks:
    return Networks()


@pytest.fixture(scope="module")
def resizing() -> Networks:
    """Those of an export that resizes images."""
    return Networks(resize=ResizeOptions(min_resize_value=33, max_resize_value=49))


def test_nodes_have_the_published_names_and_types(networks):
    expected = {
        "ImageTensor": (tf.uint8, [None, None, None, 3]),
        "SemanticPredictions": (tf.int32, [None, None, None]),
        "SemanticProbabilities": (tf.float32, [None, None, None, 5]),
        "RawSemanticPredictions": (tf.int32, [None, *CROP]),
        "RawSemanticProbabilities": (tf.float32, [None, *CROP, 5]),
    }
    for name, (dtype, shape) in expected.items():
        tensor = networks.graph.get_tensor_by_name(f"{name}:0")
        assert tensor.dtype == dtype
        assert tensor.shape.as_list() == shape
    assert {contract.INPUT, *contract.OUTPUTS} == set(expected)


@pytest.mark.parametrize("size", [CROP, (30, 65), (49, 1), (17, 23)])
def test_graph_equals_network_with_opencvs_gradient(networks, size):
    """So the gradient is that of the image: its border is not the padding's."""
    image = random_images(*size)
    labels, probabilities = networks.export(image[None])
    expected_labels, expected = networks.by_hand(image, laplacian.laplacian(image))
    window = (slice(None), slice(0, size[0]), slice(0, size[1]))
    np.testing.assert_allclose(probabilities, expected[window], atol=1e-6)
    np.testing.assert_array_equal(labels, expected_labels[window])
    assert np.ptp(probabilities, axis=3).max() > 0.05


def test_gradient_reaches_the_result(networks):
    image = random_images(*CROP)
    _, seeing = networks.export(image[None])
    _, blind = networks.by_hand(image, np.zeros(CROP))
    assert abs(seeing - blind).max() > 1e-2


def test_batch_equals_single_images(networks):
    images = random_images(3, 40, 50)
    labels, probabilities = networks.export(images)
    for index in range(3):
        single = networks.export(images[index : index + 1])
        np.testing.assert_array_equal(labels[index], single[0][0])
        np.testing.assert_allclose(probabilities[index], single[1][0], atol=1e-6)


@pytest.mark.parametrize(("size", "resized"), [((100, 131), (33, 43)), ((20, 25), (33, 41))])
def test_images_are_resized_to_the_range_and_back(resizing, size, resized):
    """The shorter side becomes 33, and image and gradient of the original are resized alike."""
    image = random_images(*size)
    gradient = laplacian.laplacian(image).astype(np.float32)[..., None]
    raw_labels, raw_probabilities = resizing.by_hand(
        upscaling.upscale_probabilities(image.astype(np.float32), resized),
        upscaling.upscale_probabilities(gradient, resized)[..., 0],
    )
    labels, probabilities = resizing.export(image[None])
    raw_probabilities = raw_probabilities[0, : resized[0], : resized[1]]
    np.testing.assert_allclose(
        probabilities[0], upscaling.upscale_probabilities(raw_probabilities, size), atol=2e-4
    )
    nearest = upscaling.upscale_ids(raw_labels[0, : resized[0], : resized[1]], size)
    assert np.mean(labels[0] == nearest) > 0.995  # rounding decides ties


def test_other_engines_processing_sees_images_equally_large():
    """Those that a crop does not hold once they are resized are shrunk to it."""
    resize = ResizeOptions(min_resize_value=33, max_resize_value=65)
    graph = Networks(resize=resize)
    metadata = contract.Metadata(
        crop_size=CROP, mean_pixel=(MEAN_PIXEL,) * 3, **resize.resize_values()
    )
    processing = SegmentationProcessing(metadata, True, "x.pb", 1)
    for size in [(90, 30), (64, 70), (3, 700), (700, 3), (60, 90), (61, 47), (1000, 777)]:
        image = random_images(*size)[None]
        seen, labels = graph.run([f"{contract.NETWORK_IMAGE}:0", OUTPUTS[0]], image)
        prepared = processing.prepare(image[0])[contract.NETWORK_IMAGE]
        assert labels.shape == (1, *size)
        np.testing.assert_array_equal(seen == MEAN_PIXEL, prepared == MEAN_PIXEL)
        np.testing.assert_allclose(seen, prepared, atol=0.01)
    processing.close()


def test_mirror_image_is_averaged_in():
    options = ModelOptions(num_classes=3, model_variant="xception_tiny")
    inference_graph.build_inference_graph(options, crop_size=CROP, add_flipped=True)
    image = random_images(*CROP)
    members = [
        model.predict({"image": tf.constant(view[None], tf.float32)}, options).probabilities
        for view in (image, image[:, ::-1])
    ]
    with tf.Session() as session:
        comparison.fill_variables(session)
        probabilities = session.run(OUTPUTS[1], {"ImageTensor:0": image[None]})
        plain, mirrored = session.run(members)
    np.testing.assert_allclose(probabilities, (plain + mirrored[:, :, ::-1]) / 2, atol=1e-6)
    assert abs(probabilities - plain).max() > 1e-2


@pytest.mark.parametrize("size", [(50, 65), (49, 66)])
def test_a_image_that_does_not_fit_is_named_with_the_fix(networks, size):
    with pytest.raises(
        tf.errors.InvalidArgumentError,
        match=rf"\[{size[0]} {size[1]}\].*at most 49 65.*--crop_size.*--min_resize_value",
    ):
        networks.export(random_images(1, *size))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"crop_size": (50, 65)}, "crop height is 50; expected .* 49 or 65"),
        ({"crop_size": CROP, "scales": ()}, "scales are"),
        ({"crop_size": CROP, "scales": (0.0, 1.0)}, r"scales are \(0.0, 1.0\)"),
        (
            {"crop_size": CROP, "resize": ResizeOptions(max_resize_value=33)},
            "min_resize_value is not given",
        ),
    ],
)
def test_options_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        inference_graph.build_inference_graph(OPTIONS, **arguments)


# Operations for which TensorFlow.js has no `execute`, or that its converter refuses, and further
# ones whose output has a size that only values tell.
DYNAMIC = {
    *("Where", "Unique", "UniqueV2", "BooleanMask", "NonMaxSuppressionV3", "TensorScatterUpdate"),
    *("Switch", "Merge", "Enter", "Exit", "NextIteration", "If", "StatelessIf", "While"),
    *("StatelessWhile", "PartitionedCall", "StatefulPartitionedCall", "Assert", "Print"),
}


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"resize": ResizeOptions(min_resize_value=33, max_resize_value=49, resize_factor=16)},
        {"scales": (0.5, 1.0), "add_flipped": True},
    ],
    ids=["padded", "resized", "scales"],
)
def test_static_graph_gives_the_same_ids_without_dynamic_operations(how):
    image = random_images(1, 33, 49) // 64 * 64
    results = []
    for static in (False, True):
        with tf.Graph().as_default() as graph, tf.Session() as session:
            inference_graph.build_inference_graph(
                OPTIONS, crop_size=CROP, fast_labels=True, static_graph=static, **how
            )
            comparison.fill_variables(session)
            biases = next(v for v in tf.global_variables() if v.op.name == "logits/semantic/biases")
            logits = session.run("SemanticLogits:0", {"ImageTensor:0": image})
            session.run(tf.assign_sub(biases, logits.mean(axis=(0, 1, 2))))
            results.append(session.run(OUTPUTS, {"ImageTensor:0": image}))
            output = graph.get_tensor_by_name("SemanticPredictions:0").op.name
            part = tf.graph_util.extract_sub_graph(graph.as_graph_def(), [output])
            operations = {node.op for node in part.node}
            dtypes = {t.dtype for op in graph.get_operations() for t in op.outputs}
        assert bool(operations & DYNAMIC) == (not static)
    assert tf.int64 not in dtypes  # of the static one
    (ids, probabilities), (static_ids, static_probabilities) = results
    assert len(np.unique(ids)) > 1
    np.testing.assert_array_equal(static_ids, ids)
    # Sums over scales and mirror images are rounded in the order in which threads get to them.
    np.testing.assert_allclose(static_probabilities, probabilities, rtol=1e-6)


def test_static_graph_refuses_a_image_that_does_not_fit():
    inference_graph.build_inference_graph(OPTIONS, crop_size=CROP, static_graph=True)
    with tf.Session() as session:
        comparison.fill_variables(session)
        for size in ((50, 65), (49, 66)):
            with pytest.raises(tf.errors.OpError, match="image_larger_than_49x65"):
                session.run(OUTPUTS, {"ImageTensor:0": random_images(1, *size)})
