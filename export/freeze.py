"""A checkpoint and the graph that it belongs to → one frozen `.pb` file.

Knows no task: the caller gives the function that builds the inference graph. What describes the
model (class names, sizes …) travels inside the `.pb`, as an attribute of its input, and in a JSON
file beside it for people and other programs; see `common.export_names`.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow.compat.v1 as tf

from common import export_names, saved_weights
from export import optimize_graph, output_files


def freeze(
    build_graph: Callable[[], Sequence[str] | None],
    checkpoint_path: str,
    export_path: str,
    *,
    input_name: str,
    output_names: Sequence[str],
    metadata: Mapping[str, Any],
    saved_names: Mapping[str, str] | None = None,
    optimize: bool = True,
) -> list[str]:
    """Writes a frozen graph, and its metadata beside it, whole or not at all.

    If there is another graph of that name, the forms made of it (8-bit and the like) are removed:
    an engine would run them in place of the new graph.

    Args:
      build_graph: builds the inference graph in the default graph; it may return the names of
        further nodes to keep.
      checkpoint_path, saved_names: see `saved_weights.restore`.
      export_path: the `.pb` to write; the metadata go to `output_files.metadata_path`.
      input_name: name of the placeholder.
      output_names: names of the nodes that callers fetch; only what they need is kept.
      metadata: what describes the model; JSON's types only. A fingerprint of the graph is added.
      optimize: whether the graph is made faster (`optimize_graph`), or stays as it was built.

    Returns:
      The paths of the removed forms of an earlier graph.

    Raises:
      ValueError: as `saved_weights.restore`; or `export_path` is not a `.pb`, or its folder holds a
        graph with the same files beside it.
      OSError: a file cannot be written; the message names it.
    """
    if not export_path.endswith(".pb"):
        raise ValueError(f"export_path is {export_path}; expected the name of a .pb file.")
    export_names.check_free(export_path)
    frozen, kept = _freeze(build_graph, checkpoint_path, output_names, saved_names)
    if optimize:
        frozen = optimize_graph.optimize(frozen, [input_name], kept)
    fingerprint = hashlib.sha256(frozen.SerializeToString(deterministic=True)).hexdigest()
    described = {**metadata, export_names.FINGERPRINT_KEY: fingerprint}
    description = json.dumps(described, indent=2, ensure_ascii=False) + "\n"
    placeholder = next(node for node in frozen.node if node.name == input_name)
    placeholder.attr[export_names.METADATA_ATTRIBUTE].s = description.encode()
    return output_files.write(
        export_path, frozen.SerializeToString(deterministic=True), description.encode()
    )


def _freeze(
    build_graph: Callable[[], Sequence[str] | None],
    checkpoint: str,
    output_names: Sequence[str],
    saved_names: Mapping[str, str] | None,
) -> tuple[tf.GraphDef, list[str]]:
    """Returns a graph with the values of a checkpoint as constants, and its outputs' names."""
    with tf.Graph().as_default() as graph:
        kept = sorted({*output_names, *(build_graph() or ())})
        with tf.Session(config=tf.ConfigProto(allow_soft_placement=True)) as session:
            saved_weights.restore(session, checkpoint, tf.global_variables(), saved_names)
            graph_def = graph.as_graph_def()
            for node in graph_def.node:
                node.device = ""
            frozen = tf.graph_util.convert_variables_to_constants(session, graph_def, kept)
    # Drops what only training needs: reads of variables, and what dropout leaves behind.
    pruned = tf.graph_util.remove_training_nodes(frozen, protected_nodes=kept)
    pruned.versions.CopyFrom(frozen.versions)  # Else TensorFlow takes the graph for a very old one.
    return pruned, kept
