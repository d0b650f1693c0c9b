"""Operations that move values, and what they need: joints, shapes and sizes."""

from collections.abc import Callable, Sequence

import tensorflow.compat.v1 as tf

from export.to_onnx.model_builder import (
    Layout,
    ModelBuilder,
    needed_constant,
    onnx_type,
)


def _pass_on(model: ModelBuilder, operation: tf.Operation) -> None:
    values = operation.inputs[0]
    layout = model.layout_of([values])
    model.put(operation.outputs[0], model.name(values, layout), layout)


def _shape(model: ModelBuilder, operation: tf.Operation) -> None:
    layout = model.layout_of(operation.inputs[:1])
    sides = model.add("Shape", [model.name(operation.inputs[0], layout)])
    if layout is Layout.CHANNELS_FIRST:
        order = model.integers([layout.axis(axis) for axis in range(4)])
        sides = model.add("Gather", [sides, order], axis=0)
    model.put(operation.outputs[0], _cast_back(model, operation, sides))


def _size(model: ModelBuilder, operation: tf.Operation) -> None:
    size = model.add("Size", [model.name(operation.inputs[0])])
    model.put(operation.outputs[0], _cast_back(model, operation, size))


def _cast_back(model: ModelBuilder, operation: tf.Operation, name: str) -> str:
    """Makes int64, which ONNX counts in, what TensorFlow counts in here."""
    dtype = operation.outputs[0].dtype
    return name if dtype == tf.int64 else model.add("Cast", [name], to=onnx_type(dtype))


def _reshape(model: ModelBuilder, operation: tf.Operation) -> None:
    values, shape = operation.inputs
    reshaped = model.add("Reshape", [model.name(values), model.whole_numbers(shape)])
    model.put(operation.outputs[0], reshaped)


def _squeeze(model: ModelBuilder, operation: tf.Operation) -> None:
    values = operation.inputs[0]
    axes = [axis % values.shape.rank for axis in operation.get_attr("squeeze_dims")]
    if not axes:
        axes = [axis for axis, side in enumerate(values.shape.as_list()) if side == 1]
    layout = Layout.PLAIN
    if values.shape.rank == 4 and sorted(axes) == [1, 2]:  # The rest is in order in both layouts.
        layout = model.layout_of([values])
        axes = [layout.axis(axis) for axis in axes]
    squeezed = model.add("Squeeze", [model.name(values, layout), model.integers(sorted(axes))])
    model.put(operation.outputs[0], squeezed)


def _expand_dims(model: ModelBuilder, operation: tf.Operation) -> None:
    axis = int(needed_constant(operation, 1)) % operation.outputs[0].shape.rank
    names = [model.name(operation.inputs[0]), model.integers([axis])]
    model.put(operation.outputs[0], model.add("Unsqueeze", names))


def _concat(model: ModelBuilder, operation: tf.Operation) -> None:
    *parts, _ = operation.inputs
    axis = int(needed_constant(operation, len(parts))) % operation.outputs[0].shape.rank
    layout = model.layout_of(parts) if operation.outputs[0].shape.rank == 4 else Layout.PLAIN
    if layout is Layout.CHANNELS_FIRST:
        axis = layout.axis(axis)
    joined = model.add("Concat", [model.name(part, layout) for part in parts], axis=axis)
    model.put(operation.outputs[0], joined, layout)


def _pack(model: ModelBuilder, operation: tf.Operation) -> None:
    axis = operation.get_attr("axis") % operation.outputs[0].shape.rank
    where = model.integers([axis])
    parts = [model.add("Unsqueeze", [model.name(part), where]) for part in operation.inputs]
    model.put(operation.outputs[0], model.add("Concat", parts, axis=axis))


def _unpack(model: ModelBuilder, operation: tf.Operation) -> None:
    values = operation.inputs[0]
    axis = operation.get_attr("axis") % values.shape.rank
    for index, output in enumerate(operation.outputs):
        part = model.add("Gather", [model.name(values), model.integers(index)], axis=axis)
        model.put(output, part)


def _split(model: ModelBuilder, operation: tf.Operation) -> None:
    axis, sides = int(needed_constant(operation, 0)), None
    _split_into(model, operation, operation.inputs[1], axis, sides)


