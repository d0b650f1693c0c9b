"""The operators, tensors and interpreter of a TFLite file.

The operators' attributes are read with the schema that TensorFlow brings along (`schema.fbs`), the
rest through the interpreter, which also checks the file.
"""

import os
import warnings
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

_OPERATOR_NAMES = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
}
# Copies of a constant that some converters leave to the interpreter.
_COPIES = ("QUANTIZE", "DEQUANTIZE")
# Between class scores and the output.
_AFTER_SCORES = (
    *_COPIES,
    *("ARG_MAX", "SOFTMAX", "CAST", "RESHAPE", "SQUEEZE", "RESIZE_NEAREST_NEIGHBOR"),
)
# Between an image and the first convolution, without changing its values.
_SHAPING = (*_COPIES, "PAD", "PADV2", "SPACE_TO_BATCH_ND", "RESHAPE")


class Operator(NamedTuple):
    """One operator.

    Attributes:
      kind: its name in the schema, such as "CONV_2D".
      inputs, outputs: indices of tensors; -1 for an input that is omitted.
      options: the schema's record of its attributes, or None.
    """

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any


class TFLiteGraph:
    """The graph of a TFLite file that predicts the class of each pixel of an image.

    Attributes:
      operators: in the order in which they run.
      producers: the operator that makes a tensor; none for inputs and constants.
      crop_size: (height, width) of the images that it takes.
      num_classes: channels of its class scores.

    Raises:
      ValueError: it is damaged or not a segmentation network; the message names it.
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
            raise ValueError(f"{path} is damaged or not a TFLite file: {reason}.") from error
        self._details = {each["index"]: each for each in self._interpreter.get_tensor_details()}
        self.operators = _read_operators(content)
        self.producers = {index: each for each in self.operators for index in each.outputs}
        self._scores = self._find_scores()
        self.num_classes = self._shape(self._scores)[3]
        inputs = self._interpreter.get_input_details()
        self._input = inputs[0]
        shape = self._shape(self._input["index"])
        if len(inputs) != 1 or len(shape) != 4 or shape[3] != 3 or min(shape[1:3]) < 2:
            raise ValueError(
                f"{path} takes {len(inputs)} inputs, the first {list(shape)}; expected one image "
                "[1, height, width, 3] of a fixed size."
            )
        self.crop_size = (shape[1], shape[2])

    def name(self, tensor: int) -> str:
        """Returns the name of a tensor."""
        return self._details[tensor]["name"]

    def is_quantized(self, tensor: int) -> bool:
        """Whether a tensor, or what a copying operator makes it of, holds integers."""
        return np.issubdtype(self._details[self._original(tensor)]["dtype"], np.integer)

    def constant(self, tensor: int) -> np.ndarray | None:
        """Returns a constant as float32, with integers brought back to scale; else None."""
        tensor = self._original(tensor)
        if tensor < 0 or tensor in self.producers or tensor == self._input["index"]:
            return None
        return self._value(tensor)

    def run(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `importing.NetworkFile.run`; the logits are the file's class scores."""
        seen = next(each for each in self.operators if each.kind == "CONV_2D").inputs[0]
        while (operator := self.producers.get(seen)) and operator.kind in _SHAPING:
            seen = operator.inputs[0]
        dtype = self._input["dtype"]
        if np.issubdtype(dtype, np.integer):
            limits = np.iinfo(dtype)
            image = np.rint(image / 255 * (int(limits.max) - limits.min) + limits.min)
        elif seen == self._input["index"]:
            image = image / 127.5 - 1  # Nothing in the file normalizes it.
        self._interpreter.set_tensor(self._input["index"], image.astype(dtype)[None])
        self._interpreter.invoke()
        return self._value(seen)[0], self._value(self._scores)[0]

    def _find_scores(self) -> int:
        """Returns the tensor whose largest channel is the class of a pixel."""
        for details in self._interpreter.get_output_details():
            tensor = details["index"]
            while (operator := self.producers.get(tensor)) and operator.kind in _AFTER_SCORES:
                tensor = operator.inputs[0]
            shape = self._shape(tensor)
            if operator and len(shape) == 4 and shape[3] > 1:
                return tensor
        raise ValueError(
            f"{self.path} is not a segmentation network: no output is made of class scores "
            "[1, height, width, classes]."
        )

    def _shape(self, tensor: int) -> tuple[int, ...]:
        return tuple(int(side) for side in self._details[tensor]["shape"])

    def _original(self, tensor: int) -> int:
        operator = self.producers.get(tensor)
        return operator.inputs[0] if operator and operator.kind in _COPIES else tensor

    def _value(self, tensor: int) -> np.ndarray:
        """Returns a tensor as float32; (stored - zero point) * scale where it is quantized."""
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


def _open(content: bytes) -> tf.lite.Interpreter:
    with warnings.catch_warnings():
        # Its successor is a separate package; the release announced to remove this one has passed.
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
        outputs = tuple(record.outputs.tolist())
        operators.append(Operator(kind, inputs, outputs, record.builtinOptions))
    return operators
