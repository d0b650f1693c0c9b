"""Options of a classifier that contradict each other, and the weights of classes."""

import dataclasses

import numpy as np
import pytest

from classification import run_description
from classification.options import (
    AugmentationOptions,
    ModelOptions,
    ObjectiveOptions,
    ViewOptions,
)
from classification.run_description import RunDescription

INF, NAN = float("inf"), float("nan")
DESCRIPTION = RunDescription(
    ModelOptions(num_classes=2, model_variant="resnet_v1_18"),
    ViewOptions(image_size=64, preprocessing="vgg"),
    dataset_name="pets",
    class_names=("cat", "dog"),
)


def test_balanced_weights_make_all_classes_count_alike():
    counts = np.array([10, 30, 0, 60])
    weights = np.array(ObjectiveOptions(class_weights="balanced").weights_of_classes(tuple(counts)))
    np.testing.assert_allclose((weights * counts)[[0, 1, 3]], 100 / 3)
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1)


def test_weights_are_numbers_one_for_each_class():
    assert ObjectiveOptions().weights_of_classes((1, 2)) is None
    assert ObjectiveOptions(class_weights="1,0.5").weights_of_classes((1, 2)) == (1.0, 0.5)
    for wrong in ("1", "1,2,3", "1,x", "1,-1", "even", "1,inf", "nan,1", "0,0"):
        with pytest.raises(ValueError, match=r"expected balanced, or 2 numbers"):
            ObjectiveOptions(class_weights=wrong).weights_of_classes((1, 2))
    with pytest.raises(ValueError, match="does not say how many images each class has"):
        ObjectiveOptions(class_weights="balanced").weights_of_classes(())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ObjectiveOptions(weight_decay=-1), "weight_decay is -1; expected 0 or more"),
        (lambda: ObjectiveOptions(label_smoothing=1), "label_smoothing is 1; expected 0 to less"),
        (lambda: ObjectiveOptions(batch_norm_decay=1), "batch_norm_decay is 1; expected 0 to less"),
        (
            lambda: ObjectiveOptions(sync_batch_norm=True, fine_tune_batch_norm=False),
            "sync_batch_norm is set, but batch norm is frozen",
        ),
        (lambda: AugmentationOptions(min_crop_area=0), "min_crop_area is 0; expected above 0"),
        (lambda: ObjectiveOptions(weight_decay=INF), "weight_decay is inf; expected 0 or more"),
        (lambda: ObjectiveOptions(weight_decay=NAN), "weight_decay is nan; expected 0 or more"),
        (
            lambda: ObjectiveOptions(auxiliary_loss_weight=-0.4),
            "auxiliary_loss_weight is -0.4; expected 0 or more",
        ),
        (
            lambda: ObjectiveOptions(auxiliary_loss_weight=NAN),
            "auxiliary_loss_weight is nan; expected 0 or more",
        ),
        (lambda: AugmentationOptions(mixup=-1), "mixup is -1; expected 0 or more"),
        (lambda: AugmentationOptions(mixup=INF), "mixup is inf; expected 0 or more"),
        (lambda: AugmentationOptions(mixup=NAN), "mixup is nan; expected 0 or more"),
        (lambda: AugmentationOptions(color_distortion="x"), "expected one of none, fast, full"),
        (lambda: ModelOptions(1).validate(), "num_classes is 1; expected 2 or more"),
        (lambda: ModelOptions(2, "lenet").validate(), "model_variant is 'lenet'; expected one of"),
        (
            lambda: ModelOptions(2, "resnet_v1_50", depth_multiplier=0.5).validate(),
            "depth_multiplier is 0.5, but resnet_v1_50 has no such option",
        ),
        (
            lambda: ModelOptions(2, dropout_keep_prob=0).validate(),
            "dropout_keep_prob is 0; expected above 0",
        ),
        (lambda: ViewOptions(image_size=0).validate(), "image_size is 0; expected 1 to"),
        (lambda: ViewOptions(64, "none").validate(), "preprocessing is 'none'; expected one of"),
    ],
)
def test_what_cannot_be_is_refused_with_value_and_what_is_allowed(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_options_json_is_read_as_it_was_written(tmp_path):
    run_description.write_description(DESCRIPTION, str(tmp_path))
    assert run_description.read_description(str(tmp_path)) == DESCRIPTION


def test_options_json_of_another_task_or_with_wrong_names_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"options.json is missing: train.py writes it"):
        run_description.read_description(str(tmp_path))
    path = tmp_path / "options.json"
    path.write_text('{"format_version": 1, "model": {}}')
    with pytest.raises(ValueError, match="has the task 'deeplab', not classification"):
        run_description.read_description(str(tmp_path))
    wrong = dataclasses.replace(DESCRIPTION, class_names=("cat",))
    run_description.write_description(wrong, str(tmp_path))
    with pytest.raises(ValueError, match=rf"{path}: class_names has 1 items; expected one for"):
        run_description.read_description(str(tmp_path))
