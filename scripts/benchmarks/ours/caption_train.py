"""Contender: a step of training a network that describes images, with the same batch each time."""

from typing import Any

import tensorflow.compat.v1 as tf

from captioning.commands.train_flags import CaptioningOptimizerOptions, CaptioningTrainOptions
from captioning.network import network
from captioning.options import AugmentationOptions, ObjectiveOptions
from captioning.task import CaptioningTask
from datasets.captioning.specs import CaptioningSpec, CaptioningSplit
from scripts.benchmarks import batches, captioners, contender
from scripts.benchmarks.caption_train import CACHED, TRAINED
from scripts.benchmarks.ours import steps

# train.py of captioning trains biases as the weights beside them.
_BIAS_GRADIENT_MULTIPLIER = 1.0
# research/im2txt's 2 would not suit the same batch again and again.
_LEARNING_RATE = 1e-2


def main() -> None:
    channel = contender.Channel()
    parameters = contender.parameters()
    tf.disable_v2_behavior()
    is_trained = parameters["encoder_is"] == TRAINED
    steps.serve(
        channel,
        _task(parameters),
        parameters["images"],
        CaptioningOptimizerOptions(
            optimizer=parameters["optimizer"],
            learning_policy="step",
            learning_rate_decay_step=1 << 20,
            base_learning_rate=_LEARNING_RATE,
        ),
        bias_gradient_multiplier=_BIAS_GRADIENT_MULTIPLIER,
        clip_gradient_norm=CaptioningTrainOptions.clip_gradient_norm,
        trainable_scopes=() if is_trained else network.decoder_scopes(parameters["decoder"]),
    )


class _ConstantBatches(CaptioningTask):
    """Gives the same batch again and again."""

    parameters: dict[str, Any]

    def open_batches(self, batch_size: int, seed: int | None) -> tf.data.Dataset:
        del seed
        return steps.repeated(batches.captioned_step(self.parameters))


def _task(parameters: dict[str, Any]) -> CaptioningTask:
    description = captioners.describe(
        parameters["decoder"], parameters["encoder"], parameters["size"], parameters["num_words"]
    )
    split = CaptioningSplit(1 << 10, 1, 1 << 10, 1 << 13, 20, 1, 1)
    spec = CaptioningSpec(
        "constant", "", description.splitting, description.words, {"train": split}
    )
    is_trained = parameters["encoder_is"] == TRAINED
    task = _ConstantBatches(
        spec,
        "train",
        description,
        AugmentationOptions(cache_features=parameters["encoder_is"] == CACHED),
        ObjectiveOptions(train_encoder=is_trained),
        num_clones=1,
    )
    task.parameters = parameters
    return task


if __name__ == "__main__":
    main()
