"""Serving with an engine of its own needs no TensorFlow: here it cannot be imported."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.support import toy_export

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = (
    "deeplab.commands.infer",
    "classification.commands.infer",
    "serving.commands.serve",
    "serving.deeplab_model",
    "serving.image_classifier",
    "serving.engines",
)


def run(program: str, *arguments: str) -> subprocess.CompletedProcess:
    start = "import sys; sys.modules['tensorflow'] = None\n"
    return subprocess.run(
        [sys.executable, "-c", start + program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("module", MODULES)
def test_modules_import_none(module):
    result = run(f"import {module}")
    assert (result.returncode, result.stderr) == (0, "")


def test_an_export_is_read_and_described(tmp_path):
    path = toy_export.write(tmp_path / "toy.pb")
    program = (
        "from serving import export_file, facts\n"
        "export = export_file.read_export(sys.argv[1])\n"
        "known = facts.inspect(export)\n"
        "print(known.class_names, known.crop_size, export.takes_batches)"
    )
    result = run(program, str(path))
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"{toy_export.CLASS_NAMES} {toy_export.CROP} True\n"
    result = run("from serving.deeplab_model import DeepLabModel; DeepLabModel(sys.argv[1])", path)
    (line,) = [each for each in result.stderr.splitlines() if each.startswith("ValueError: ")]
    assert result.stderr.endswith(line + "\n")
    assert "toy.pb cannot be run as float32 by what is installed" in line
    assert "TensorFlow, which runs any graph, is missing (run make setup" in line


def test_a_graph_that_only_tensorflow_can_tell_of_is_an_error_of_a_line(tmp_path):
    path = toy_export.write(tmp_path / "toy.pb", published=True)
    program = (
        "from serving import export_file, facts\n"
        "export = export_file.read_export(sys.argv[1])\n"
        "for ask in (facts.inspect, facts.find_class_names, facts.network_size):\n"
        "    try: ask(export)\n"
        "    except ValueError as error: print(error)"
    )
    result = run(program, str(path))
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    for line in lines:
        assert "toy.pb, whose description does not say all" in line
        assert "needs TensorFlow, which is not installed: run make setup" in line


@pytest.mark.skipif(
    importlib.util.find_spec("ai_edge_litert") is None, reason="needs the package ai-edge-litert"
)
def test_masks_are_written(tmp_path):
    path = litert_export(tmp_path)
    Image.fromarray(toy_export.image(*toy_export.CROP)).save(tmp_path / "x.png")
    command = [str(tmp_path / "x.png"), f"--model={path}", f"--output={tmp_path / 'masks'}"]
    program = "sys.argv[0] = 'infer.py'; from commands import launcher; launcher.run('infer')"
    result = run(program, *command, "--engine=litert")
    assert (result.returncode, result.stderr) == (0, "")
    assert np.asarray(Image.open(tmp_path / "masks" / "x_mask.png")).shape == toy_export.CROP


def litert_export(folder: pathlib.Path) -> str:
    """Writes a model whose network passes its image on as logits, and its LiteRT file."""
    import tensorflow.compat.v1 as tf

    from export import tflite

    metadata = {"class_names": toy_export.CLASS_NAMES, "crop_size": toy_export.CROP}
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.uint8, [None, None, None, 3], name="ImageTensor")
        network = tf.identity(tf.cast(images, tf.float32), "NetworkImage")
        logits = tf.identity(network / 16.0, "SemanticLogits")
        tf.argmax(logits, axis=3, output_type=tf.int32, name="SemanticPredictions")
        tf.nn.softmax(logits, name="SemanticProbabilities")
    graph_def = graph.as_graph_def()
    placeholder = next(node for node in graph_def.node if node.name == "ImageTensor")
    content = json.dumps({**metadata, "mean_pixel": [0, 0, 0]})
    placeholder.attr["_metadata"].s = content.encode()
    path = folder / "frozen_inference_graph.pb"
    path.write_bytes(graph_def.SerializeToString())
    with tf.Graph().as_default() as graph:
        inputs = tf.placeholder(tf.float32, [1, *toy_export.CROP, 3], name="NetworkImage")
        tf.identity(inputs / 16.0, "SemanticLogits")
    form = str(folder / "inference_graph.tflite")
    shapes = {"NetworkImage": [1, *toy_export.CROP, 3]}
    tflite.convert(graph.as_graph_def(), shapes, ["SemanticLogits"], form)
    return str(path)
