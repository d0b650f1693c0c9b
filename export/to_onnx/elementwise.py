"""Operations on each value by itself, and over axes."""

from collections.abc import Callable

import numpy as np
import tensorflow.compat.v1 as tf

from export.to_onnx.model_builder import (
    Layout,
    ModelBuilder,
    constant,
    needed_constant,
    onnx_type,
)

_SAME = {
    "Abs": "Abs",
    "Add": "Add",
    "AddN": "Sum",
    "AddV2": "Add",
    "Ceil": "Ceil",
    "Elu": "Elu",
    "Equal": "Equal",
    "Exp": "Exp",
    "Floor": "Floor",
    "Greater": "Greater",
    "GreaterEqual": "GreaterOrEqual",
    "Less": "Less",
    "LessEqual": "LessOrEqual",
    "Log": "Log",
    "LogicalAnd": "And",
    "LogicalNot": "Not",
    "LogicalOr": "Or",
    "Maximum": "Max",
    "Minimum": "Min",
    "Mul": "Mul",
    "Neg": "Neg",
    "Pow": "Pow",
    "RealDiv": "Div",
    "Reciprocal": "Reciprocal",
    "Relu": "Relu",
    "Rint": "Round",  # Both round halves to even.
    "Round": "Round",
    "SelectV2": "Where",
    "Sigmoid": "Sigmoid",
    "Softplus": "Softplus",
    "Sqrt": "Sqrt",
    "Sub": "Sub",
    "Tanh": "Tanh",
}
_REDUCTIONS = {
    "Max": "ReduceMax",
    "Mean": "ReduceMean",
    "Min": "ReduceMin",
    "Prod": "ReduceProd",
    "Sum": "ReduceSum",
}


def _same(model: ModelBuilder, operation: tf.Operation) -> None:
    layout = model.layout_of(operation.inputs)
    operands = [model.operand(tensor, layout) for tensor in operation.inputs]
    model.put(operation.outputs[0], model.add(_SAME[operation.type], operands), layout)


def _on_operands(compute: Callable[..., str]) -> Callable[[ModelBuilder, tf.Operation], None]:
    """Returns a conversion that computes the output from the names of the inputs."""

    def convert(model: ModelBuilder, operation: tf.Operation) -> None:
        layout = model.layout_of(operation.inputs)
        operands = [model.operand(tensor, layout) for tensor in operation.inputs]
        model.put(operation.outputs[0], compute(model, operation, *operands), layout)

    return convert


def _cast(model: ModelBuilder, operation: tf.Operation, values: str) -> str:
    return model.add("Cast", [values], to=onnx_type(operation.outputs[0].dtype))


def _relu6(model: ModelBuilder, operation: tf.Operation, values: str) -> str:
    bounds = (model.literal(np.array(bound, np.float32)) for bound in (0.0, 6.0))
    return model.add("Clip", [values, *bounds])


def _leaky_relu(model: ModelBuilder, operation: tf.Operation, values: str) -> str:
    return model.add("LeakyRelu", [values], alpha=operation.get_attr("alpha"))


def _rsqrt(model: ModelBuilder, operation: tf.Operation, values: str) -> str:
    return model.add("Reciprocal", [model.add("Sqrt", [values])])


def _square(model: ModelBuilder, operation: tf.Operation, values: str) -> str:
    return model.add("Mul", [values, values])


def _squared_difference(model: ModelBuilder, operation: tf.Operation, one: str, other: str) -> str:
    return _square(model, operation, model.add("Sub", [one, other]))


def _not_equal(model: ModelBuilder, operation: tf.Operation, one: str, other: str) -> str:
    return model.add("Not", [model.add("Equal", [one, other])])


def _floor_mod(model: ModelBuilder, operation: tf.Operation, one: str, other: str) -> str:
    if not operation.outputs[0].dtype.is_floating:
        return model.add("Mod", [one, other])  # Of integers, ONNX's has the divisor's sign, too.
    multiple = model.add("Mul", [_floor_div(model, operation, one, other), other])
    return model.add("Sub", [one, multiple])


def _floor_div(model: ModelBuilder, operation: tf.Operation, one: str, other: str) -> str:
    if operation.outputs[0].dtype.is_floating:
        return model.add("Floor", [model.add("Div", [one, other])])
    rest = model.add("Mod", [one, other])
    return model.add("Div", [model.add("Sub", [one, rest]), other])


