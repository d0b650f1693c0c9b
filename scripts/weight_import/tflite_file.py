"""A TFLite file: its operators and constants, and what its interpreter makes of an image.

The operators' attributes are read with the schema that TensorFlow brings along (`schema.fbs`), the
rest through the interpreter, which also checks the file.
"""

import dataclasses
import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

_OPERATOR_NAMES = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
}
# What makes classes of class scores, and brings either to another form.
_BEHIND_SCORES = ("ARG_MAX", "SOFTMAX", "CAST", "RESHAPE", "SQUEEZE", "RESIZE_NEAREST_NEIGHBOR")
# Copies of a constant that some converters leave to the interpreter.
_COPIES = ("QUANTIZE", "DEQUANTIZE")
# What may stand between an image and the first convolution without changing its values.
_SHAPING = (*_COPIES, "PAD", "PADV2", "SPACE_TO_BATCH_ND", "RESHAPE")
_UNDO: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "ADD": np.subtract,
    "SUB": np.add,
    "MUL": np.divide,
    "DIV": np.multiply,
}


@dataclasses.dataclass(frozen=True, eq=False)
class Operator:
    """One operator.

    Attributes:
      kind: its name in the schema, such as "CONV_2D".
      inputs, outputs: indices of tensors; -1 for an input that is left away.
      options: the schema's record of its attributes, or None.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any


class TFLiteFile:
    """A TFLite file that takes one image and says the class of its pixels.

    Args:
      path: the file.

    Attributes:
      path: the file.
      operators: those that the class scores depend on, in the order in which they run.
      crop_size: (height, width) of the images that it takes.

    Raises:
      ValueError: it is damaged or no segmentation network; the message names it.
      OSError: it cannot be opened.
    """

    def __init__(self, path: str):
        self.path = path
        with open(path, "rb") as file:
            content = file.read()
        try:
            self._interpreter = _open(content)
        except (RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ValueError(f"{path} is damaged or no TFLite file: {reason}.") from error
        self._details = {each["index"]: each for each in self._interpreter.get_tensor_details()}
        operators = _read_operators(content)
        self._producers = {index: each for each in operators for index in each.outputs}
        self._scores = self._find_scores()
        needed = self._ancestors(self._scores)
        self.operators = tuple(each for each in operators if each in needed)
        self._consumers: dict[int, list[Operator]] = {}
        for operator in operators:
            for index in operator.inputs:
                self._consumers.setdefault(index, []).append(operator)
        inputs = self._interpreter.get_input_details()
        shape = [int(side) for side in inputs[0]["shape"]]
        if len(inputs) != 1 or len(shape) != 4 or shape[3] != 3 or min(shape[1:3]) < 2:
            raise ValueError(
                f"{path} takes {len(inputs)} inputs, the first {shape}; expected one image "
                "[1, height, width, 3] of a fixed size."
            )
        self._input = inputs[0]
        self.crop_size = (shape[1], shape[2])

    def producer(self, tensor: int) -> Operator | None:
        """Returns the operator that makes a tensor, None for inputs and constants."""
        return self._producers.get(tensor)

    def consumers(self, tensor: int) -> list[Operator]:
        """Returns the operators that use a tensor."""
        return self._consumers.get(tensor, [])

    def name(self, tensor: int) -> str:
        """Returns the name of a tensor."""
        return self._details[tensor]["name"]

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Returns the shape of a tensor."""
        return tuple(int(side) for side in self._details[tensor]["shape"])

    def is_quantized(self, tensor: int) -> bool:
        """Whether a tensor, or what a copying operator makes it of, holds integers."""
        return np.issubdtype(self._details[self._original(tensor)]["dtype"], np.integer)

    def constant(self, tensor: int) -> np.ndarray | None:
        """Returns a constant as float32, with integers brought back to scale; else None."""
        tensor = self._original(tensor) if tensor >= 0 else tensor
        if tensor < 0 or tensor in self._producers or tensor == self._input["index"]:
            return None
        return self._value(tensor)

    def logits(self, normalized: np.ndarray) -> np.ndarray:
        """Returns the class scores of an image, float32 [height, width, classes].

        Args:
          normalized: float32 [*crop_size, 3], what the first convolution sees of the image.
        """
        values = self._before_first_convolution(normalized)
        dtype = self._input["dtype"]
        if np.issubdtype(dtype, np.integer):
            scale, zero_point = self._input["quantization"]
            limits = np.iinfo(dtype)
            values = np.clip(np.rint(values / (scale or 1.0) + zero_point), limits.min, limits.max)
        self._interpreter.set_tensor(self._input["index"], values.astype(dtype)[None])
        self._interpreter.invoke()
        return self._value(self._scores)[0]

    def _find_scores(self) -> int:
        """Returns the tensor whose largest channel is the class of a pixel."""
        for details in self._interpreter.get_output_details():
            tensor = details["index"]
            while (operator := self.producer(tensor)) and (
                operator.kind in _BEHIND_SCORES + _COPIES
            ):
                tensor = operator.inputs[0]
            if operator is not None and len(shape := self.shape(tensor)) == 4 and shape[3] > 1:
                return tensor
        raise ValueError(
            f"{self.path} is no segmentation network: no output is made of class scores "
            "[1, height, width, classes]."
        )

    def _ancestors(self, tensor: int) -> set[Operator]:
        found: set[Operator] = set()
        stack = [tensor]
        while stack:
            operator = self.producer(stack.pop())
            if operator is not None and operator not in found:
                found.add(operator)
                stack.extend(operator.inputs)
        return found

    def _original(self, tensor: int) -> int:
        operator = self.producer(tensor)
        return operator.inputs[0] if operator and operator.kind in _COPIES else tensor

    def _value(self, tensor: int) -> np.ndarray:
        """Returns a tensor as float32; (stored - zero point) * scale where it is quantised."""
        stored = self._interpreter.get_tensor(tensor)
        quantization = self._details[tensor]["quantization_parameters"]
        scales, zero_points = quantization["scales"], quantization["zero_points"]
        if not len(scales):
            return stored.astype(np.float32)
        along = [1] * stored.ndim
        if len(scales) > 1:
            along[quantization["quantized_dimension"]] = len(scales)
        values = stored.astype(np.float64) - zero_points.reshape(along)
        return (values * scales.reshape(along)).astype(np.float32)

    def _before_first_convolution(self, values: np.ndarray) -> np.ndarray:
        """Returns what the file must be given so that its first convolution sees `values`."""
        first = next(each for each in self.operators if each.kind == "CONV_2D")
        tensor = first.inputs[0]
        while tensor != self._input["index"] and (operator := self.producer(tensor)):
            tensor = operator.inputs[0]
            if operator.kind in _SHAPING:
                continue
            operand = self.constant(operator.inputs[1]) if len(operator.inputs) == 2 else None
            if operator.kind not in _UNDO or operand is None:
                raise ValueError(
                    f"{self.path} prepares its images by {operator.kind}, which is not known here."
                )
            values = _UNDO[operator.kind](values, operand.reshape(-1))
        return values.astype(np.float32)


def _open(content: bytes) -> tf.lite.Interpreter:
    with warnings.catch_warnings():
        # Its successor is a package of its own; the announced release without this one has passed.
        warnings.filterwarnings("ignore", message=r"\s*Warning: tf.lite.Interpreter is deprecated")
        interpreter = tf.lite.Interpreter(
            model_content=content,
            num_threads=os.cpu_count(),
            # Delegates keep tensors in between to themselves.
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=(
                tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
            ),
        )
    interpreter.allocate_tensors()
    return interpreter


def _read_operators(content: bytes) -> list[Operator]:
    """Reads the operators of the first subgraph."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    operators = []
    for record in model.subgraphs[0].operators:
        code = model.operatorCodes[record.opcodeIndex]
        # Older files have the code in a narrow field of its own, newer ones in both.
        kind = _OPERATOR_NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]
        inputs = () if record.inputs is None else tuple(record.inputs.tolist())
        operators.append(
            Operator(kind, inputs, tuple(record.outputs.tolist()), record.builtinOptions)
        )
    return operators
