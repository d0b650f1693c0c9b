"""Parts of tensors, and their axes in reverse."""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from export.to_onnx.model_builder import Layout, ModelBuilder, constant, needed_constant

# Beyond every side, for "up to the end".
_END = np.iinfo(np.int32).max
_BEFORE_START = np.iinfo(np.int32).min


def _reverse(model: ModelBuilder, operation: tf.Operation) -> None:
    values = operation.inputs[0]
    layout = model.layout_of(operation.inputs[:1])
    axes = [int(axis) % values.shape.rank for axis in needed_constant(operation, 1)]
    if layout is Layout.CHANNELS_FIRST:
        axes = [layout.axis(axis) for axis in axes]
    bounds = ([_END] * len(axes), [_BEFORE_START] * len(axes), axes, [-1] * len(axes))
    names = [model.name(values, layout), *map(model.integers, bounds)]
    model.put(operation.outputs[0], model.add("Slice", names), layout)


def _slice(model: ModelBuilder, operation: tf.Operation) -> None:
    values, begin, size = operation.inputs
    start, extent = model.whole_numbers(begin), model.whole_numbers(size)
    minus_one, end = model.integers(-1), model.integers(_END)
    # A size of -1 means all the rest.
    is_rest = model.add("Equal", [extent, minus_one])
    stop = model.add("Where", [is_rest, end, model.add("Add", [start, extent])])
    axes = model.integers(list(range(values.shape.rank)))
    model.put(operation.outputs[0], model.add("Slice", [model.name(values), start, stop, axes]))


def _strided_slice(model: ModelBuilder, operation: tf.Operation) -> None:
    values, begin, end, _ = operation.inputs
    strides = [int(stride) for stride in needed_constant(operation, 3)]
    parts, added, dropped = _axes_of_slice(operation, len(strides))
    starts, stops, axes, steps = [], [], [], []
    for axis, index in parts:
        step = strides[index]
        is_open = [_has_bit(operation, f"{bound}_mask", index) for bound in ("begin", "end")]
        if _has_bit(operation, "shrink_axis_mask", index):
            first = _entry(model, begin, index)
            following = (
                first + 1
                if isinstance(first, int)
                else model.add("Add", [first, model.integers([1])])
            )
            starts.append(first)
            stops.append(_END if following == 0 else following)
        elif all(is_open) and step == 1:
            continue
        else:
            first_end, last_end = (0, _END) if step > 0 else (_END, _BEFORE_START)
            starts.append(first_end if is_open[0] else _entry(model, begin, index))
            stops.append(last_end if is_open[1] else _entry(model, end, index))
        axes.append(axis)
        steps.append(step)
    layout = Layout.PLAIN if added or dropped else model.layout_of(operation.inputs[:1])
    name = model.name(values, layout)
    if axes:
        if layout is Layout.CHANNELS_FIRST:
            axes = [layout.axis(axis) for axis in axes]
        bounds = (_vector(model, starts), _vector(model, stops))
        name = model.add("Slice", [name, *bounds, model.integers(axes), model.integers(steps)])
    if dropped:
        name = model.add("Squeeze", [name, model.integers(dropped)])
    if added:
        name = model.add("Unsqueeze", [name, model.integers(added)])
    model.put(operation.outputs[0], name, layout)


def _axes_of_slice(
    operation: tf.Operation, num_entries: int
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Finds out what the entries of a slice are about.

    Returns:
      (axis, entry) of those that cut; axes of the result that are new; axes of the input that go.
    """
    new = [i for i in range(num_entries) if _has_bit(operation, "new_axis_mask", i)]
    dots = [i for i in range(num_entries) if _has_bit(operation, "ellipsis_mask", i)]
    new = [index for index in new if index not in dots]
    num_cut = num_entries - len(new) - len(dots)
    parts, added, dropped = [], [], []
    axis = position = 0
    for index in range(num_entries):
        if index in dots:
            skipped = operation.inputs[0].shape.rank - num_cut
            axis, position = axis + skipped, position + skipped
        elif index in new:
            added.append(position)
            position += 1
        else:
            parts.append((axis, index))
            if _has_bit(operation, "shrink_axis_mask", index):
                dropped.append(axis)
            else:
                position += 1
            axis += 1
    return parts, added, dropped


def _has_bit(operation: tf.Operation, mask: str, index: int) -> bool:
    return bool(operation.get_attr(mask) >> index & 1)


def _entry(model: ModelBuilder, vector: tf.Tensor, index: int) -> int | str:
    """Returns an entry of a vector: a number, or the name of an int64 tensor [1]."""
    value = constant(vector)
    if value is not None:
        return int(value[index])
    return model.add("Gather", [model.whole_numbers(vector), model.integers([index])], axis=0)


def _vector(model: ModelBuilder, entries: Sequence[int | str]) -> str:
    """Returns the name of a vector of such entries."""
    if all(isinstance(entry, int) for entry in entries):
        return model.literal(np.array(entries, np.int64))
    names = [model.integers([e]) if isinstance(e, int) else e for e in entries]
    return names[0] if len(names) == 1 else model.add("Concat", names, axis=0)


CONVERSIONS: dict[str, Callable[[ModelBuilder, tf.Operation], None]] = {
    "ReverseV2": _reverse,
    "Slice": _slice,
    "StridedSlice": _strided_slice,
}
