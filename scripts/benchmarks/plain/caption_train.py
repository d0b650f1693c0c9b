"""Contender: a training step as research/im2txt or the attention tutorial builds it.

Their operations behind the encoder, TensorFlow's gradients, one session without settings. The
encoder is that of `nets`, the same operations as slim's.
"""

from collections.abc import Mapping
from typing import Any

import tensorflow.compat.v1 as tf

from captioning.network import network
from captioning.options import SHOW_AND_TELL, ModelOptions, ObjectiveOptions
from nets.batch_norm import BatchNormMode
from reference import attention_tutorial, im2txt
from scripts.benchmarks import batches, captioners, contender
from scripts.benchmarks.caption_train import TRAINED

_LEARNING_RATES = {"sgd": 1e-2, "adam": 1e-3}
_WARM_UP_STEPS = 2


def main() -> None:
    channel = contender.Channel()
    parameters = contender.parameters()
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)
    batch = batches.captioned_step(parameters)
    dataset = tf.data.Dataset.from_tensors(batch).repeat().prefetch(1)
    iterator = tf.data.make_initializable_iterator(dataset)
    train_op = build_step(iterator.get_next(), parameters)
    session = tf.Session()
    session.run([tf.global_variables_initializer(), iterator.initializer])
    for _ in range(_WARM_UP_STEPS):
        session.run(train_op)
    channel.serve(lambda: session.run(train_op), versions={"TensorFlow": tf.version.VERSION})


def build_step(batch: Mapping[str, tf.Tensor], parameters: Mapping[str, Any]) -> tf.Tensor:
    """Builds the step; computing its result, the total loss, does it."""
    decoder, is_trained = parameters["decoder"], parameters["encoder_is"] == TRAINED
    model = captioners.describe(
        decoder, parameters["encoder"], parameters["size"], parameters["num_words"]
    ).model
    features = _features(batch, model, is_trained)
    objective = ObjectiveOptions()
    ids, lengths = batch["ids"][:, 0], batch["lengths"][:, 0]
    if decoder == SHOW_AND_TELL:
        im2txt.add_loss(
            features,
            ids,
            lengths,
            model.num_words,
            embedding_size=model.embedding_size,
            num_units=model.num_units,
            keep_prob=objective.keep_prob,
            code_keep_prob=objective.encoder_keep_prob if is_trained else 1.0,
        )
    else:
        depth = features.shape[-1].value
        tutorial = attention_tutorial.Tutorial(
            model.num_words, depth, model.embedding_size, model.num_units
        )
        attention_tutorial.add_loss(tutorial, features, ids, lengths)
    scopes = network.decoder_scopes(decoder)
    variables = [
        each for each in tf.trainable_variables() if is_trained or each.op.name.startswith(scopes)
    ]
    total = tf.losses.get_total_loss(add_regularization_losses=is_trained)
    module = im2txt if decoder == SHOW_AND_TELL else attention_tutorial
    return module.train_op(total, _LEARNING_RATES[parameters["optimizer"]], variables)


def _features(batch: Mapping[str, tf.Tensor], model: ModelOptions, is_trained: bool) -> tf.Tensor:
    if "features" in batch:
        return tf.cast(batch["features"], tf.float32)
    weight_decay = ObjectiveOptions.weight_decay if is_trained else 0.0
    return network.encode(batch["image"], model, weight_decay, BatchNormMode(is_trained))


if __name__ == "__main__":
    main()
