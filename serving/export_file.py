"""Finds and reads exported models: a folder, a frozen `.pb`, or a published `.tar.gz`."""

import dataclasses
import functools
import glob
import mmap
import os
import stat
from collections.abc import Collection
from typing import TYPE_CHECKING

from common import archive
from common.export_names import (
    DESCRIPTION_ENDING,
    GRAPH_FILE,
    METADATA_ATTRIBUTE,
    find_beside,
)
from common.texts import printable
from serving import contract, graph_file, safe_operations
from serving.contract import Metadata, Signature

if TYPE_CHECKING:
    import tensorflow.compat.v1 as tf

# The limit of a protocol buffer.
_MAX_GRAPH_BYTES = (1 << 31) - 1
_MAX_DESCRIPTION_BYTES = 1 << 24
_OTHER_FORMS = (".onnx", ".tflite", ".xml")
_SAVED_MODEL = "saved_model.pb"


@dataclasses.dataclass(frozen=True)
class Export:
    """An exported model: what is known of its graph, and the graph itself once it is asked for.

    Only `graph_def` and `graph` need TensorFlow.

    Attributes:
      path: the file that it is from.
      metadata: its description.
      signature: its task.
      node_names: names of the graph's nodes.
      takes_batches: whether the graph takes several images at once.
      trust: whether the graph may have operations that read and write files or run programs.
      description: the same as it is stored in the graph, JSON; b"" for none.
      unpacked: the graph's file, if it came out of an archive; otherwise it is read when needed.
    """

    path: str
    metadata: Metadata
    signature: Signature = contract.SEGMENTATION
    node_names: Collection[str] = ()
    takes_batches: bool = True
    trust: bool = False
    description: bytes = dataclasses.field(default=b"", repr=False)
    unpacked: bytes | None = dataclasses.field(default=None, repr=False)

    @property
    def is_from_archive(self) -> bool:
        """Whether the graph came out of an archive, so that no forms of it lie beside it."""
        return self.unpacked is not None

    @functools.cached_property
    def graph_def(self) -> "tf.GraphDef":
        """The graph, read and screened when it is first asked for (ValueError if it is refused)."""
        from serving import tensorflow_session

        return tensorflow_session.parse_graph(self.read_graph(), printable(self.path), self.trust)

    @functools.cached_property
    def graph(self) -> "tf.Graph":
        """The graph in TensorFlow, loaded when it is first asked for (ValueError if it cannot)."""
        from serving import tensorflow_session

        return tensorflow_session.load_graph(self.graph_def, self.path)

    @property
    def network_inputs(self) -> list[str]:
        """Nodes that feed the network; none in foreign graphs."""
        return sorted(name for name in self.node_names if name in contract.NETWORK_INPUTS)

    @property
    def network_outputs(self) -> list[str]:
        """Nodes of the network's logits, in the order of their numbers; none in foreign graphs."""
        found = {name: self.signature.logits_number(name) for name in self.node_names}
        numbers = {name: number for name, number in found.items() if number is not None}
        return sorted(numbers, key=lambda name: numbers[name])

    def read_graph(self) -> bytes:
        """Returns the content of the graph's file.

        Raises:
          ValueError: it is not a file any more.
          OSError: the file cannot be opened.
        """
        if self.unpacked is not None:
            return self.unpacked
        return _read_file(self.path, _MAX_GRAPH_BYTES)


