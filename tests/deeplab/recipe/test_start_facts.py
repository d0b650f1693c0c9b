"""recipe.start_facts: the encoder is found by the variables of a checkpoint."""

import pytest
import tensorflow.compat.v1 as tf

from deeplab.recipe import start_facts
from nets import registry
from nets.batch_norm import BatchNormMode


def save(folder, variant: str, multiplier: float = 1.0) -> str:
    """Saves an encoder with variables of chance, and returns the prefix."""
    encoder, values = registry.encoder(variant), registry.classifier_options(multiplier)
    with tf.Graph().as_default(), tf.Session() as session:
        encoder.build(
            tf.zeros([1, 33, 33, 3]),
            output_stride=16,
            weight_decay=0.0,
            batch_norm=BatchNormMode(),
            **{name: values[name] for name in encoder.options},
        )
        tf.get_variable("logits/weights", [1, 1, 256, 21])
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, str(folder / "model.ckpt"))


@pytest.mark.parametrize(
    ("variant", "multiplier"),
    [
        ("mobilenet_v2", 0.5),
        pytest.param("mobilenet_v3_small_seg", 1.0, marks=pytest.mark.slow),
        ("resnet_v1_18_beta", 1.0),
        ("xception_tiny", 1.0),
    ],
)
def test_it_is_that_of_the_checkpoint(tmp_path, variant, multiplier):
    found = start_facts.examine(save(tmp_path, variant, multiplier))
    assert (found.model_variant, found.depth_multiplier) == (variant, multiplier)


def test_other_checkpoints_are_refused_with_what_they_hold(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("poem/weights", [1])
        session.run(tf.global_variables_initializer())
        checkpoint = tf.train.Saver().save(session, str(tmp_path / "model.ckpt"))
    with pytest.raises(ValueError, match=r"variables of no encoder .* they begin with poem"):
        start_facts.examine(checkpoint)
