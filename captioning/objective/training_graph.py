"""One clone of a network that describes images, in training: its losses and summaries."""

from collections.abc import Mapping

import tensorflow.compat.v1 as tf

from captioning.network import network, sampling
from captioning.network.decoder import Decoder, Unrolled
from captioning.objective import losses, self_critical
from captioning.objective.self_critical import Rewards
from captioning.options import SELF_CRITICAL, ModelOptions, ObjectiveOptions
from nets.backward import lean_gradients
from nets.batch_norm import BatchNormMode, SyncGroup

Batch = Mapping[str, tf.Tensor]

# Large enough for every encoder.
_SOME_IMAGE = (96, 96)


def build_clone(
    batch: Batch,
    model: ModelOptions,
    objective: ObjectiveOptions,
    *,
    sync_group: SyncGroup | None = None,
    rewards: Rewards | None = None,
) -> None:
    """Builds one clone.

    It adds its losses to `tf.GraphKeys.LOSSES` and its summaries to `tf.GraphKeys.SUMMARIES`.

    Args:
      batch: as of `input_pipeline.training_batches`.
      model: the network.
      objective: what it is trained for.
      sync_group: shares batch statistics over clones; None keeps each clone's own.
      rewards: what captions earn; for self-critical training.
    """
    trains_statistics = objective.train_encoder and objective.fine_tune_batch_norm
    batch_norm = BatchNormMode(trains_statistics, objective.batch_norm_decay, sync_group)
    if "features" in batch:
        # Only for its variables, which belong into the checkpoints.
        network.encode(tf.zeros([1, *_SOME_IMAGE, 3]), model, 0.0, batch_norm)
        features = tf.cast(batch["features"], tf.float32)
    else:
        with lean_gradients(objective.recompute_activations):
            features = network.encode(
                batch["image"],
                model,
                objective.weight_decay if objective.train_encoder else 0.0,
                batch_norm,
            )
    if not objective.train_encoder:
        features = tf.stop_gradient(features)
    decoder = network.make_decoder(
        model,
        features.shape[-1].value,
        objective.keep_prob,
        objective.encoder_keep_prob if objective.train_encoder else 1.0,
    )
    if objective.objective == SELF_CRITICAL:
        assert rewards is not None
        summaries = _add_earnings(batch, features, decoder, objective, rewards)
    else:
        summaries = _add_cross_entropy(batch, features, decoder, objective)
    with tf.name_scope(None):  # the same tags for any number of clones
        for name, value in summaries.items():
            tf.summary.scalar(name, value)


def _add_cross_entropy(
    batch: Batch, features: tf.Tensor, decoder: Decoder, objective: ObjectiveOptions
) -> dict[str, tf.Tensor]:
    """Adds what the words of the batch's captions cost; returns what is to be seen of it."""
    count = batch["ids"].shape[1].value
    ids = tf.reshape(batch["ids"], [-1, tf.shape(batch["ids"])[2]])
    lengths = tf.reshape(batch["lengths"], [-1])
    summaries = {}
    read = ids[:, :-1]
    if objective.scheduled_sampling:
        summaries["scheduled_sampling/share"] = share = _sampled_share(objective)
        read = sampling.mixed(decoder, features, read, share)
    unrolled = decoder.unroll(tf.repeat(features, count, axis=0), read)
    mask = tf.sequence_mask(lengths - 1, tf.shape(ids)[1] - 1)
    loss = losses.mean_loss(losses.word_losses(unrolled.logits, ids[:, 1:]), mask)
    tf.losses.add_loss(loss)
    _add_attention_penalty(unrolled, mask, objective)
    return {"losses/cross_entropy": loss, "perplexity/training_batch": tf.exp(loss), **summaries}


def _add_earnings(
    batch: Batch,
    features: tf.Tensor,
    decoder: Decoder,
    objective: ObjectiveOptions,
    rewards: Rewards,
) -> dict[str, tf.Tensor]:
    """Adds the loss by which captions that earn much become likelier; returns as above."""
    count = objective.self_critical_samples
    drawn = self_critical.draw(decoder, features, batch["image_id"], rewards, count)
    unrolled = decoder.unroll(tf.repeat(features, count, axis=0), drawn.words[:, :-1])
    costs = losses.word_losses(unrolled.logits, drawn.words[:, 1:])
    loss = losses.policy_loss(costs, drawn.mask, drawn.rewards - drawn.baselines)
    tf.losses.add_loss(loss)
    _add_attention_penalty(unrolled, drawn.mask, objective)
    return {
        "losses/self_critical": loss,
        "reward/drawn": tf.reduce_mean(drawn.rewards),
        "reward/baseline": tf.reduce_mean(drawn.baselines),
        "reward/words": tf.reduce_mean(tf.reduce_sum(tf.cast(drawn.mask, tf.float32), axis=1)),
    }


def _add_attention_penalty(
    unrolled: Unrolled, mask: tf.Tensor, objective: ObjectiveOptions
) -> None:
    if objective.attention_penalty and unrolled.attention is not None:
        penalty = losses.attention_penalty(unrolled.attention, mask)
        tf.losses.add_loss(objective.attention_penalty * penalty)


def _sampled_share(objective: ObjectiveOptions) -> tf.Tensor:
    """Returns the share of words that are the network's own in this step."""
    largest, num_steps = objective.scheduled_sampling, objective.scheduled_sampling_steps
    if not num_steps:
        return tf.constant(largest)
    step = tf.cast(tf.train.get_or_create_global_step(), tf.float32)
    return largest * tf.minimum(1.0, step / num_steps)
