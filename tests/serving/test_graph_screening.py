"""Graphs that would read and write files or run programs, and such as do neither."""

import os
import pathlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from tensorflow.python.framework import function

from deeplab.options import ModelOptions
from scripts.weight_import.frozen_graph import FrozenGraph
from serving import export_file, graph_screening
from serving.deeplab_model import DeepLabModel
from tests.support import command_runs, published_export, toy_export

OPTIONS = ModelOptions(
    num_classes=4, model_variant="mobilenet_v2", depth_multiplier=0.25, output_stride=16
)
# What reads, writes, runs or connects, or has done so in some version, as TensorFlow calls it.
UNSAFE = (
    *("ReadFile", "WriteFile", "MatchingFiles", "Save", "SaveV2", "SaveSlices", "Restore"),
    *("RestoreV2", "RestoreSlice", "MergeV2Checkpoints", "ShardedFilename", "ShardedFilespec"),
    *("PyFunc", "PyFuncStateless", "EagerPyFunc", "WholeFileReader", "WholeFileReaderV2"),
    *("TextLineReader", "TFRecordReaderV2", "FixedLengthRecordReader", "ReaderRead"),
    *("TFRecordDataset", "TextLineDataset", "FixedLengthRecordDataset", "CacheDataset"),
    *("SnapshotDataset", "SaveDataset", "LoadDataset", "DataServiceDataset", "DatasetFromGraph"),
    *("Print", "PrintV2", "DebugIdentity", "DebugNanCount", "Copy", "CopyHost"),
    *("InitializeTableFromTextFile", "InitializeTableFromTextFileV2", "HashTableV2"),
    *("LookupTableImportV2", "GenerateVocabRemapping", "LoadAndRemapMatrix", "ImmutableConst"),
    *("CreateSummaryFileWriter", "CreateSummaryDbWriter", "WriteSummary", "SummaryWriter"),
    *("_Send", "_Recv", "_HostSend", "RemoteCall", "RegisterDataset", "RpcClient", "XlaLaunch"),
    *("XlaCustomCall", "TPUPartitionedCall", "VarHandleOp", "VariableV2", "SymbolicGradient"),
    *("AudioSpectrogram", "DecodeJpeg", "CollectiveReduce", "NcclAllReduce", "MyOwnOperation"),
)


def toy(tmp_path: pathlib.Path) -> tf.GraphDef:
    return tf.GraphDef.FromString(toy_export.write(tmp_path / "toy.pb").read_bytes())


def save(graph_def: tf.GraphDef, tmp_path: pathlib.Path) -> str:
    path = tmp_path / "theirs.pb"
    path.write_bytes(graph_def.SerializeToString())
    return str(path)


@pytest.mark.parametrize("operation", UNSAFE)
def test_operations_that_reach_beyond_the_graph_are_refused_by_name(tmp_path, operation):
    graph_def = toy(tmp_path)
    graph_def.node.add(name="harmless", op=operation)
    path = save(graph_def, tmp_path)
    with pytest.raises(ValueError, match=rf"theirs\.pb has .*: {operation} \(node harmless\)\. "):
        _ = export_file.read_export(path).graph_def
    assert export_file.read_export(path, trust=True).graph_def == graph_def


def evil(tmp_path: pathlib.Path, where: str) -> str:
    """Returns the path of a graph that writes a file as soon as the crop is measured."""
    target = tmp_path / "written"
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.uint8, [1, None, None, 3], name="ImageTensor")

        @function.Defun(tf.float32)
        def write(values):
            with tf.control_dependencies([tf.io.write_file(str(target), "text")]):
                return tf.identity(values)

        @function.Defun(tf.float32)
        def nested(values):
            return write(values)

        values = tf.cast(images, tf.float32)[0]
        if where == "graph":
            with tf.control_dependencies([tf.io.write_file(str(target), "text")]):
                values = tf.identity(values)
        else:
            values = {"function": write, "nested": nested}[where](values)
        values.set_shape([None, None, 3])
        kernel = tf.constant(np.ones([1, 1, 3, 4], np.float32))
        logits = tf.nn.conv2d(tf.expand_dims(values, 0), kernel, 1, "SAME")
        tf.identity(tf.argmax(logits, 3, output_type=tf.int32), "SemanticPredictions")
    return save(graph.as_graph_def(), tmp_path)


