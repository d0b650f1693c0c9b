"""Contender: batches of the project's input pipeline, or of the plain order."""

import tensorflow.compat.v1 as tf

from datasets.segmentation import specs
from deeplab.data import input_pipeline
from deeplab.options import InputOptions
from reference import input_order
from scripts.benchmarks import contender

_ORDERS = {"ours": input_pipeline, "plain": input_order}
_MEAN_PIXEL = (127.5, 127.5, 127.5)
# The gradient as a decoder at stride 4 reads it, and the crops that research/deeplab shuffles.
_ARGUMENTS = {"ours": {"laplacian_stride": 4}, "plain": {"shuffled_crops": 100}}


def main() -> None:
    channel = contender.Channel()
    parameters = contender.parameters()
    tf.disable_v2_behavior()
    spec = specs.read_spec(parameters["records"])
    dataset = _ORDERS[parameters["order"]].training_batches(
        spec,
        "train",
        InputOptions(
            crop_size=(parameters["crop"], parameters["crop"]),
            augmentation=parameters["augmentation"],
        ),
        batch_size=parameters["batch"],
        mean_pixel=_MEAN_PIXEL,
        with_laplacian=parameters["with_gradient"],
        **_ARGUMENTS[parameters["order"]],
    )
    iterator = tf.data.make_initializable_iterator(dataset)
    # Not fetched: a training run takes its batches inside the session too.
    batch = tf.group(*iterator.get_next().values())
    session = tf.Session()
    session.run(iterator.initializer)
    session.run(batch)
    versions = {"TensorFlow": tf.version.VERSION}
    channel.serve(lambda: session.run(batch), parameters["batches_ahead"], versions=versions)


if __name__ == "__main__":
    main()
