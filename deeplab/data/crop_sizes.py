"""Which crops suit a network and the images of a dataset."""

from collections.abc import Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from datasets.records import tfrecords
from datasets.segmentation import record_format
from datasets.segmentation.specs import DatasetSpec
from deeplab.data import preprocess
from deeplab.options import ResizeOptions


def smallest(
    spec: DatasetSpec, splits: Sequence[str], output_stride: int, resize: ResizeOptions
) -> tuple[int, int]:
    """Returns the smallest crop that holds every image of some splits, resized if they are.

    Args:
      spec, splits: the dataset and the names of the splits.
      output_stride: of the network; the crop's sides are multiples of it plus one.
      resize: the resize before padding.

    Returns:
      (height, width), pixels.

    Raises:
      ValueError: a split is missing, or its images are resized without an upper limit.
    """
    if resize.min_resize_value is None:
        height = max(spec.split(name).max_height for name in splits)
        width = max(spec.split(name).max_width for name in splits)
    elif resize.max_resize_value is None:
        raise ValueError(
            f"min_resize_value {resize.min_resize_value} without max_resize_value leaves the "
            "longer side of the images open; give max_resize_value, or the crop size."
        )
    else:
        height, width = _resized_extent(spec, splits, resize)
    return _round_up(height, output_stride), _round_up(width, output_stride)


def check(crop_size: Sequence[int], output_stride: int) -> None:
    """Checks that a crop is height, width and that both are multiples of the stride plus one.

    Only then do the corners of image, feature maps and logits fall onto each other.

    Raises:
      ValueError: they are not; names the nearest sizes that are.
    """
    if len(crop_size) != 2:
        raise ValueError(
            f"crop size is {','.join(map(str, crop_size))}; expected two numbers: height,width."
        )
    for direction, side in zip(("height", "width"), crop_size, strict=True):
        if side < 1 or (side - 1) % output_stride:
            above = _round_up(max(side, 1), output_stride)
            below = above - output_stride
            nearest = f"{below} or {above}" if below > 0 else f"{above}"
            raise ValueError(
                f"crop {direction} is {side}; expected a multiple of output_stride "
                f"{output_stride} plus one, such as {nearest}."
            )


def _resized_extent(
    spec: DatasetSpec, splits: Sequence[str], resize: ResizeOptions
) -> tuple[int, int]:
    """Returns the largest height and width, pixels, that images have once they are resized.

    A description does not tell them, so that the size of each image is read. Where a record says
    none, it is the longest side that a resize can make.
    """
    try:
        sizes = {
            record_format.read_size(record, path)
            for name in splits
            for path in spec.shard_paths(name)
            for record in tfrecords.read_records(path)
        }
    except ValueError:  # Whoever reads the images says what is wrong with them.
        assert resize.max_resize_value is not None
        return (preprocess.largest_side(resize.max_resize_value, resize.resize_factor),) * 2
    config = tf.ConfigProto(device_count={"GPU": 0})
    with tf.Graph().as_default(), tf.Session(config=config) as session:
        size = tf.placeholder(tf.int32, [2])
        resized = preprocess.range_size(size, resize)
        found = [session.run(resized, {size: each}) for each in sizes]
    height, width = np.max(found, axis=0).tolist()
    return height, width


def _round_up(side: int, output_stride: int) -> int:
    return side + (1 - side) % output_stride
