"""Which checkpoints belong to a network; tests of export and evaluation restore real ones."""

import pytest
import tensorflow.compat.v1 as tf

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


def test_what_only_training_has_may_be_in_the_checkpoint(tmp_path):
    def build(*names):
        for name in names:
            tf.get_variable(name, [2], initializer=tf.ones_initializer())

    with tf.Graph().as_default(), tf.Session() as session:
        build("net/weights", "net/helper/weights")
        session.run(tf.global_variables_initializer())
        checkpoint = tf.train.Saver().save(session, str(tmp_path / "model.ckpt"))
    for scopes in ([], ["net/help"], ["net/helper"]):
        with tf.Graph().as_default(), tf.Session() as session:
            build("net/weights")
            for scope in scopes:
                tf.add_to_collection(saved_weights.TRAINING_ONLY, scope)
            if scopes == ["net/helper"]:
                saved_weights.restore(session, checkpoint, tf.global_variables())
                assert session.run("net/weights:0").tolist() == [1.0, 1.0]
            else:
                with pytest.raises(ValueError, match="unknown to the network: net/helper/weights"):
                    saved_weights.restore(session, checkpoint, tf.global_variables())
