"""What the training loop is told of classification."""

import dataclasses

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from classification.options import AugmentationOptions, ObjectiveOptions
from classification.run_description import read_description
from classification.task import ClassificationTask
from nets import recomputation
from tests.support import labeled_images, tiny_classifier


@pytest.fixture
def make_task(tmp_path):
    spec = labeled_images.write(str(tmp_path / "squares"), train=2)

    def make(**objective) -> ClassificationTask:
        description = dataclasses.replace(
            tiny_classifier.DESCRIPTION, dataset_name=spec.name, class_names=spec.class_names
        )
        return ClassificationTask(
            spec, "train", description, AugmentationOptions(), ObjectiveOptions(**objective), 1
        )

    return make


@pytest.mark.parametrize(
    ("recompute", "words"), [(None, ""), (True, "batch norm, convolutions, copies"), (False, "")]
)
def test_what_is_recomputed_is_told_of_the_graph(make_task, recompute, words):
    task = make_task(recompute_activations=recompute)
    with tf.Graph().as_default():
        task.build_clone(tf.data.make_one_shot_iterator(task.open_batches(2, 1)).get_next())
        tf.gradients(tf.losses.get_total_loss(), tf.trainable_variables())
        assert recomputation.describe() == words


def test_batches_follow_their_seed_and_are_described_by_files_and_labels(make_task):
    task = make_task()
    descriptions = []
    with tf.Graph().as_default(), tf.Session() as session:
        for seed in (1, 1, 2):
            batch = tf.data.make_one_shot_iterator(task.open_batches(2, seed)).get_next()
            descriptions.append(session.run((batch, task.describe_batch(batch))))
    (first, facts), (same, _), (other, _) = descriptions
    colors = list(labeled_images.COLORS)
    names = [name.decode() for name in facts["files"]]
    assert [colors.index(name.split("/")[0]) for name in names] == list(facts["labels"])
    np.testing.assert_array_equal(first["image"], same["image"])
    assert (first["image"] != other["image"]).any()


def test_class_weights_that_do_not_fit_the_classes_are_refused(make_task):
    make_task(class_weights="1,2,3")
    with pytest.raises(ValueError, match=r"class_weights.*1,2"):
        make_task(class_weights="1,2")


def test_processes_of_a_cluster_share_what_is_learned_and_not_its_names(make_task):
    settings = make_task(label_smoothing=0.1).common_settings()
    assert settings["label_smoothing"] == 0.1
    assert settings["image_size"] == 32
    assert settings["model_variant"] == "xception_tiny"
    assert not {"dataset_name", "model", "view", "recompute_activations"} & set(settings)


def test_description_is_written_beside_the_checkpoints(make_task, tmp_path):
    task = make_task()
    assert task.write_beside_checkpoints(str(tmp_path)) == str(tmp_path / "options.json")
    assert read_description(str(tmp_path)) == task.description