@pytest.mark.parametrize("where", ["graph", "function", "nested"])
def test_loading_a_graph_writes_nothing_unless_it_is_trusted(tmp_path, where):
    path = evil(tmp_path, where)
    for load in (DeepLabModel, FrozenGraph, lambda path: export_file.read_export(path).graph_def):
        with pytest.raises(ValueError, match=r"WriteFile .*--trust, or trust=True"):
            load(path)
    assert not (tmp_path / "written").exists()
    with DeepLabModel(path, trust=True) as model:
        model.segment(np.zeros([3, 4, 3], np.uint8))
    assert (tmp_path / "written").exists()


def test_functions_cannot_pass_for_operations(tmp_path):
    graph_def = toy(tmp_path)
    graph_def.library.function.add().signature.name = "ReadFile"
    graph_def.node.add(name="call", op="ReadFile")
    with pytest.raises(ValueError, match=r"ReadFile \(node call\)"):
        graph_screening.check_operations(graph_def, "x.pb")
    graph_def = toy(tmp_path)
    call = graph_def.node.add(name="call", op="PartitionedCall")
    call.attr["f"].func.name = "ReadFile"  # Not of the graph.
    with pytest.raises(ValueError, match=r"ReadFile \(node call\)"):
        graph_screening.check_operations(graph_def, "x.pb")
    graph_def.library.function.add().signature.name = "mine"
    call.attr["f"].func.name = "mine"
    graph_screening.check_operations(graph_def, "x.pb")
    call.attr["branches"].list.func.add(name="WriteFile")
    with pytest.raises(ValueError, match=r"WriteFile \(node call\)"):
        graph_screening.check_operations(graph_def, "x.pb")


def test_names_in_the_message_are_cut_and_printable(tmp_path):
    graph_def = toy(tmp_path)
    for number in range(1000):
        graph_def.node.add(name=f"\x1b[2J{'n' * 500}", op=f"Op{number}\n{'x' * 500}")
    with pytest.raises(ValueError, match="and 995 more") as error:
        graph_screening.check_operations(graph_def, "x.pb")
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 1500


@pytest.mark.parametrize(
    "how",
    [
        {"year": 2018},
        {"min_resize_value": 33, "max_resize_value": 65, "resize_factor": 16},  # with tf.cond
        {"scales": (0.5, 1.0), "add_flipped": True},
    ],
)
def test_published_graphs_need_no_trust(tmp_path, how):
    path = published_export.write(tmp_path / "theirs.pb", OPTIONS, (65, 81), **how)
    assert export_file.read_export(path).graph_def.node


def test_graphs_of_tensorflow_2_need_no_trust(tmp_path):
    """Functions that are called, branches and loops that are functions, and maps over tensors."""
    with tf.Graph().as_default() as graph:
        tf.enable_control_flow_v2()
        images = tf.placeholder(tf.uint8, [None, None, None, 3], name="ImageTensor")
        values = tf.cast(images, tf.float32)
        values = tf.cond(tf.reduce_max(values) > 1.0, lambda: values / 255.0, lambda: values)
        values = tf.map_fn(lambda image: image - tf.reduce_mean(image), values)
        values = tf.while_loop(lambda v: tf.reduce_max(v) > 9.0, lambda v: v / 2.0, [values])
        tf.identity(tf.argmax(values, 3, output_type=tf.int32), "SemanticPredictions")
        tf.disable_control_flow_v2()
    path = save(graph.as_graph_def(), tmp_path)
    with DeepLabModel(path) as model:
        ids = model.segment(np.full([2, 2, 3], (1, 200, 7), np.uint8))
    np.testing.assert_array_equal(ids, np.ones([2, 2]))


def constant(shape: list[int], dtype=tf.float32, **fields: object) -> tf.NodeDef:
    node = tf.NodeDef(name="big", op="Const")
    node.attr["dtype"].type = dtype.as_datatype_enum
    tensor = node.attr["value"].tensor
    tensor.dtype = dtype.as_datatype_enum
    for side in shape:
        tensor.tensor_shape.dim.add(size=side)
    for name, value in fields.items():
        setattr(tensor, name, value)
    return node


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (constant([1 << 20, 1 << 20]), "would take 4.1e+03 GiB for node big, more than the"),
        (constant([1 << 31]), "would take 8 GiB for node big"),
        (constant([1 << 32, 1 << 32, 0]), "the constant of node big has a shape or type that no"),
        (constant([-1, 4]), "has a shape or type that no tensor has"),
        (constant([1] * 300), "has a shape or type that no tensor has"),
        (constant([3], tensor_content=b"1234567"), "has a shape or type that no tensor has"),
        (constant([3], tf.resource), "has a shape or type that no tensor has"),
        (constant([3], dtype=tf.float32, version_number=1), None),
    ],
)
def test_constants_of_impossible_sizes_are_refused(tmp_path, node, message):
    graph_def = toy(tmp_path)
    graph_def.node.append(node)
    path = save(graph_def, tmp_path)
    if message is None:
        _ = export_file.read_export(path).graph_def
        return
    with pytest.raises(ValueError, match=message.replace("+", r"\+")):
        _ = export_file.read_export(path, trust=True).graph_def


