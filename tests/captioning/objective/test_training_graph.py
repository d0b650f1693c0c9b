"""The losses of a clone, and what it trains."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from captioning.objective import losses, training_graph
from captioning.options import ModelOptions, ObjectiveOptions

SMALL = {"num_words": 9, "model_variant": "mobilenet_v3_small_seg", "depth_multiplier": 0.25}
IDS = np.array([[[1, 4, 5, 2, 0], [1, 6, 2, 0, 0]], [[1, 3, 4, 5, 2], [1, 4, 2, 0, 0]]], np.int32)
LENGTHS = np.array([[4, 3], [5, 3]], np.int32)


def build(decoder: str, **objective) -> dict[str, tf.Tensor]:
    model = ModelOptions(decoder=decoder, num_units=8, embedding_size=6, **SMALL)
    images = np.random.RandomState(2).uniform(0, 255, [2, 64, 64, 3]).astype(np.float32)
    batch = {"image": tf.constant(images), "ids": tf.constant(IDS), "lengths": tf.constant(LENGTHS)}
    training_graph.build_clone(batch, model, ObjectiveOptions(keep_prob=1.0, **objective))
    return {each.op.name: each for each in tf.losses.get_losses()}


@pytest.mark.parametrize("decoder", ["show_and_tell", "attention"])
def test_the_loss_of_an_unsure_network_is_that_of_guessing(decoder):
    (loss,) = build(decoder).values()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(loss) == pytest.approx(np.log(9), abs=0.3)


@pytest.mark.parametrize("trains", [False, True])
def test_the_encoder_is_trained_where_it_is_asked_for(trains):
    (loss,) = build("show_and_tell", train_encoder=trains).values()
    variables = tf.trainable_variables()
    gradients = tf.gradients(loss, variables)
    reached = {
        each.op.name.split("/")[0]
        for each, gradient in zip(variables, gradients, strict=True)
        if gradient is not None
    }
    decoder = {"image_embedding", "seq_embedding", "lstm", "logits"}
    assert reached == (decoder | {"MobilenetV3"} if trains else decoder)
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    assert bool(updates) == trains


def test_words_after_the_end_cost_nothing():
    logits = np.random.RandomState(0).normal(size=[2, 3, 5]).astype(np.float32)
    targets, mask = np.array([[1, 2, 0], [3, 0, 0]]), np.array([[1, 1, 0], [1, 0, 0]])
    loss = losses.mean_loss(losses.word_losses(tf.constant(logits), tf.constant(targets)), mask)
    each = -logits + np.log(np.exp(logits).sum(axis=2, keepdims=True))
    expected = (each[0, 0, 1] + each[0, 1, 2] + each[1, 0, 3]) / 3
    with tf.Session() as session:
        assert session.run(loss) == pytest.approx(expected, rel=1e-5)
        none = losses.mean_loss(tf.ones([1, 2]), tf.zeros([1, 2]))
        assert session.run(none) == 0


def test_attention_is_penalized_where_a_place_gets_too_much_or_too_little():
    attention = tf.constant([[[0.5, 0.5], [0.5, 0.5], [1.0, 0.0]], [[1.0, 0.0]] * 3])
    mask = tf.constant([[1, 1, 0], [1, 1, 1]])
    with tf.Session() as session:
        assert session.run(losses.attention_penalty(attention, mask)) == pytest.approx(
            (0 + (2**2 + 1**2)) / 2
        )
    assert len(build("attention", attention_penalty=0.5)) == 2


@pytest.mark.parametrize("decoder", ["show_and_tell", "attention"])
def test_the_share_of_the_networks_own_words_rises_with_the_steps(decoder):
    tf.set_random_seed(1)
    (plain,) = build(decoder).values()
    global_step = tf.train.get_or_create_global_step()
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        build(decoder, scheduled_sampling=0.8, scheduled_sampling_steps=10)
        build(decoder, scheduled_sampling=1.0)
    _, sampled, wholly = tf.losses.get_losses()
    share = next(each for each in tf.get_collection(tf.GraphKeys.SUMMARIES) if "share" in each.name)
    step = tf.placeholder(tf.int64, [])
    assign = tf.assign(global_step, step)
    losses_of_step, shares = {}, {}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for each in (0, 5, 20):
            session.run(assign, {step: each})
            losses_of_step[each] = session.run([plain, sampled, wholly])
            (value,) = tf.Summary.FromString(session.run(share)).value
            assert value.tag == "scheduled_sampling/share"
            shares[each] = value.simple_value
    assert shares == pytest.approx({0: 0.0, 5: 0.4, 20: 0.8})
    assert losses_of_step[0][1] == pytest.approx(losses_of_step[0][0], rel=1e-6)
    assert losses_of_step[20][1] != pytest.approx(losses_of_step[20][0], rel=1e-6)
    assert all(
        losses[2] != pytest.approx(losses[0], rel=1e-6) for losses in losses_of_step.values()
    )


@pytest.mark.parametrize(
    ("options", "is_random"),
    [
        ({"train_encoder": True}, True),
        ({"train_encoder": True, "encoder_keep_prob": 1.0}, False),
        ({"train_encoder": False}, False),
    ],
)
def test_features_are_dropped_only_where_the_encoder_is_trained(options, is_random):
    tf.set_random_seed(1)
    (loss,) = build("show_and_tell", **options).values()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        # At first a code hardly matters.
        image_map = next(each for each in tf.trainable_variables() if "image_emb" in each.op.name)
        session.run(image_map.assign(100 * image_map))
        first, second = (session.run(loss) for _ in range(2))
    assert (first != pytest.approx(second, rel=1e-5)) == is_random
