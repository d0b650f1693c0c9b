"""Which checkpoints belong to a network; tests of export and evaluation restore real ones."""

import pytest

from common import saved_weights


def test_what_an_optimizer_saves_does_not_count():
    saved = {"layer/weights": (3, 2), "layer/weights/Momentum": (3, 2), "global_step": ()}
    saved_weights.check({"layer/weights": (3, 2)}, saved, "model.ckpt")


def test_long_lists_are_cut():
    saved = {f"layer_{number}/weights": (1,) for number in range(9)}
    with pytest.raises(ValueError, match="layer_3/weights and 5 more"):
        saved_weights.check({}, saved, "model.ckpt")


def test_every_kind_of_difference_is_named():
    network = {"layer/weights": (3, 2), "layer/biases": (2,)}
    saved = {"layer/weights": (3, 5), "decoder/weights": (1,)}
    message = (
        r"checkpoint model.ckpt belongs to another network: "
        r"layer/weights is \[3, 5\] in the checkpoint and \[3, 2\] in the network; "
        r"missing from the checkpoint: layer/biases; unknown to the network: decoder/weights\."
    )
    with pytest.raises(ValueError, match=message):
        saved_weights.check(network, saved, "model.ckpt")