def test_a_constant_of_another_type_than_its_node_is_refused(tmp_path):
    graph_def = toy(tmp_path)
    node = constant([3])
    node.attr["dtype"].type = tf.int32.as_datatype_enum
    graph_def.node.append(node)
    with pytest.raises(ValueError, match="node big has a shape or type that no tensor has"):
        _ = export_file.read_export(save(graph_def, tmp_path)).graph_def


def test_a_graph_that_would_fill_the_memory_is_refused(tmp_path):
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.uint8, [1, None, None, 3], name="ImageTensor")
        large = tf.image.resize_bilinear(tf.cast(images, tf.float32), [10**6, 10**6], name="large")
        tf.identity(tf.argmax(large, 3, output_type=tf.int32), "SemanticPredictions")
    path = save(graph.as_graph_def(), tmp_path)
    with pytest.raises(ValueError, match=r"would take 1\.12e\+04 GiB for node large, more than"):
        DeepLabModel(path)


def mangle(graph_def: tf.GraphDef, random: np.random.RandomState) -> bytes:
    """Returns a graph with a few things in it changed, or a file with some bytes changed."""
    if random.rand() < 0.3:
        content = bytearray(graph_def.SerializeToString())
        for _ in range(random.randint(1, 12)):
            content[random.randint(len(content))] = random.randint(256)
        return bytes(content[: random.randint(len(content))] if random.rand() < 0.3 else content)
    mangled = tf.GraphDef.FromString(graph_def.SerializeToString())
    for _ in range(random.randint(1, 4)):
        node, other = (mangled.node[random.randint(len(mangled.node))] for _ in range(2))
        keys = sorted(node.attr)
        kind = random.randint(7)
        if kind == 0 and node.input:
            del node.input[random.randint(len(node.input))]
        elif kind == 1 and node.input:
            node.input[random.randint(len(node.input))] = other.name
        elif kind == 2:
            node.op = other.op
        elif kind == 3:
            node.name = other.name
        elif kind == 4 and keys:
            del node.attr[keys[random.randint(len(keys))]]
        elif kind == 5 and keys and other.attr:
            value = other.attr[sorted(other.attr)[random.randint(len(other.attr))]]
            node.attr[keys[random.randint(len(keys))]].CopyFrom(value)
        else:
            constants = [each for each in mangled.node if each.op == "Const"]
            tensor = constants[random.randint(len(constants))].attr["value"].tensor
            size = int(random.choice([-1, 0, 3, 10**6, 1 << 40, 1 << 62]))
            tensor.tensor_shape.dim.add(size=size)
    return mangled.SerializeToString()


def load_mangled(source: str, folder: str, number: int) -> None:
    """Loads mangled graphs; ends with status 1 at the first that is not one line of error."""
    graph_def = tf.GraphDef.FromString(pathlib.Path(source).read_bytes())
    path = os.path.join(folder, "mangled.pb")
    for seed in range(number):
        pathlib.Path(path).write_bytes(mangle(graph_def, np.random.RandomState(seed)))
        pathlib.Path(folder, "seed").write_text(str(seed))
        try:
            with DeepLabModel(path, "tensorflow") as model:
                assert model.segment(np.zeros([20, 30, 3], np.uint8)).shape == (20, 30)
        except ValueError as error:
            if "mangled.pb" not in str(error) or not str(error).isprintable():
                raise AssertionError from error


@pytest.mark.slow
def test_mangled_graphs_are_one_line(tmp_path):
    source = published_export.write(tmp_path / "theirs.pb", OPTIONS, (65, 81))
    command_runs.start_server()
    process = command_runs.CONTEXT.Process(target=load_mangled, args=(source, str(tmp_path), 100))
    process.start()
    process.join()
    assert process.exitcode == 0, f"seed {(tmp_path / 'seed').read_text()}"
