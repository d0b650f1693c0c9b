"""Finds and reads exported models: a folder, a frozen `.pb`, or a published `.tar.gz`."""

import dataclasses
import glob
import gzip
import json
import os
import re
import tarfile
import zlib
from collections.abc import Mapping
from typing import Any

import tensorflow.compat.v1 as tf
from google.protobuf.message import DecodeError

GRAPH_FILE = "frozen_inference_graph.pb"
INPUT = "ImageTensor"
PREDICTIONS = "SemanticPredictions"
PROBABILITIES = "SemanticProbabilities"
# What the network itself sees and says, in exports of ours; see `deeplab.inference_graph`.
NETWORK_INPUTS = ("NetworkImage", "NetworkGradient")
LOGITS_PATTERN = r"SemanticLogits(_\d+)?"

_ARCHIVE_ENDINGS = (".tar.gz", ".tgz", ".tar")
# `export.freeze.METADATA_ATTRIBUTE`; serving does not need that module otherwise.
_METADATA_ATTRIBUTE = "_metadata"


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What an export says about its model; graphs made elsewhere say nothing.

    Attributes:
      class_names: name of each class id, or () when unknown.
      palette: RGB colour, 0..255, of each class id, or () when unknown.
      crop_size: (height, width) of the largest picture the graph takes, or None when unknown.
      min_resize_value: shorter side to which the graph resizes every picture itself, or None.
    """

    class_names: tuple[str, ...] = ()
    palette: tuple[tuple[int, int, int], ...] = ()
    crop_size: tuple[int, int] | None = None
    min_resize_value: int | None = None


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
    exports = glob.glob(os.path.join(root, "*", "export", GRAPH_FILE))
    if not exports:
        raise ValueError(
            f"there is no export in {os.path.join(root, '*', 'export')}: "
            "run python export_model.py, or name a model with --model."
        )
    return max(exports, key=os.path.getmtime)


def read_export(path: str) -> Export:
    """Reads an exported model.

    Metadata come from the graph itself or, for a graph that carries none (made by other programs),
    from a JSON file of the same name beside it.

    Args:
      path: a `.pb` file, a folder that holds `frozen_inference_graph.pb` (or holds it in its
        `export` folder), or a `.tar.gz` with one inside.

    Raises:
      ValueError: the file is damaged or no DeepLab graph; the message names it.
      OSError: the file cannot be opened.
    """
    if os.path.isdir(path):
        path = _graph_in_folder(path)
    if path.endswith(_ARCHIVE_ENDINGS):
        content = _graph_in_archive(path)
    else:
        with open(path, "rb") as file:
            content = file.read()
    try:
        graph_def = tf.GraphDef.FromString(content)
    except DecodeError:
        raise ValueError(
            f"{path} is truncated or no frozen TensorFlow graph; copy it again, or name the .pb "
            "file that export_model.py wrote."
        ) from None
    nodes = {node.name: node for node in graph_def.node}
    missing = [name for name in (INPUT, PREDICTIONS) if name not in nodes]
    if missing:
        raise ValueError(
            f"{path} is truncated or no DeepLab graph: it has no node {' and no '.join(missing)}."
        )
    text = nodes[INPUT].attr[_METADATA_ATTRIBUTE].s.decode() or _text_beside(path)
    return Export(path, graph_def, _parse_metadata(text, path) if text else Metadata())


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
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and os.path.basename(member.name) == GRAPH_FILE:
                    return archive.extractfile(member).read()
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is truncated or no tar archive ({error}).") from None
    raise ValueError(f"{path} holds no {GRAPH_FILE}.")


def _text_beside(path: str) -> str | None:
    ending = next((e for e in _ARCHIVE_ENDINGS if path.endswith(e)), os.path.splitext(path)[1])
    beside = path.removesuffix(ending) + ".json"
    if not os.path.exists(beside):
        return None
    with open(beside, encoding="utf-8") as file:
        return file.read()


def _parse_metadata(text: str, path: str) -> Metadata:
    try:
        content: Mapping[str, Any] = json.loads(text)
        crop_size = content.get("crop_size")
        class_names = tuple(str(name) for name in content.get("class_names") or ())
        palette = tuple(
            (int(red), int(green), int(blue)) for red, green, blue in content.get("palette") or ()
        )
        if palette and len(palette) != len(class_names):
            raise ValueError(
                f"{len(class_names)} class_names and {len(palette)} colours in palette"
            )
        return Metadata(
            class_names=class_names,
            palette=palette,
            crop_size=None if crop_size is None else (int(crop_size[0]), int(crop_size[1])),
            min_resize_value=content.get("min_resize_value"),
        )
    except (ValueError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"the description of {path} cannot be read: {error}.") from None
