"""Resizes, pixel by pixel as TensorFlow's.

Sizes are given, never scales: a float32 scale rounds, and pixels are then taken from elsewhere.
"""

from collections.abc import Callable

import numpy as np
import onnx
import tensorflow.compat.v1 as tf

from export.to_onnx.model_builder import Layout, ModelBuilder, constant

_FIRST = Layout.CHANNELS_FIRST


def _bilinear(model: ModelBuilder, operation: tf.Operation) -> None:
    images, size = operation.inputs
    if images.dtype != tf.float32:  # TensorFlow makes floats of bytes, too.
        whole = model.add("Cast", [model.name(images)], to=onnx.TensorProto.FLOAT)
        order = list(_FIRST.value)
        name = model.add("Transpose", [whole], perm=order)
    else:
        name = model.name(images, _FIRST)
    sides = model.whole_numbers(size)
    if images.shape.as_list()[1:3] == [1, 1]:
        # One pixel everywhere; Expand leaves a dimension alone where the size is 1.
        shape = model.add("Concat", [model.integers([1, 1]), sides], axis=0)
        resized = model.add("Expand", [name, shape])
    else:
        # All four sizes: given two and their axes, ONNX Runtime 1.32 mixes them up where it moves
        # a transpose past the resize, and then refuses the graph.
        shape = model.add("Shape", [name], start=0, end=2)
        resized = model.add(
            "Resize",
            [name, "", "", model.add("Concat", [shape, sides], axis=0)],
            mode="linear",
            coordinate_transformation_mode=_coordinates(operation),
        )
    model.put(operation.outputs[0], resized, _FIRST)


def _coordinates(operation: tf.Operation) -> str:
    if operation.get_attr("align_corners"):
        return "align_corners"
    return "half_pixel" if operation.get_attr("half_pixel_centers") else "asymmetric"


def _nearest(model: ModelBuilder, operation: tf.Operation) -> None:
    """Takes rows and columns by number: ONNX's own rounding differs where two are equally near."""
    images, size = operation.inputs
    layout = model.layout_of([images])
    name = model.name(images, layout)
    for number, axis in enumerate((1, 2)):
        side, target = images.shape.as_list()[axis], constant(size)
        if side is not None and target is not None:
            rows = model.integers(_nearest_rows(operation, side, int(target[number])).tolist())
        else:
            rows = _rows_in_graph(model, operation, number, axis)
        own = layout.axis(axis) if layout is _FIRST else axis
        name = model.add("Gather", [name, rows], axis=own)
    model.put(operation.outputs[0], name, layout)


def _nearest_rows(operation: tf.Operation, side: int, target: int) -> np.ndarray:
    """Returns the row that each row of the result is, int64 [target], in TensorFlow's float32."""
    is_aligned = operation.get_attr("align_corners")
    shorter = 1 if is_aligned and target > 1 else 0
    scale = np.float32(side - shorter) / np.float32(target - shorter)
    offset = np.float32(0.5 if operation.get_attr("half_pixel_centers") else 0.0)
    places = (np.arange(target, dtype=np.float32) + offset) * scale
    rows = np.floor(places)
    if is_aligned:
        rows += places - rows >= 0.5
    return np.minimum(rows, side - 1).astype(np.int64)


def _rows_in_graph(model: ModelBuilder, operation: tf.Operation, number: int, axis: int) -> str:
    """Returns the name of what `_nearest_rows` computes, for sides known at run time only."""
    images, size = operation.inputs

    def number_of(value: float) -> str:
        return model.literal(np.array(value, np.float32))

    def floats(name: str) -> str:
        return model.add("Cast", [name], to=onnx.TensorProto.FLOAT)

    is_aligned = operation.get_attr("align_corners")
    layout = model.layout_of([images])
    own = layout.axis(axis) if layout is _FIRST else axis
    shape = model.add("Shape", [model.name(images, layout)])
    side = model.add("Gather", [shape, model.integers(own)], axis=0)
    target = model.add("Gather", [model.whole_numbers(size), model.integers(number)], axis=0)
    places = floats(model.add("Range", [model.integers(0), target, model.integers(1)]))
    if operation.get_attr("half_pixel_centers"):
        places = model.add("Add", [places, number_of(0.5)])
    one_less = model.integers(1)
    last = model.add("Sub", [side, one_less])
    if is_aligned:
        # With a single row, any scale does: its place is 0.
        span = model.add("Max", [model.add("Sub", [target, one_less]), one_less])
        scale = model.add("Div", [floats(last), floats(span)])
    else:
        scale = model.add("Div", [floats(side), floats(target)])
    places = model.add("Mul", [places, scale])
    rows = model.add("Floor", [places])
    if is_aligned:
        rest = model.add("Sub", [places, rows])
        is_next = floats(model.add("GreaterOrEqual", [rest, number_of(0.5)]))
        rows = model.add("Add", [rows, is_next])
    whole = model.add("Cast", [rows], to=onnx.TensorProto.INT64)
    return model.add("Min", [whole, last])


CONVERSIONS: dict[str, Callable[[ModelBuilder, tf.Operation], None]] = {
    "ResizeBilinear": _bilinear,
    "ResizeNearestNeighbor": _nearest,
}
