"""Gives a network the weights of a checkpoint, once it is sure that they belong together."""

import os
from collections.abc import Iterable, Mapping, Sequence

import tensorflow.compat.v1 as tf

from common import checkpoint_reader
from common.checkpoint_reader import Reader
from common.texts import first_few

# Collection of a graph: scopes of variables that the network has in training only.
TRAINING_ONLY = "training_only_scopes"

_MOST_LISTED = 4


def restore(
    session: tf.Session,
    checkpoint: str,
    variables: Iterable[tf.Variable],
    saved_names: Mapping[str, str] | None = None,
) -> Reader:
    """Loads all weights of a network, and returns the checkpoint's reader.

    Args:
      session: of the network's graph, to which nothing is added. Its collection `TRAINING_ONLY` has
        the scopes of variables that the checkpoint may have besides.
      checkpoint: prefix of its files.
      variables: those of the network.
      saved_names: under which names the checkpoint holds the values, by variable name; the
        variable's own where that is not in it.

    Raises:
      ValueError: the checkpoint does not exist, is damaged, or belongs to another network.
    """
    names = saved_names or {}
    reader = Reader(checkpoint)
    saved = {**reader.shapes, **{name: reader.shapes[other] for name, other in names.items()}}
    by_name = {variable.op.name: variable for variable in variables}
    scopes = tuple(f"{scope}/" for scope in session.graph.get_collection(TRAINING_ONLY))
    check(
        {name: variable.shape.as_list() for name, variable in by_name.items()},
        {name: shape for name, shape in saved.items() if not name.startswith(scopes)},
        checkpoint,
    )
    checkpoint_reader.load(
        session, reader, {names.get(name, name): variable for name, variable in by_name.items()}
    )
    return reader


def check(
    network: Mapping[str, Sequence[int]], saved: Mapping[str, Sequence[int]], checkpoint: str
) -> None:
    """Refuses a checkpoint that does not belong to a network; names variables and their shapes.

    Variables of the checkpoint that the network does not have are as wrong as missing ones: a
    network built without a part that it was trained with would run and give nonsense. Those of an
    optimizer (slots below a variable's name, scalars) do not count.

    Args:
      network, saved: shape of each variable of the network, and of the checkpoint.
      checkpoint: its name, for the message.
    """
    unknown = {
        name
        for name, shape in saved.items()
        if name not in network and len(shape) and os.path.dirname(name) not in network
    }
    differences = describe_differences(network, saved, unknown)
    if differences:
        raise ValueError(
            f"checkpoint {checkpoint} belongs to another network: {differences}. Give the network "
            "the options that it was trained with."
        )


def describe_differences(
    network: Mapping[str, Sequence[int]],
    saved: Mapping[str, Sequence[int]],
    unknown: Iterable[str] = (),
) -> str:
    """Names variables that a checkpoint lacks, has in another shape, or should not have."""
    differing = [
        f"{name} is {list(saved[name])} in the checkpoint and {list(shape)} in the network"
        for name, shape in sorted(network.items())
        if name in saved and list(saved[name]) != list(shape)
    ]
    kinds = (
        ("", differing),
        ("missing from the checkpoint: ", sorted(set(network) - set(saved))),
        ("unknown to the network: ", sorted(unknown)),
    )
    return "; ".join(title + first_few(names, _MOST_LISTED) for title, names in kinds if names)
