"""Exports of research/deeplab and ours: equal pixel by pixel, and served alike."""

import tarfile

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deeplab import inference_graph
from deeplab.options import ModelOptions, ResizeOptions
from reference import comparison
from serving.deeplab_model import DeepLabModel
from tests.support import published_export

OPTIONS = ModelOptions(num_classes=4, model_variant="mobilenet_v2", depth_multiplier=0.25)
CROP = (65, 81)
OUTPUTS = ["SemanticPredictions:0", "SemanticProbabilities:0"]
# How an export treats images, and sizes (height, width) that tell ways of doing so apart.
WAYS = {
    "padded": ({}, [CROP, (64, 80), (33, 81), (40, 17), (1, 1)]),
    "resized": (
        {"min_resize_value": 33, "max_resize_value": 65, "resize_factor": 16},
        # The last but one becomes 33x65; float32 makes 33 of 45 a pixel too few.
        [(50, 70), (45, 45), (20, 100), (300, 201), (7, 9)],
    ),
    "square": (
        {"min_resize_value": 40, "max_resize_value": 65, "keep_aspect_ratio": False},
        [(45, 70), (100, 31)],
    ),
}


def random_image(size: tuple[int, int]) -> np.ndarray:
    """An image with few colors in smooth patches, so that it has several classes."""
    random = np.random.RandomState(size[0] + size[1])
    patches = random.randint(0, 256, [size[0] // 8 + 1, size[1] // 8 + 1, 3], np.uint8)
    return patches.repeat(8, axis=0).repeat(8, axis=1)[: size[0], : size[1]]


def spread_classes(session: tf.Session) -> None:
    """Gives the network its reference weights, with logits that make every class win somewhere."""
    comparison.fill_variables(session)
    (weights,) = [v for v in tf.global_variables() if v.op.name == "logits/semantic/weights"]
    weights.load(np.random.RandomState(1).normal(0, 1, weights.shape.as_list()), session)


def build_ours(options: ModelOptions, crop_size: tuple[int, int], **how) -> None:
    resize = ResizeOptions(**how)
    inference_graph.build_inference_graph(options, crop_size=crop_size, resize=resize)


@pytest.fixture(scope="module", params=WAYS)
def both(request):
    """Two functions from an image to ids and probabilities: theirs, ours; and the sizes."""
    how, sizes = WAYS[request.param]
    runs = []
    for build in (published_export.build, build_ours):
        with tf.Graph().as_default() as graph:
            build(OPTIONS, crop_size=CROP, **how)
            session = tf.Session(graph=graph)
            spread_classes(session)
        runs.append(lambda image, s=session: s.run(OUTPUTS, {"ImageTensor:0": image[None]}))
    return *runs, sizes


def test_our_export_does_what_theirs_does_pixel_by_pixel(both):
    theirs, ours, sizes = both
    seen = set()
    for size in sizes:
        image = random_image(size)
        (their_ids, their_probabilities), (ids, probabilities) = theirs(image), ours(image)
        assert ids.dtype == their_ids.dtype == np.int32
        np.testing.assert_array_equal(ids, their_ids)
        np.testing.assert_allclose(probabilities, their_probabilities, atol=1e-5)
        seen |= set(ids.flat)
    assert len(seen) > 1


def test_what_fails_there_by_design_is_explained_here(both):
    theirs, ours, _ = both
    image = random_image((CROP[0] + 1, 30))
    try:
        their_ids, _ = theirs(image)
    except tf.errors.InvalidArgumentError:
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[66 30\].*at most 65 81"):
            ours(image)
    else:
        np.testing.assert_array_equal(ours(image)[0], their_ids)


@pytest.mark.parametrize("year", [2018, 2019])
def test_graphs_of_both_years_are_served(tmp_path, year):
    path = published_export.write(tmp_path / "frozen_inference_graph.pb", OPTIONS, CROP, year=year)
    with tarfile.open(tmp_path / "published.tar.gz", "w:gz") as archive:
        archive.add(path, "deeplabv3_mnv2/frozen_inference_graph.pb")
    with DeepLabModel(str(tmp_path / "published.tar.gz")) as served:
        assert served.crop_size == CROP
        assert served.num_classes == OPTIONS.num_classes
        assert served.has_probabilities == (year == 2019)
        assert not served.takes_batches
        images = [random_image(size) for size in WAYS["padded"][1]]
        ids = served.segment_batch([*images, random_image((130, 81))])
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        tf.import_graph_def(
            tf.GraphDef.FromString((tmp_path / "frozen_inference_graph.pb").read_bytes()), name=""
        )
        for image, result in zip(images, ids, strict=False):
            (expected,) = session.run("SemanticPredictions:0", {"ImageTensor:0": image[None]})
            np.testing.assert_array_equal(result, expected)
    assert ids[-1].shape == (130, 81)  # shrunk for the crop, and brought back


def test_a_graph_that_resizes_gets_large_images_as_they_are(tmp_path):
    how = WAYS["resized"][0]
    path = published_export.write(tmp_path / "graph.pb", OPTIONS, CROP, **how)
    image = random_image((300, 201))
    with DeepLabModel(path) as served:
        ids = served.segment(image)
    with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
        tf.import_graph_def(tf.GraphDef.FromString((tmp_path / "graph.pb").read_bytes()), name="")
        (expected,) = session.run("SemanticPredictions:0", {"ImageTensor:0": image[None]})
    np.testing.assert_array_equal(ids, expected)
