"""Scores of a checkpoint, against what the network says of each image by itself."""

import dataclasses

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from classification.data import preprocess
from classification.evaluation.evaluator import Evaluation, Evaluator
from classification.evaluation.validation import ClassificationValidator
from classification.options import ModelOptions, ViewOptions
from classification.run_description import RunDescription
from nets import classifier
from nets.batch_norm import BatchNormMode
from tests.support import labeled_images

DESCRIPTION = RunDescription(
    ModelOptions(num_classes=3, model_variant="mobilenet_v3_small_seg", depth_multiplier=0.25),
    ViewOptions(image_size=32, preprocessing="inception"),
    dataset_name="squares",
    class_names=tuple(labeled_images.COLORS),
)


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    return labeled_images.write(str(tmp_path_factory.mktemp("records")), val=14)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> str:
    """A checkpoint of random weights."""
    path = str(tmp_path_factory.mktemp("run") / "model.ckpt")
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(3)
        _probabilities(tf.zeros([1, 32, 32, 3]))
        step = tf.train.get_or_create_global_step()
        session.run(tf.global_variables_initializer())
        session.run(tf.assign(step, 7))
        return tf.train.Saver().save(session, path, global_step=7)


def _probabilities(images: tf.Tensor) -> tf.Tensor:
    model = DESCRIPTION.model
    logits, _ = classifier.classify(
        images,
        model.model_variant,
        num_classes=3,
        is_training=False,
        dropout_keep_prob=1.0,
        weight_decay=0.0,
        batch_norm=BatchNormMode(),
        options=model.encoder_options(),
    )
    return tf.nn.softmax(logits)


def test_scores_are_those_of_single_images(spec, checkpoint):
    evaluator = Evaluator(spec, "val", DESCRIPTION, batch_size=5)
    evaluator.restore(checkpoint)
    seen = []
    evaluation = evaluator.score(seen.append)
    evaluator.close()

    with tf.Graph().as_default(), tf.Session() as session:
        jpeg = tf.placeholder(tf.string, [])
        view = preprocess.evaluation_image(preprocess.decode(jpeg), DESCRIPTION.view)
        probabilities = _probabilities(view[tf.newaxis])
        tf.train.Saver(tf.global_variables()).restore(session, checkpoint)
        expected = []
        for name in (name for batch in seen for name in batch.image_names):
            color, number = name.decode().split("/")
            label = list(labeled_images.COLORS).index(color)
            file = labeled_images.encode(labeled_images.draw(label, int(number)))
            expected.append(session.run(probabilities, {jpeg: file})[0])
    found = np.concatenate([batch.probabilities for batch in seen])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    labels = np.concatenate([batch.labels for batch in seen])
    assert evaluation.metrics.accuracy == np.mean(found.argmax(1) == labels)
    assert (evaluation.step, evaluation.num_images, evaluation.split) == (7, 42, "val")
    assert evaluation.confusion.sum() == 42
    assert evaluation.batch_statistics_accuracy is not None
    assert evaluation.num_compared == 32


def test_images_without_names_are_compared_too(spec, checkpoint, tmp_path):
    """Records of research/slim's flowers have no file names."""
    unnamed = labeled_images.write(str(tmp_path / "unnamed"), has_names=False, val=3)
    evaluations = []
    for each in (unnamed, labeled_images.write(str(tmp_path / "named"), val=3)):
        evaluator = Evaluator(each, "val", DESCRIPTION)
        evaluator.restore(checkpoint)
        evaluations.append(evaluator.score())
        evaluator.close()
    without, named = evaluations
    assert without.num_compared == named.num_compared == 9
    assert without.compared_accuracy == named.compared_accuracy == named.metrics.accuracy
    assert without.batch_statistics_accuracy == named.batch_statistics_accuracy


def test_the_validator_scores_alike_and_says_how(spec, checkpoint):
    validator = ClassificationValidator(spec, DESCRIPTION, True, False)
    score = validator.score(checkpoint)
    validator.close()
    evaluator = Evaluator(spec, "val", DESCRIPTION, compares_statistics=False)
    evaluator.restore(checkpoint)
    evaluation = evaluator.score()
    evaluator.close()
    assert (score.metric, score.value) == ("accuracy", evaluation.metrics.accuracy)
    assert score.conditions["image_size"] == 32
    assert score.conditions["dataset"] == "squares"
    assert evaluation.batch_statistics_accuracy is None


def _evaluation(batch: float | None, moving: float | None) -> Evaluation:
    return Evaluation("x", 1, "val", 9, np.eye(3), None, batch, moving, 64, 0.0)


def test_it_warns_where_batch_statistics_would_score_ten_points_more():
    assert _evaluation(None, None).warning() is None
    assert _evaluation(0.9, 0.8).warning() is None
    assert "90% of 64 images would be right, with the moving statistics 75%" in (
        _evaluation(0.9, 0.75).warning()
    )


def test_another_number_of_classes_is_refused(spec):
    model = dataclasses.replace(DESCRIPTION.model, num_classes=4)
    wrong = dataclasses.replace(DESCRIPTION, model=model, class_names=())
    with pytest.raises(ValueError, match=r"network has 4 classes, but dataset 'squares' .* has 3"):
        Evaluator(spec, "val", wrong)
