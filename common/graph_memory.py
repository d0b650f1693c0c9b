"""How much memory a graph needs at least, by the sizes of its tensors."""

import itertools
import math
from collections.abc import Sequence

import tensorflow.compat.v1 as tf

# Their output is their input under another shape or name.
_ALIASES = frozenset(
    {
        *("Identity", "IdentityN", "Reshape", "Squeeze", "ExpandDims", "StopGradient"),
        *("PreventGradient", "CheckNumerics", "Snapshot"),
    }
)
# These need a tensor's shape only.
_SHAPE_READERS = frozenset({"Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike"})
_VARIABLES = frozenset({"VariableV2", "Variable", "VarHandleOp"})


def held_bytes(loss: tf.Tensor, train_op: tf.Tensor) -> int:
    """Returns the bytes that a training step holds between the forward and the backward pass.

    When the loss is known, everything that the backward pass needs of the forward pass is there at
    once, and so are the variables. Gradients and what single operations need come on top. Tensors
    whose size is not known do not count.
    """
    forward = _ancestors([loss.op])
    backward = _ancestors([train_op.op]) - forward
    readers = (operation for operation in backward if operation.type not in _SHAPE_READERS)
    read = itertools.chain.from_iterable(operation.inputs for operation in readers)
    held = {_source(each) for each in read if each.op in forward}
    held = {tensor for tensor in held if tensor.op.type not in (*_VARIABLES, "Const")}
    variables = [variable.op.outputs[0] for variable in tf.global_variables()]
    return sum(map(_num_bytes, [*held, *variables]))


def largest_bytes(fetches: Sequence[tf.Tensor]) -> int:
    """Returns the bytes that the operation with the most, of those for `fetches`, reads and writes.

    Tensors whose size is not known do not count.
    """
    operations = _ancestors([tensor.op for tensor in fetches])
    tensors = ({_source(each) for each in (*op.inputs, *op.outputs)} for op in operations)
    return max(sum(map(_num_bytes, of_one)) for of_one in tensors)


def _ancestors(operations: list[tf.Operation]) -> set[tf.Operation]:
    seen, waiting = set(operations), list(operations)
    while waiting:
        operation = waiting.pop()
        for each in [*(tensor.op for tensor in operation.inputs), *operation.control_inputs]:
            if each not in seen:
                seen.add(each)
                waiting.append(each)
    return seen


def _source(tensor: tf.Tensor) -> tf.Tensor:
    while tensor.op.type in _ALIASES:
        tensor = tensor.op.inputs[0]
    return tensor


def _num_bytes(tensor: tf.Tensor) -> int:
    if not tensor.shape.is_fully_defined() or tensor.dtype.base_dtype.size is None:
        return 0
    return math.prod(tensor.shape.as_list()) * tensor.dtype.base_dtype.size
