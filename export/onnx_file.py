"""A frozen graph → an ONNX file of the whole graph. Knows no task.

Needs the package onnx, which is optional. The conversion is ours: it knows the operations that our
networks consist of, and TensorFlow's resizes to the pixel. tf2onnx knows many more operations, but
gives resizes scales in float32, which round.
"""

import importlib.util
import json
from collections.abc import Iterable, Sequence

import tensorflow.compat.v1 as tf

from common import export_names, files
from export import optimize_graph
from export.graph import dilations
from export.graph.editor import GraphEditor

OPSET = 18
_IR_VERSION = 8
# What sides that are not known before are called, those of the input first.
_SIDES = ("batch", "height", "width", "depth")
# They check, and compute nothing.
_DROPPED = {"Assert", "NoOp"}


def require_package() -> None:
    """Makes sure (ValueError) that the package is installed, without importing it."""
    if importlib.util.find_spec("onnx") is None:
        raise ValueError(
            "ONNX files need a package that is not installed (onnx): run make setup-onnx."
        )


def convert(
    graph_def: tf.GraphDef,
    description: bytes,
    input_name: str,
    output_names: Sequence[str],
    kept_names: Iterable[str],
    path: str,
) -> None:
    """Writes a graph as an ONNX file, whole or not at all.

    Args:
      graph_def: a frozen graph. Assertions in it are dropped.
      description: JSON that describes the model, for its metadata; b"" for none.
      input_name, output_names: nodes that are the file's inputs and outputs.
      kept_names: further nodes between them whose values keep their names, and through which all
        computation goes, so that the file can be cut there.
      path: the `.onnx` to write.

    Raises:
      ValueError: the graph has operations that the conversion does not know, or the package is not
        installed.
    """
    require_package()
    import onnx

    kept = [*output_names, *kept_names]
    model = _convert(_prepare(graph_def, input_name, kept), input_name, output_names, kept)
    if description:
        compact = json.dumps(json.loads(description), ensure_ascii=False)
        onnx.helper.set_model_props(model, {export_names.ONNX_METADATA_KEY: compact})
    onnx.checker.check_model(model, full_check=True)
    files.write(path, model.SerializeToString(deterministic=True))


def _prepare(graph_def: tf.GraphDef, input_name: str, kept: Sequence[str]) -> tf.Graph:
    """Returns a graph without assertions, optimized, in which dilated convolutions are one."""
    editor = GraphEditor(graph_def, [input_name, *kept])
    for node in list(editor.nodes.values()):
        editor.set_inputs(node, [entry for entry in node.input if not entry.startswith("^")])
    editor.prune()
    optimized = optimize_graph.optimize(editor.to_graph_def(), [input_name], kept)
    editor = GraphEditor(optimized, [input_name, *kept])
    dilations.join(editor)
    return editor.to_graph()


def _convert(graph: tf.Graph, input_name: str, output_names: Sequence[str], kept: Sequence[str]):
    """Returns the model of a graph, an `onnx.ModelProto`."""
    import onnx

    from export.to_onnx import elementwise, layers, resizing, shapes, slices
    from export.to_onnx.model_builder import ModelBuilder

    conversions = {
        **elementwise.CONVERSIONS,
        **shapes.CONVERSIONS,
        **slices.CONVERSIONS,
        **layers.CONVERSIONS,
        **resizing.CONVERSIONS,
    }
    operations = [each for each in graph.get_operations() if each.type != "Const"]
    operations = [each for each in operations if each.name != input_name]
    unknown = sorted({each.type for each in operations} - conversions.keys())
    if unknown:
        raise ValueError(
            f"the graph has operations that cannot be written as ONNX: {', '.join(unknown)}."
        )
    model = ModelBuilder([input_name, *kept])
    image = graph.get_tensor_by_name(f"{input_name}:0")
    model.put(image, input_name)
    for operation in operations:
        model.scope = operation.name
        conversions[operation.type](model, operation)
        if operation.name in kept:
            model.emit_as(operation.outputs[0], operation.name)
    infos = {name: _info(graph.get_tensor_by_name(f"{name}:0"), name) for name in kept}
    built = onnx.helper.make_graph(
        model.nodes,
        "graph",
        [_info(image, input_name)],
        [infos[name] for name in output_names],
        initializer=model.initializers,
        value_info=[infos[name] for name in kept if name not in output_names],
    )
    return onnx.helper.make_model(
        built,
        producer_name="export_model.py",
        ir_version=_IR_VERSION,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
    )


def _info(tensor: tf.Tensor, name: str):
    """Returns type and shape of a tensor, an `onnx.ValueInfoProto`."""
    import onnx

    from export.to_onnx.model_builder import onnx_type

    shape = [
        side if side is not None else _SIDES[axis] if axis < len(_SIDES) else f"side_{axis}"
        for axis, side in enumerate(tensor.shape.as_list())
    ]
    return onnx.helper.make_tensor_value_info(name, onnx_type(tensor.dtype), shape)