def _select(model: ModelBuilder, operation: tf.Operation) -> None:
    """The first version has one condition for all values, or one for each."""
    condition, chosen, _ = operation.inputs
    if condition.shape.rank not in (0, chosen.shape.rank):
        raise ValueError(f"Select {operation.name} cannot be written as ONNX: it selects rows.")
    layout = model.layout_of(operation.inputs)
    operands = [model.operand(tensor, layout) for tensor in operation.inputs]
    model.put(operation.outputs[0], model.add("Where", operands), layout)


def _reduce(model: ModelBuilder, operation: tf.Operation) -> None:
    values = operation.inputs[0]
    keeps = bool(operation.get_attr("keep_dims"))
    axes = sorted(int(axis) % values.shape.rank for axis in needed_constant(operation, 1).flatten())
    # What is left of images without height and width has the same order in both layouts.
    is_free = values.shape.rank == 4 and (keeps or axes == [1, 2])
    layout = model.layout_of([values]) if is_free else Layout.PLAIN
    if layout is Layout.CHANNELS_FIRST:
        axes = sorted(map(layout.axis, axes))
    reduced = model.add(
        _REDUCTIONS[operation.type],
        [model.name(values, layout), model.integers(axes)],
        keepdims=int(keeps),
    )
    model.put(operation.outputs[0], reduced, layout if keeps else Layout.PLAIN)


def _arg_max(model: ModelBuilder, operation: tf.Operation) -> None:
    values = operation.inputs[0]
    axis = int(needed_constant(operation, 1)) % values.shape.rank
    is_last = axis == values.shape.rank - 1
    layout = model.layout_of([values]) if is_last else Layout.PLAIN
    if layout is Layout.CHANNELS_FIRST:
        axis = layout.axis(axis)
    found = model.add("ArgMax", [model.name(values, layout)], axis=axis, keepdims=0)
    if operation.outputs[0].dtype != tf.int64:
        found = model.add("Cast", [found], to=onnx_type(operation.outputs[0].dtype))
    model.put(operation.outputs[0], found)


def _softmax(model: ModelBuilder, operation: tf.Operation) -> None:
    softmax = model.add("Softmax", [model.name(operation.inputs[0])], axis=-1)
    model.put(operation.outputs[0], softmax)


def _bias_add(model: ModelBuilder, operation: tf.Operation) -> None:
    values, biases = operation.inputs
    layout = model.layout_of([values])
    name = model.name(values, layout)
    before, bias = model.producer(name), constant(biases)
    is_own = len(values.consumers()) == 1 and values.op.type in ("Conv2D", "DepthwiseConv2dNative")
    has_none = before is not None and before.op_type == "Conv" and len(before.input) == 2
    if before is not None and bias is not None and is_own and has_none:
        before.input.append(model.literal(bias, biases.op.name))
        model.put(operation.outputs[0], name, layout)
        return
    model.put(operation.outputs[0], model.add("Add", [name, model.operand(biases, layout)]), layout)


def _mat_mul(model: ModelBuilder, operation: tf.Operation) -> None:
    names = []
    for tensor, key in zip(operation.inputs, ("transpose_a", "transpose_b"), strict=True):
        name, value = model.name(tensor), constant(tensor)
        if operation.get_attr(key):
            if value is None:
                name = model.add("Transpose", [name], perm=(1, 0))
            else:
                name = model.literal(value.T, tensor.op.name)
        names.append(name)
    model.put(operation.outputs[0], model.add("MatMul", names))


CONVERSIONS: dict[str, Callable[[ModelBuilder, tf.Operation], None]] = {
    **dict.fromkeys(_SAME, _same),
    **dict.fromkeys(_REDUCTIONS, _reduce),
    "ArgMax": _arg_max,
    "BiasAdd": _bias_add,
    "Cast": _on_operands(_cast),
    "FloorDiv": _on_operands(_floor_div),
    "FloorMod": _on_operands(_floor_mod),
    "LeakyRelu": _on_operands(_leaky_relu),
    "MatMul": _mat_mul,
    "NotEqual": _on_operands(_not_equal),
    "Relu6": _on_operands(_relu6),
    "Rsqrt": _on_operands(_rsqrt),
    "Select": _select,
    "Softmax": _softmax,
    "Square": _on_operands(_square),
    "SquaredDifference": _on_operands(_squared_difference),
}