def find_newest_export(root: str = "runs") -> str:
    """Returns the most recently written frozen graph of all training runs.

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


def read_export(path: str, trust: bool = False, expected: Signature | None = None) -> Export:
    """Reads an exported model without running any of it.

    The description is in the graph itself or, for foreign graphs, in a JSON file beside it; see
    `common.export_names`.

    Args:
      path: a `.pb` file, a folder with `frozen_inference_graph.pb` in it or in its `export`
        folder, or a `.tar.gz` with one inside.
      trust: whether the graph may have operations that read and write files or run programs.
      expected: the task that it has to be of; None for any.

    Raises:
      ValueError: the file is damaged, not an export of the task, or not to be trusted; the message
        names it.
      OSError: the file cannot be opened.
    """
    if os.path.isdir(path):
        path = _graph_in_folder(path)
    name = printable(path)
    if os.path.basename(path) == _SAVED_MODEL:
        raise ValueError(
            f"{name} is a SavedModel, which is for TensorFlow Serving; name the frozen graph that "
            f"was written with it ({GRAPH_FILE})."
        )
    if os.path.splitext(path)[1] in _OTHER_FORMS:
        raise ValueError(
            f"{name} is a form of an export for one engine; name the frozen graph that was written "
            f"with it ({GRAPH_FILE}), and the engine with engine=… or --engine=…."
        )
    unpacked = _graph_in_archive(path) if path.endswith(archive.ENDINGS) else None
    try:
        content = _map_file(path) if unpacked is None else unpacked
        nodes = graph_file.read_nodes(memoryview(content))
        functions, inner_nodes = graph_file.read_functions(memoryview(content))
    except graph_file.DamagedError:
        raise ValueError(
            f"{name} is truncated or not a frozen TensorFlow graph; copy it again, or name the .pb "
            "file that export_model.py wrote."
        ) from None
    if not trust:
        # TensorFlow's part is checked again, more closely, before it is loaded.
        allowed = safe_operations.SAFE_OPERATIONS | functions
        safe_operations.refuse(
            name,
            {
                each.operation: each.name
                for each in (*nodes.values(), *inner_nodes)
                if each.operation not in allowed
            },
        )
    signature = _find_signature(nodes, expected, name)
    image = nodes[contract.INPUT]
    description = image.text_attribute(METADATA_ATTRIBUTE)
    metadata = _read_metadata(path, description)
    if metadata.task not in (None, signature.task):
        raise ValueError(
            f"{name} is a {signature.kind}, but the task in its description is {metadata.task}: it "
            "describes another graph."
        )
    shape = image.shape_attribute("shape")
    takes_batches = not shape or shape[0] != 1
    return Export(
        path, metadata, signature, frozenset(nodes), takes_batches, trust, description, unpacked
    )


def _find_signature(nodes: Collection[str], expected: Signature | None, name: str) -> Signature:
    """Returns that of the task whose predictions a graph has.

    Raises:
      ValueError: it has none, or not those of the expected task.
    """
    signatures = contract.SIGNATURES.values()
    found = next((each for each in signatures if each.predictions in nodes), None)
    wanted = found or expected or contract.SEGMENTATION
    missing = [node for node in (contract.INPUT, wanted.predictions) if node not in nodes]
    if missing:
        raise ValueError(
            f"{name} is truncated or not a {wanted.kind}: it has no node "
            f"{' and no '.join(missing)}."
        )
    if expected not in (None, wanted):
        assert expected is not None
        raise ValueError(
            f"{name} is a {wanted.kind}, not a {expected.kind}: use it with {wanted.model}, or "
            f"python infer.py --task={wanted.task}."
        )
    return wanted


def _read_metadata(path: str, inside: bytes) -> Metadata:
    if inside:
        return contract.parse_metadata(inside, f"the description in {printable(path)}")
    ending = next((e for e in archive.ENDINGS if path.endswith(e)), os.path.splitext(path)[1])
    beside = find_beside(path.removesuffix(ending) + ".pb", DESCRIPTION_ENDING)
    if beside is None:
        return Metadata()
    content = _read_file(beside, _MAX_DESCRIPTION_BYTES)
    return contract.parse_metadata(content, f"the description {printable(beside)}")


def _map_file(path: str) -> bytes | mmap.mmap:
    """Returns a graph's file, of which only those parts take memory that are looked at."""
    _check_file(path, _MAX_GRAPH_BYTES)
    with open(path, "rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return b""  # Nothing can be mapped.
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _read_file(path: str, limit: int) -> bytes:
    """Returns the content of a regular file of at most `limit` bytes."""
    _check_file(path, limit)
    with open(path, "rb") as file:
        return file.read()


def _check_file(path: str, limit: int) -> None:
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{printable(path)} is not a file.")
    if status.st_size > limit:
        raise ValueError(f"{printable(path)} is larger than the {limit} bytes that it can have.")


def _graph_in_folder(folder: str) -> str:
    for candidate in (os.path.join(folder, GRAPH_FILE), os.path.join(folder, "export", GRAPH_FILE)):
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
    # For each file, the tar of macOS adds another one, "._NAME", with what only macOS knows of it.
    graphs = [
        name
        for name in names
        if name.endswith(".pb") and not os.path.basename(name).startswith("._")
    ]
    if content is None and len(graphs) == 1:
        content, _ = archive.read_member(path, lambda name: name == graphs[0])
    if content is None:
        raise ValueError(f"{printable(path)} holds no {GRAPH_FILE}.")
    return content
