"""Semantic segmentation as the training loop sees it."""

import dataclasses

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deeplab.options import InputOptions, ModelOptions, ObjectiveOptions
from deeplab.run_description import RunDescription, read_description
from deeplab.task import SegmentationTask
from nets import recomputation
from tests.support import tiny_dataset
from training.task import Task

CROP_SIZE = (33, 33)


@pytest.fixture
def task(tmp_path) -> SegmentationTask:
    images = [(f"image_{index}", *tiny_dataset.random_image(index, 30, 40)) for index in range(4)]
    spec = tiny_dataset.write(tmp_path, images)
    network = ModelOptions(3, model_variant="xception_tiny", decoder_use_gradient=False)
    description = RunDescription(
        model=network,
        dataset_name=spec.name,
        class_names=spec.class_names,
        palette=spec.palette,
        ignore_label=spec.ignore_label,
        train_crop_size=CROP_SIZE,
    )
    return SegmentationTask(
        spec,
        "train",
        description,
        InputOptions(crop_size=CROP_SIZE),
        ObjectiveOptions(),
        num_clones=1,
    )


def test_it_has_everything_that_the_loop_asks_of_a_task(task):
    members = {name for name in vars(Task) if not name.startswith("_")}

    assert members <= set(dir(task))
    assert "train_crop_size" in task.memory_advice


def test_more_activations_are_recomputed_once_where_memory_is_scarce(task):
    assert "--norecompute_activations" in task.save_memory()
    assert task.save_memory() == ""


def test_what_is_recomputed_is_told_of_the_graph(task):
    def recomputed() -> str:
        with tf.Graph().as_default():
            batch = tf.data.make_one_shot_iterator(task.open_batches(2, 1)).get_next()
            task.build_clone(batch)
            assert recomputation.describe() == ""  # There is no backward pass yet.
            tf.gradients(tf.losses.get_total_loss(), tf.trainable_variables())
            return recomputation.describe()

    assert recomputed() == "batch norm, resizing, copies"
    task.save_memory()
    assert recomputed() == "batch norm, convolutions, resizing, copies"


def test_batches_follow_their_seed_and_are_described_by_files_and_label_ids(task):
    descriptions = []
    with tf.Session() as session:
        for seed in (1, 1, 2):
            batch = tf.data.make_one_shot_iterator(task.open_batches(2, seed)).get_next()
            assert batch["image"].shape.as_list() == [2, *CROP_SIZE, 3]
            descriptions.append(session.run((batch, task.describe_batch(batch))))

    (first, facts), (same, _), (other, _) = descriptions
    assert facts["files"].tolist() == first["image_name"].tolist()
    assert facts["label ids"].tolist() == np.unique(first["label"]).tolist()
    np.testing.assert_array_equal(first["image"], same["image"])
    assert (first["image"] != other["image"]).any()


def test_processes_of_a_cluster_share_what_is_learned_and_not_how_it_is_shown(task):
    settings = task.common_settings()

    assert settings["train_crop_size"] == CROP_SIZE
    assert settings["model_variant"] == "xception_tiny"
    assert settings["weight_decay"] == 4e-5
    assert not {"palette", "dataset_name", "recompute_activations", "model"} & set(settings)


def test_description_is_written_beside_the_checkpoints(task, tmp_path):
    path = task.write_beside_checkpoints(str(tmp_path))

    assert path == str(tmp_path / "options.json")
    assert dataclasses.asdict(read_description(str(tmp_path))) == dataclasses.asdict(
        task.description
    )
