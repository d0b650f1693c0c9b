"""A checkpoint and the graph that it belongs to → one frozen `.pb` file.

Knows no task: the caller gives the function that builds the graph of inference. What describes the
model (class names, sizes …) travels inside the `.pb`, as an attribute of its input, and in a JSON
file beside it for people and other programs; see `common.export_names`.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow.compat.v1 as tf
from tensorflow.python.tools import freeze_graph

from common import export_names
from export import optimize_graph, output_files

# TensorFlow ignores attributes that start with an underscore and carries them along.
METADATA_ATTRIBUTE = "_metadata"

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
    with _plain_path(checkpoint_path) as plain_path:
        frozen, output_names = _freeze(
            build_graph, checkpoint_path, plain_path, output_names, saved_names or {}
        )
    frozen = _without_training_nodes(frozen, output_names)
    if optimize:
        frozen = optimize_graph.optimize(frozen, [input_name], output_names)
    description = json.dumps(metadata, indent=2, ensure_ascii=False) + "\n"
    placeholder = next(node for node in frozen.node if node.name == input_name)
    placeholder.attr[METADATA_ATTRIBUTE].s = description.encode()
    return output_files.write(
        export_path, frozen.SerializeToString(deterministic=True), description.encode()
    )


def _freeze(
    build_graph: Callable[[], Sequence[str] | None],
    checkpoint_path: str,
    plain_path: str,
    output_names: Sequence[str],
    saved_names: Mapping[str, str],
) -> tuple[tf.GraphDef, list[str]]:
    """Returns a graph with the values of a checkpoint as constants, and its outputs' names.

    Args:
      build_graph, checkpoint_path, output_names, saved_names: as for `freeze`.
      plain_path: where TensorFlow reads the checkpoint.
    """
    with tf.Graph().as_default() as graph:
        output_names = sorted({*output_names, *(build_graph() or ())})
        variables = {v.op.name: tuple(v.shape.as_list()) for v in tf.global_variables()}
        saved = _checkpoint_shapes(checkpoint_path, plain_path)
        seen = {**saved, **{name: saved[other] for name, other in saved_names.items()}}
        check_variables(variables, seen, checkpoint_path)
        saver = tf.train.Saver(
            {saved_names.get(v.op.name, v.op.name): v for v in tf.global_variables()}
        )
        saver_def = saver.as_saver_def()
        graph_def = graph.as_graph_def()
    with tf.Graph().as_default():
        try:
            frozen = freeze_graph.freeze_graph_with_def_protos(
                input_graph_def=graph_def,
                input_saver_def=saver_def,
                input_checkpoint=plain_path,
                output_node_names=",".join(output_names),
                restore_op_name="",
                filename_tensor_name="",
                output_graph="",
                clear_devices=True,
                initializer_nodes="",
            )
        except tf.errors.OpError as error:
            raise _damaged(checkpoint_path, error) from error
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


@contextlib.contextmanager
def _plain_path(checkpoint_path: str) -> Iterator[str]:
    """Lets TensorFlow read a checkpoint in a folder such as "cars [v2]".

    It takes the path of a checkpoint for a pattern. Where that could be one, links to the files
    stand at another path as long as the block runs.
    """
    if not set(checkpoint_path) & set("*?[]\\"):
        yield checkpoint_path
        return
    folder, name = os.path.split(os.path.abspath(checkpoint_path))
    with tempfile.TemporaryDirectory() as links:
        for entry in os.listdir(folder) if os.path.isdir(folder) else []:
            if entry == name or entry.startswith(f"{name}."):
                link = os.path.join(links, f"model{entry.removeprefix(name)}")
                os.symlink(os.path.join(folder, entry), link)
        yield os.path.join(links, "model")


def _checkpoint_shapes(checkpoint_path: str, plain_path: str) -> dict[str, list[int]]:
    if not tf.train.checkpoint_exists(plain_path):
        raise ValueError(
            f"{checkpoint_path} is no checkpoint: there is no {checkpoint_path}.index. Name the "
            "part before .index, such as runs/demo/model.ckpt-1000."
        )
    try:
        return tf.train.load_checkpoint(plain_path).get_variable_to_shape_map()
    except (tf.errors.OpError, RuntimeError) as error:
        raise _damaged(checkpoint_path, error) from error


def _damaged(checkpoint_path: str, error: Exception) -> ValueError:
    reason = str(getattr(error, "message", None) or error).splitlines()[0]
    return ValueError(
        f"{checkpoint_path}: the checkpoint cannot be read ({reason}). It may be truncated: copy "
        "it again, or use an earlier one."
    )


def _listed(entries: Sequence[str]) -> str:
    rest = len(entries) - _MAX_LISTED
    return ", ".join(entries[:_MAX_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def _shape(shape: Sequence[int]) -> str:
    return f"[{', '.join(map(str, shape))}]"
