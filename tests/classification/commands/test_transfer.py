"""A trained classifier starts a DeepLab network of the same encoder."""

import numpy as np
import pytest

from tests.support import command_runs, labeled_images, tiny_dataset
from training import checkpoints

NETWORK = ("--model_variant=mobilenet_v3_small_seg", "--depth_multiplier=0.25")


@pytest.mark.slow
def test_segmentation_takes_the_encoder_of_a_classifier(tmp_path):
    labeled = labeled_images.write(str(tmp_path / "labeled"), train=4)
    (tmp_path / "masks").mkdir()
    images = [(f"image_{index}", *tiny_dataset.random_image(index, 30, 40)) for index in range(4)]
    masks = tiny_dataset.write(tmp_path / "masks", images)
    classified = command_runs.run(
        "train.py",
        *NETWORK,
        f"--dataset_dir={labeled.directory}",
        "--image_size=32",
        "--train_batch_size=4",
        "--training_number_of_steps=2",
        "--train_logdir=runs/classifier",
        cwd=tmp_path,
    )
    assert classified.returncode == 0, classified.stderr
    segmented = command_runs.run(
        "train.py",
        *NETWORK,
        f"--dataset_dir={masks.directory}",
        "--train_crop_size=33,33",
        "--train_batch_size=2",
        "--training_number_of_steps=1",
        "--base_learning_rate=0",
        "--nofine_tune_batch_norm",
        "--train_logdir=runs/segmenter",
        "--tf_initial_checkpoint=runs/classifier",
        cwd=tmp_path,
    )
    assert segmented.returncode == 0, segmented.stderr
    report = segmented.stdout.partition("warm start from")[2]
    layers = [line.split() for line in report.splitlines() if line.startswith("  MobilenetV3/")]
    logits = {"MobilenetV3/Conv_2", "MobilenetV3/Logits"}
    assert len(layers) > 10
    not_loaded = {layer for layer, _, *what in layers if what != ["loaded"]}
    assert not_loaded == logits & {layer for layer, *_ in layers}
    classifier, segmenter = (
        checkpoints.Reader(checkpoints.find_checkpoint(str(tmp_path / "runs" / name)))
        for name in ("classifier", "segmenter")
    )
    shared = set(classifier.weights) & set(segmenter.weights)
    assert len(shared) > 100
    assert set(classifier.weights) - shared == {
        f"MobilenetV3/{layer}/{kind}"
        for layer in ("Conv_2", "Logits/Conv2d_1c_1x1")
        for kind in ("weights", "biases")
    }
    for name in shared:
        np.testing.assert_array_equal(classifier.value(name), segmenter.value(name), err_msg=name)
