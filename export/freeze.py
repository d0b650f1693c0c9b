"""A checkpoint and the graph that it belongs to → one frozen `.pb` file.

Knows no task: the caller gives the function that builds the graph of inference. What describes the
model (class names, sizes …) travels inside the `.pb`, as an attribute of its input, and in a JSON
file beside it for people and other programs; see `common.export_names`.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tensorflow.compat.v1 as tf

from common import checkpoint_reader, export_names
from common.checkpoint_reader import Reader
from export import optimize_graph, output_files

_MAX_LISTED = 4


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

    Where there is another graph of that name, what was made of it (8-bit forms and the like) goes
    with it: an engine would run it in place of the new one.

    Args:
      build_graph: builds the graph of inference in the default graph; it may return the names of
        further nodes that stay.
      checkpoint_path: prefix of the checkpoint's files, such as "runs/demo/model.ckpt-1000".
      export_path: the `.pb` to write; the metadata go to
        `output_files.metadata_path`.
      input_name: name of the placeholder.
      output_names: names of the nodes that callers fetch; nothing else stays but what they need.
      metadata: what describes the model; JSON's types only.
      saved_names: under which names the checkpoint holds the values to freeze, by variable name;
        the variable itself where that is not in it.
      optimize: whether the graph is made faster (`optimize_graph`), or stays as it was built.

    Returns:
      The paths of forms of an earlier graph that were removed.

    Raises:
      ValueError: the checkpoint does not exist, is damaged, or belongs to another network; or
        `export_path` is no `.pb`, or its folder holds a graph with the same files beside it.
      OSError: the files cannot be written; the message names the file.
    """
    if not export_path.endswith(".pb"):
        raise ValueError(f"export_path is {export_path}; expected the name of a .pb file.")
    export_names.check_free(export_path)
    frozen, output_names = _freeze(build_graph, checkpoint_path, output_names, saved_names or {})
    frozen = _without_training_nodes(frozen, output_names)
    if optimize:
        frozen = optimize_graph.optimize(frozen, [input_name], output_names)
    description = json.dumps(metadata, indent=2, ensure_ascii=False) + "\n"
    placeholder = next(node for node in frozen.node if node.name == input_name)
    placeholder.attr[export_names.METADATA_ATTRIBUTE].s = description.encode()
    return output_files.write(
        export_path, frozen.SerializeToString(deterministic=True), description.encode()
    )


def _freeze(
    build_graph: Callable[[], Sequence[str] | None],
    checkpoint_path: str,
    output_names: Sequence[str],
    saved_names: Mapping[str, str],
) -> tuple[tf.GraphDef, list[str]]:
    """Returns a graph with the values of a checkpoint as constants, and its outputs' names.

    Args:
      build_graph, checkpoint_path, output_names, saved_names: as for `freeze`.
    """
    with tf.Graph().as_default() as graph:
        output_names = sorted({*output_names, *(build_graph() or ())})
        variables = {v.op.name: tuple(v.shape.as_list()) for v in tf.global_variables()}
        reader = Reader(checkpoint_path)
        saved = reader.shapes
        seen = {**saved, **{name: saved[other] for name, other in saved_names.items()}}
        check_variables(variables, seen, checkpoint_path)
        with tf.Session(config=tf.ConfigProto(allow_soft_placement=True)) as session:
            checkpoint_reader.load(
                session,
                reader,
                {saved_names.get(v.op.name, v.op.name): v for v in tf.global_variables()},
            )
            frozen = tf.graph_util.convert_variables_to_constants(
                session, _without_devices(graph.as_graph_def()), output_names
            )
    return frozen, output_names


def check_variables(
    graph: Mapping[str, tuple[int, ...]],
    checkpoint: Mapping[str, Sequence[int]],
    checkpoint_path: str,
) -> None:
    """Checks that a checkpoint belongs to a network.

    Variables of the checkpoint that the network does not have are as wrong as missing ones: a
    network built without the decoder that it was trained with would run and give nonsense. Those
    of an optimizer (slots below a variable's name, scalars) do not count.

    Args:
      graph: shape of each variable of the network.
      checkpoint: shape of each variable of the checkpoint.
      checkpoint_path: for the message.

    Raises:
      ValueError: names variables, their shapes, and what may be wrong.
    """
    missing = sorted(set(graph) - set(checkpoint))
    differing = [
        f"{name} is {_shape(checkpoint[name])} in the checkpoint and {_shape(shape)} in the network"
        for name, shape in sorted(graph.items())
        if name in checkpoint and tuple(checkpoint[name]) != tuple(shape)
    ]
    surplus = sorted(
        name
        for name, shape in checkpoint.items()
        if name not in graph and len(shape) and os.path.dirname(name) not in graph
    )
    differences = [
        f"{title}: {_listed(entries)}"
        for title, entries in (
            ("of another shape", differing),
            ("missing from the checkpoint", missing),
            ("unknown to the network", surplus),
        )
        if entries
    ]
    if differences:
        raise ValueError(
            f"{checkpoint_path} belongs to another network than the options describe. Variables "
            f"{'; '.join(differences)}. Compare the options of the network (encoder, number of "
            "classes, atrous rates, decoder) with those of its training."
        )


def _without_training_nodes(frozen: tf.GraphDef, output_names: Sequence[str]) -> tf.GraphDef:
    """Drops what only training needs: reads of variables, and what dropout leaves behind."""
    pruned = tf.graph_util.remove_training_nodes(frozen, protected_nodes=list(output_names))
    pruned.versions.CopyFrom(frozen.versions)  # Else TensorFlow takes the graph for a very old one.
    return pruned


def _without_devices(graph_def: tf.GraphDef) -> tf.GraphDef:
    for node in graph_def.node:
        node.device = ""
    return graph_def


def _listed(entries: Sequence[str]) -> str:
    rest = len(entries) - _MAX_LISTED
    return ", ".join(entries[:_MAX_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def _shape(shape: Sequence[int]) -> str:
    return f"[{', '.join(map(str, shape))}]"
