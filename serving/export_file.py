"""Finds and reads exported models: a folder, a frozen `.pb`, or a published `.tar.gz`."""

import dataclasses
import glob
import os
import re
import stat

import tensorflow.compat.v1 as tf
from google.protobuf.message import DecodeError

from common import export_names
from common.texts import printable
from serving import archive, description, graph_screening
from serving.description import Metadata

GRAPH_FILE = export_names.GRAPH_FILE
INPUT = "ImageTensor"
PREDICTIONS = "SemanticPredictions"
PROBABILITIES = "SemanticProbabilities"
# What the network itself sees and says, in exports of ours; see `deeplab.inference_graph`.
NETWORK_INPUTS = ("NetworkImage", "NetworkGradient")
LOGITS_PATTERN = r"SemanticLogits(_\d+)?"

# That of a protocol buffer.
_MAX_GRAPH_BYTES = (1 << 31) - 1
# `export.freeze.METADATA_ATTRIBUTE`; serving does not need that module otherwise.
_METADATA_ATTRIBUTE = "_metadata"


@dataclasses.dataclass(frozen=True)
class Export:
    """An exported model.

    Attributes:
      path: the file it was read from.
      graph_def: its frozen graph.
      metadata: what it says about itself.
    """

    path: str
    graph_def: tf.GraphDef
    metadata: Metadata

    @property
    def network_inputs(self) -> list[str]:
        """Nodes that the network begins with; none in graphs made elsewhere."""
        return sorted(n.name for n in self.graph_def.node if n.name in NETWORK_INPUTS)

    @property
    def network_outputs(self) -> list[str]:
        """Nodes of the network's logits; none in graphs made elsewhere."""
        names = (node.name for node in self.graph_def.node)
        return sorted(name for name in names if re.fullmatch(LOGITS_PATTERN, name))


def find_newest_export(root: str = "runs") -> str:
    """Returns the most recently written frozen graph of all trainings.

    Raises:
      ValueError: there is none.
    """
    exports = glob.glob(os.path.join(glob.escape(root), "*", "export", GRAPH_FILE))
    if not exports:
        raise ValueError(
            f"there is no export in {os.path.join(root, '*', 'export')}: "
            "run python export_model.py, or name a model with --model."
        )
    return max(exports, key=os.path.getmtime)


def read_export(path: str, trust: bool = False) -> Export:
    """Reads an exported model, without running anything of it.

    Metadata come from the graph itself or, for a graph that carries none (made by other programs),
    from a JSON file beside it; see `common.export_names`.

    Args:
      path: a `.pb` file, a folder that holds `frozen_inference_graph.pb` (or holds it in its
        `export` folder), or a `.tar.gz` with one inside.
      trust: whether the graph may have operations that read and write files or run programs.

    Raises:
      ValueError: the file is damaged, no DeepLab graph, or not to be trusted; the message names it.
      OSError: the file cannot be opened.
    """
    if os.path.isdir(path):
        path = _graph_in_folder(path)
    if path.endswith(archive.ENDINGS):
        content = _graph_in_archive(path)
    else:
        content = _read_file(path, _MAX_GRAPH_BYTES)
    name = printable(path)
    try:
        graph_def = tf.GraphDef.FromString(content)
    except DecodeError:
        raise ValueError(
            f"{name} is truncated or no frozen TensorFlow graph; copy it again, or name the .pb "
            "file that export_model.py wrote."
        ) from None
    nodes = {node.name: node for node in graph_def.node}
    missing = [node for node in (INPUT, PREDICTIONS) if node not in nodes]
    if missing:
        raise ValueError(
            f"{name} is truncated or no DeepLab graph: it has no node {' and no '.join(missing)}."
        )
    if not trust:
        graph_screening.check_operations(graph_def, name)
    graph_screening.check_constants(graph_def, name)
    text = nodes[INPUT].attr[_METADATA_ATTRIBUTE].s
    if text:
        return Export(path, graph_def, description.parse(text, name))
    beside = _description_beside(path)
    if beside is None:
        return Export(path, graph_def, Metadata())
    text = _read_file(beside, description.MAX_BYTES)
    return Export(path, graph_def, description.parse(text, name, printable(beside)))


def _read_file(path: str, limit: int) -> bytes:
    """Returns the content of a file.

    Raises:
      ValueError: it is larger than the limit, or something else than a file.
      OSError: it cannot be read.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError(f"{printable(path)} is not a file.")
    with open(path, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"{printable(path)} is larger than the {limit} bytes that it can have.")
    return content


def _graph_in_folder(folder: str) -> str:
    for candidate in (
        os.path.join(folder, GRAPH_FILE),
        os.path.join(folder, "export", GRAPH_FILE),
    ):
        if os.path.exists(candidate):
            return candidate
    graphs = glob.glob(os.path.join(glob.escape(folder), "*.pb"))
    if len(graphs) == 1:
        return graphs[0]
    found = f"it holds {len(graphs)} other .pb files" if graphs else "it holds no .pb file"
    raise ValueError(
        f"folder {folder} has no {GRAPH_FILE} ({found}): run python export_model.py, or name the "
        "file itself."
    )


def _graph_in_archive(path: str) -> bytes:
    """Returns the content of `frozen_inference_graph.pb` in an archive, or of its only `.pb`."""
    content, names = archive.read_member(path, lambda name: os.path.basename(name) == GRAPH_FILE)
    if content is None:
        # Of each file, the Mac's tar adds another one, "._NAME", with what only Macs know of it.
        graphs = [
            name
            for name in names
            if name.endswith(".pb") and not os.path.basename(name).startswith("._")
        ]
        if len(graphs) == 1:
            content, _ = archive.read_member(path, lambda name: name == graphs[0])
    if content is None:
        raise ValueError(f"{printable(path)} holds no {GRAPH_FILE}.")
    return content


def _description_beside(path: str) -> str | None:
    ending = next((e for e in archive.ENDINGS if path.endswith(e)), os.path.splitext(path)[1])
    graph = path.removesuffix(ending) + ".pb"
    return export_names.find_beside(graph, export_names.DESCRIPTION_ENDING)
