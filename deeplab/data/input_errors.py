"""Says which image or file is wrong when the input pipeline fails.

What only the graph can see (label ids, sizes) is asserted there, with the image's name. tf.data
reports a truncated shard or an image that does not decode without a name; that is looked for
after the failure, so that reading costs nothing while all is well.
"""

from collections.abc import Mapping

import tensorflow.compat.v1 as tf

from datasets.records import record_errors
from datasets.segmentation import record_format, specs


def assert_labels(example: Mapping[str, tf.Tensor], spec: specs.DatasetSpec) -> tf.Operation:
    """Asserts that a mask holds nothing but class ids and the ignore label.

    research/deeplab trains without a loss on other ids, which nobody notices.

    Args:
      example: "label" uint8, and "image_name".
    """
    label = example["label"]

    def is_class() -> tf.Tensor:
        ids = tf.cast(label, tf.int32)
        return (ids < spec.num_classes) | tf.equal(ids, spec.ignore_label)

    def message() -> list:
        wrong_ids = tf.sort(tf.unique(tf.cast(tf.boolean_mask(label, ~is_class()), tf.int32))[0])
        return [
            "the mask of image ",
            example["image_name"],
            tf.strings.format(
                " holds label ids {}, which are not classes: ", wrong_ids, summarize=-1
            ),
            f"dataset {spec.name} has classes 0..{spec.num_classes - 1} and ignore label "
            f"{spec.ignore_label} (run make check-dataset)",
        ]

    if spec.ignore_label == 255 and spec.num_classes <= 255:
        # In a byte 255 + 1 is 0, so that one comparison is enough, in half the time.
        return record_errors.check(tf.reduce_max(label + 1) <= spec.num_classes, message)
    return record_errors.check(tf.reduce_all(is_class()), message)


def assert_fits(example: Mapping[str, tf.Tensor], crop_size: tuple[int, int]) -> tf.Operation:
    """Asserts that an image is not larger than the (height, width) that it is to be padded to."""
    height, width = example["height"], example["width"]
    return record_errors.check(
        (height <= crop_size[0]) & (width <= crop_size[1]),
        lambda: [
            "image ",
            example["image_name"],
            tf.strings.format(" has height {} and width {}, ", [height, width]),
            f"more than the crop of {crop_size[0]},{crop_size[1]} holds: give a larger crop "
            "(--eval_crop_size, --vis_crop_size), or resize with --min_resize_value and "
            "--max_resize_value",
        ],
    )


def explain(
    error: tf.errors.OpError, spec: specs.DatasetSpec, split: str, with_laplacian: bool
) -> ValueError | None:
    """Turns an error of a session into one that speaks of the data.

    Reads the whole split again when the error does not carry its cause.

    Args:
      error: what `Session.run` raised while it read batches of `deeplab.data.input_pipeline`.
      spec, split, with_laplacian: what the batches were made of.

    Returns:
      An error in one line that names the image or the file; None if the data are not the cause.
    """
    return record_errors.explain(
        error,
        lambda: spec.shard_paths(split),
        lambda serialized: record_format.parse_example(serialized, with_laplacian),
    )