def _split_by_sizes(model: ModelBuilder, operation: tf.Operation) -> None:
    axis, sides = int(needed_constant(operation, 2)), needed_constant(operation, 1)
    _split_into(model, operation, operation.inputs[0], axis, [int(side) for side in sides])


def _split_into(
    model: ModelBuilder,
    operation: tf.Operation,
    values: tf.Tensor,
    axis: int,
    sides: Sequence[int] | None,
) -> None:
    axis %= values.shape.rank
    layout = model.layout_of([values]) if values.shape.rank == 4 else Layout.PLAIN
    if layout is Layout.CHANNELS_FIRST:
        axis = layout.axis(axis)
    inputs, equal = [model.name(values, layout)], {}
    if sides is None:
        equal = {"num_outputs": len(operation.outputs)}
    else:
        inputs.append(model.integers(sides))
    parts = model.add_many("Split", inputs, len(operation.outputs), axis=axis, **equal)
    for output, part in zip(operation.outputs, parts, strict=True):
        model.put(output, part, layout)


def _broadcast_to(model: ModelBuilder, operation: tf.Operation) -> None:
    values, shape = operation.inputs
    expanded = model.add("Expand", [model.name(values), model.whole_numbers(shape)])
    model.put(operation.outputs[0], expanded)


def _fill(model: ModelBuilder, operation: tf.Operation) -> None:
    shape, value = operation.inputs
    filled = model.add("Expand", [model.name(value), model.whole_numbers(shape)])
    model.put(operation.outputs[0], filled)


def _tile(model: ModelBuilder, operation: tf.Operation) -> None:
    values, repeats = operation.inputs
    tiled = model.add("Tile", [model.name(values), model.whole_numbers(repeats)])
    model.put(operation.outputs[0], tiled)


def _range(model: ModelBuilder, operation: tf.Operation) -> None:
    names = [model.name(tensor) for tensor in operation.inputs]
    model.put(operation.outputs[0], model.add("Range", names))


def _gather(model: ModelBuilder, operation: tf.Operation) -> None:
    values, indices = operation.inputs[:2]
    axis = int(needed_constant(operation, 2)) % values.shape.rank
    if operation.get_attr("batch_dims"):
        raise ValueError(f"GatherV2 {operation.name} cannot be written as ONNX: it has batch_dims.")
    taken = model.add("Gather", [model.name(values), model.name(indices)], axis=axis)
    model.put(operation.outputs[0], taken)


def _transpose(model: ModelBuilder, operation: tf.Operation) -> None:
    order = [int(axis) for axis in needed_constant(operation, 1)]
    values = model.name(operation.inputs[0])
    model.put(operation.outputs[0], model.add("Transpose", [values], perm=order))


def _pad(model: ModelBuilder, operation: tf.Operation) -> None:
    values, pads = operation.inputs[0], needed_constant(operation, 1)
    layout = model.layout_of(operation.inputs[:1])
    if layout is Layout.CHANNELS_FIRST:
        pads = pads[list(layout.value)]
    mode = "constant"
    inputs = [model.name(values, layout), model.integers(pads.T.flatten().tolist())]
    if operation.type == "PadV2":
        inputs.append(model.name(operation.inputs[2]))
    if operation.type == "MirrorPad":
        mode = operation.get_attr("mode").decode().lower()
        if mode != "reflect":
            raise ValueError(f"MirrorPad {operation.name} cannot be written as ONNX: mode {mode}.")
    model.put(operation.outputs[0], model.add("Pad", inputs, mode=mode), layout)


CONVERSIONS: dict[str, Callable[[ModelBuilder, tf.Operation], None]] = {
    "BroadcastTo": _broadcast_to,
    "ConcatV2": _concat,
    "ExpandDims": _expand_dims,
    "Fill": _fill,
    "GatherV2": _gather,
    "Identity": _pass_on,
    "MirrorPad": _pad,
    "Pack": _pack,
    "Pad": _pad,
    "PadV2": _pad,
    "Range": _range,
    "Reshape": _reshape,
    "Shape": _shape,
    "Size": _size,
    "Split": _split,
    "SplitV": _split_by_sizes,
    "Squeeze": _squeeze,
    "StopGradient": _pass_on,
    "Tile": _tile,
    "Transpose": _transpose,
    "Unpack": _unpack,
}
