"""An ONNX graph while it is built, operation by operation, from a graph of TensorFlow.

TensorFlow has the channels of images last, ONNX first. A tensor may therefore have two forms, one
in either layout; a missing one is made by a transpose when somebody asks for it, so that layers
that follow each other stay in ONNX's layout.
"""

import enum
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import onnx
import tensorflow.compat.v1 as tf


class Layout(enum.Enum):
    """The order of the four axes of images. Tensors of other ranks are `PLAIN`."""

    PLAIN = (0, 1, 2, 3)
    CHANNELS_FIRST = (0, 3, 1, 2)

    def axis(self, axis: int) -> int:
        """Returns where one of TensorFlow's axes, 0..3, is in this layout."""
        return self.value.index(axis)


class ModelBuilder:
    """Collects nodes and constants.

    Attributes:
      nodes: each after those that it reads.
      initializers: the constants.
      scope: name of the operation that is being converted; new nodes are named after it.
    """

    def __init__(self, reserved: Iterable[str]):
        """Starts a graph; no node's output is named as one of `reserved` but by `emit_as`."""
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.scope = ""
        self._reserved = frozenset(reserved)
        self._taken = set(self._reserved)
        self._forms: dict[str, dict[Layout, str]] = {}
        self._literals: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._producers: dict[str, onnx.NodeProto] = {}

    def add(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Adds a node with one output and returns the output's name."""
        return self.add_many(kind, inputs, 1, **attributes)[0]

    def add_many(
        self, kind: str, inputs: Sequence[str], count: int, /, **attributes: Any
    ) -> list[str]:
        """Adds a node with `count` outputs and returns their names."""
        outputs = [self._free_name(self.scope) for _ in range(count)]
        self._append(kind, inputs, outputs, attributes)
        return outputs

    def put(self, tensor: tf.Tensor, name: str, layout: Layout = Layout.PLAIN) -> None:
        """Says which output is a tensor of the graph."""
        self._forms[tensor.name] = {layout: name}

    def emit_as(self, tensor: tf.Tensor, name: str) -> None:
        """Gives the plain form of a tensor a reserved name, and all that reads it only that."""
        source = self.name(tensor)
        self._append("Identity", [source], [name], {})
        self._forms[tensor.name] = {Layout.PLAIN: name}

    def name(self, tensor: tf.Tensor, layout: Layout = Layout.PLAIN) -> str:
        """Returns the name of a tensor in a layout, which is made where it is missing."""
        forms = self._forms.setdefault(tensor.name, {})
        if layout not in forms:
            value = constant(tensor)
            if value is not None:
                is_plain = layout is Layout.PLAIN
                value = value if is_plain else value.transpose(layout.value)
                forms[layout] = self.literal(value, tensor.op.name)
            else:
                order = list(Layout.CHANNELS_FIRST.value)
                if layout is Layout.PLAIN:
                    order = list(map(Layout.CHANNELS_FIRST.axis, range(4)))
                (source,) = forms.values()
                forms[layout] = self.add("Transpose", [source], perm=order)
        return forms[layout]

    def is_channels_first(self, tensor: tf.Tensor) -> bool:
        """Whether a tensor has a form with its channels first already."""
        return Layout.CHANNELS_FIRST in self._forms.get(tensor.name, ())

    def layout_of(self, tensors: Iterable[tf.Tensor]) -> Layout:
        """Returns the layout in which images, and constants and scalars, are handled together."""
        varying = [tensor for tensor in tensors if constant(tensor) is None]
        if all(tensor.shape.rank in (0, 4) for tensor in varying) and any(
            map(self.is_channels_first, varying)
        ):
            return Layout.CHANNELS_FIRST
        return Layout.PLAIN

    def operand(self, tensor: tf.Tensor, layout: Layout) -> str:
        """Returns the name of a tensor as it is broadcast to images of a layout."""
        value = constant(tensor)
        if layout is Layout.PLAIN or tensor.shape.rank == 0:
            return self.name(tensor)
        if value is None:
            return self.name(tensor, layout)
        value = value.reshape((1,) * (4 - value.ndim) + value.shape)
        return self.literal(value.transpose(layout.value), tensor.op.name)

    def whole_numbers(self, tensor: tf.Tensor) -> str:
        """Returns the name of a tensor of sizes or indices as int64, as ONNX wants them."""
        value = constant(tensor)
        if value is not None:
            return self.literal(value.astype(np.int64))
        return self.add("Cast", [self.name(tensor)], to=onnx.TensorProto.INT64)

    def literal(self, value: np.ndarray, name: str | None = None) -> str:
        """Returns the name of a constant, which is there once however often it is asked for."""
        value = np.asarray(value, order="C")  # `ascontiguousarray` makes vectors of scalars.
        key = (value.dtype.str, value.shape, value.tobytes())
        if key not in self._literals:
            free = self._free_name(name or f"{self.scope}/constant")
            self.initializers.append(onnx.numpy_helper.from_array(value, free))
            self._literals[key] = free
        return self._literals[key]

    def integers(self, values: Sequence[int] | int) -> str:
        """Returns the name of a constant of int64."""
        return self.literal(np.array(values, np.int64))

    def producer(self, name: str) -> onnx.NodeProto | None:
        """Returns the node that has an output; None for constants and inputs."""
        return self._producers.get(name)

    def _append(
        self, kind: str, inputs: Sequence[str], outputs: Sequence[str], attributes: dict[str, Any]
    ) -> None:
        node = onnx.helper.make_node(kind, inputs, outputs, name=outputs[0], **attributes)
        self.nodes.append(node)
        self._producers.update((output, node) for output in outputs)

    def _free_name(self, wanted: str) -> str:
        name, number = wanted, 0
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return name


def constant(tensor: tf.Tensor) -> np.ndarray | None:
    """Returns the value of a constant, None for other tensors."""
    if tensor.op.type != "Const":
        return None
    # As an array also where it is a scalar.
    return np.asarray(tf.make_ndarray(tensor.op.get_attr("value")))


def needed_constant(operation: tf.Operation, index: int) -> np.ndarray:
    """Returns the value of an input that has to be a constant (ValueError if it is not)."""
    value = constant(operation.inputs[index])
    if value is None:
        raise ValueError(
            f"{operation.type} {operation.name} cannot be written as ONNX: its input {index} is "
            "not constant."
        )
    return value


def onnx_type(dtype: tf.DType) -> int:
    """Returns ONNX's number of a type."""
    return onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype.as_numpy_dtype))
