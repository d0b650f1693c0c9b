"""The classes of a checkpoint's logits, and the note about one class more or less."""

import dataclasses

import pytest

from classification.commands import checkpoint_logits
from tests.support import tiny_classifier


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return tiny_classifier.save(tmp_path_factory.mktemp("run"))


def _model(num_classes: int, variant: str = "xception_tiny"):
    return dataclasses.replace(
        tiny_classifier.OPTIONS, num_classes=num_classes, model_variant=variant
    )


def test_classes_are_counted_for_the_encoder_of_the_checkpoint(checkpoint):
    assert checkpoint_logits.count_classes(checkpoint, _model(9)) == 3
    assert checkpoint_logits.count_classes(checkpoint, _model(9, "vgg_16")) is None


@pytest.mark.parametrize(
    ("num_classes", "offset", "advice"),
    [
        (4, 0, "give --labels_offset=1."),
        (2, 1, "give --labels_offset=0."),
        (2, 0, "their first class is ImageNet's background"),
    ],
)
def test_one_class_more_or_less_hints_at_the_offset(checkpoint, num_classes, offset, advice):
    note = checkpoint_logits.explain_one_off(checkpoint, _model(num_classes), offset)
    assert f"has logits of 3 classes, the network has {num_classes}" in note
    assert advice in note


@pytest.mark.parametrize("num_classes", [3, 5])
def test_other_numbers_of_classes_are_not_remarked_on(checkpoint, num_classes):
    assert checkpoint_logits.explain_one_off(checkpoint, _model(num_classes), 0) is None
