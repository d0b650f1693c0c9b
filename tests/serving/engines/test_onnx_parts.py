"""The network cut out of an ONNX file, by hand: what is kept, what is refused, damaged files."""

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from serving.engines import onnx_parts

FLOATS = ["batch", 3]


def info(name: str, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, FLOATS)


def model(*further: onnx.NodeProto, **fields) -> onnx.ModelProto:
    """Bytes -> Network = bytes + 1 -> Logits = 2 * Network + Network -> Result = Logits - 5."""
    values = {"one": [1.0], "two": [2.0], "five": [5.0], "unused": [9.0] * 200}
    nodes = [
        helper.make_node("Cast", ["Bytes"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["floats", "one"], ["Network"]),
        helper.make_node("Mul", ["Network", "two"], ["doubled"], name="x" * 300),
        helper.make_node("Add", ["doubled", "Network"], ["Logits"]),
        helper.make_node("Sub", ["Logits", "five"], ["Result"]),
        *further,
    ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [info("Bytes", TensorProto.UINT8)],
        [info("Result")],
        initializer=[
            numpy_helper.from_array(np.array(each, np.float32), name)
            for name, each in values.items()
        ],
        value_info=[info("Network"), info("Logits")],
    )
    imports = [helper.make_opsetid("", 18), helper.make_opsetid("com.example", 1)]
    built = helper.make_model(graph, ir_version=8, opset_imports=imports, **fields)
    helper.set_model_props(built, {"description": '{"class_names": ["Bäume"]}', "other": ""})
    return built


def run(content: bytes, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


def test_the_part_computes_what_it_did():
    content = onnx_parts.cut(model().SerializeToString(), ["Network"], ["Logits"])
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    (logits,) = run(content, {"Network": values})
    np.testing.assert_array_equal(logits, 3 * values)
    part = onnx.ModelProto.FromString(content)
    onnx.checker.check_model(part, full_check=True)
    assert [node.op_type for node in part.graph.node] == ["Mul", "Add"]
    assert [tensor.name for tensor in part.graph.initializer] == ["two"]
    assert part.graph.input[0] == info("Network")
    assert part.graph.output[0] == info("Logits")
    assert part.opset_import == model().opset_import


def test_several_tensors_come_in_the_order_of_their_names():
    part = onnx_parts.cut(model().SerializeToString(), ["Bytes"], ["Result", "Network", "Logits"])
    result, network, logits = run(part, {"Bytes": np.full([1, 3], 4, np.uint8)})
    assert (result[0, 0], network[0, 0], logits[0, 0]) == (10.0, 5.0, 15.0)


def test_metadata_are_read():
    expected = {"description": '{"class_names": ["Bäume"]}', "other": ""}
    assert onnx_parts.read_metadata(model().SerializeToString()) == expected


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        (["Network"], ["logits"], "it has no tensor logits"),
        (["doubled"], ["Logits"], "it has no tensor doubled"),  # Its type is not known.
        (["Logits"], ["Network"], "Network depends on Bytes besides Logits"),
    ],
)
def test_other_tensors_are_refused(inputs, outputs, message):
    with pytest.raises(ValueError, match=message):
        onnx_parts.cut(model().SerializeToString(), inputs, outputs)


def test_operations_that_are_not_onnxs_own_are_refused():
    node = helper.make_node("Run", ["Network"], ["Other"], domain="com.example")
    with pytest.raises(ValueError, match=r"needs operations of com\.example, which are not ONNX's"):
        onnx_parts.cut(model(node).SerializeToString(), ["Network"], ["Logits"])


def test_graphs_inside_operations_are_refused():
    branch = helper.make_graph([], "branch", [], [info("Network")])
    node = helper.make_node("If", ["bool"], ["Other"], then_branch=branch, else_branch=branch)
    with pytest.raises(ValueError, match="operation If has a graph of its own"):
        onnx_parts.cut(model(node).SerializeToString(), ["Network"], ["Logits"])


def test_weights_in_other_files_are_refused(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(4))
    outside = model()
    tensor = next(each for each in outside.graph.initializer if each.name == "two")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=str(tmp_path / "secret"))
    with pytest.raises(ValueError, match="tensor two is in another file"):
        onnx_parts.cut(outside.SerializeToString(), ["Network"], ["Logits"])


def test_damaged_files_are_an_error_wherever_they_are_cut_off():
    content = model().SerializeToString()
    for length in range(len(content)):
        try:
            onnx_parts.cut(content[:length], ["Network"], ["Logits"])
        except ValueError:
            continue
        # Only what follows the graph may be missing.
        assert onnx.ModelProto.FromString(content[:length]).graph == model().graph
    for other in (b"", b"no model at all", b"\xff" * 40, b"<xml>"):
        with pytest.raises(ValueError, match="it is"):
            onnx_parts.cut(other, ["Network"], ["Logits"])


def test_no_damage_is_any_other_error():
    content = bytearray(model().SerializeToString())
    random = np.random.RandomState(0)
    for _ in range(2000):
        mangled = bytearray(content)
        for place in random.randint(0, len(content), 3):
            mangled[place] = random.randint(256)
        try:
            onnx_parts.cut(bytes(mangled), ["Network"], ["Logits"])
            onnx_parts.read_metadata(bytes(mangled))
        except ValueError:
            pass
