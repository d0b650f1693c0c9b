"""Warm start: a new network takes what fits of an older one's weights, and says what that was.

Of a checkpoint with moving averages (`training.ema`) it takes the weights themselves.
"""

import collections
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from common import checkpoint_reader
from common.texts import first_few
from training import checkpoints

# See `task.Task.adapt` and `task.Task.former_names`.
Adapter = Callable[[str, np.ndarray, np.ndarray], np.ndarray | None]
FormerNames = Callable[[str], Sequence[str]]

LOADED = "loaded"
ADAPTED = "adapted"
EXCLUDED = "excluded as last layer"
MISSING = "not in the checkpoint"
DIFFERENT = "shape differs"
UNUSED = "in the checkpoint only"


class Transfer(NamedTuple):
    """What became of one variable.

    Attributes:
      outcome: LOADED, ADAPTED, EXCLUDED, MISSING or DIFFERENT; UNUSED for one of the checkpoint's
        that the network lacks.
      change: its shape in the checkpoint and in the network, where they differ; else "".
    """

    name: str
    outcome: str
    change: str = ""


class WarmStart:
    """Loads the values of a checkpoint into the variables of a network where they fit.

    Args:
      checkpoint: prefix.
      variables: the network's variables, its optimizer's not among them.
      exclude_scopes: starts of the names of variables that keep their initial values.
      adapt: makes values fit whose shape differs, where it can.
      former_names: other names of a variable, under which older checkpoints have it.

    Raises:
      ValueError: the checkpoint cannot be read, or nothing in it fits the network's largest scope:
        two networks with the same head share its variables, which are worthless after another
        encoder.
    """

    def __init__(
        self,
        checkpoint: str,
        variables: Sequence[tf.Variable],
        exclude_scopes: Sequence[str] = (),
        adapt: Adapter = lambda name, saved, initial: None,
        former_names: FormerNames = lambda name: (),
    ):
        self._reader = checkpoints.Reader(checkpoint)
        self._variables = {variable.op.name: variable for variable in variables}
        self._exclude_scopes = tuple(exclude_scopes)
        self._adapt = adapt
        self._saved_names = {name: self._find(name, former_names) for name in self._variables}
        self._check_main_scope()

    def check_exclude_scopes(self) -> None:
        """Refuses (ValueError) an excluded scope with which no variable begins, as a typo does."""
        for scope in self._exclude_scopes:
            if not any(
                name.startswith(scope) for name in (*self._variables, *self._reader.weights)
            ):
                known = sorted({"/".join(name.split("/")[:2]) for name in self._variables})
                raise ValueError(
                    f"checkpoint_exclude_scopes has {scope!r}, with which no variable of the "
                    f"network or of {self._reader.checkpoint} begins; those of the network begin "
                    f"with {first_few(known, 20)}."
                )

    def load(self, session: tf.Session) -> list[Transfer]:
        """Assigns the values, once the variables are initialized; returns what became of each.

        Variables that only a training run keeps (optimizer, averages, step count) are left out.
        """
        transfers: list[Transfer] = []

        def values() -> Iterator[tuple[tf.Variable, np.ndarray]]:
            for name, variable in self._variables.items():
                transfer, value = self._transfer(name, variable, session)
                transfers.append(transfer)
                if value is not None:
                    yield variable, value

        checkpoint_reader.assign(session, values())
        used = set(self._saved_names.values())
        unused = [name for name in self._reader.weights if name not in used]
        return [*transfers, *(Transfer(name, UNUSED) for name in unused)]

    def report(self, transfers: Sequence[Transfer]) -> list[str]:
        """Returns a summary, then a line for each layer and outcome, with differing shapes.

        Layers of one scope that all have the same outcome share a line.
        """
        layers, outcomes = collections.defaultdict(set), collections.defaultdict(set)
        for transfer in transfers:
            root = _root(transfer.name)
            layers[root].add(_layer(transfer.name))
            outcomes[root].add((transfer.outcome, bool(transfer.change)))
        groups = collections.defaultdict(list)
        for transfer in transfers:
            root = _root(transfer.name)
            is_shared = len(layers[root]) > 1 == len(outcomes[root]) and not transfer.change
            groups[root if is_shared else _layer(transfer.name), transfer.outcome].append(transfer)
        count = collections.Counter(transfer.outcome for transfer in transfers)
        width = max(len(layer) for layer, _ in groups)
        lines = [
            f"warm start from {self._reader.checkpoint}: {count[LOADED] + count[ADAPTED]} of "
            f"{len(self._variables)} variables loaded, {count[UNUSED]} of the checkpoint's unused"
        ]
        for (layer, outcome), group in groups.items():
            changed = (each for each in group if each.change)
            changes = (f"{each.name.removeprefix(layer + '/')} {each.change}" for each in changed)
            line = f"  {layer:<{width}}  {len(group):>3} {outcome}: {'; '.join(changes)}"
            lines.append(line.removesuffix(": "))
        return lines

    def _find(self, name: str, former_names: FormerNames) -> str:
        """Returns the name under which the checkpoint has a variable, if it has it."""
        names = (name, *former_names(name))
        return next((each for each in names if each in self._reader.shapes), name)

    def _check_main_scope(self) -> None:
        main_scope = _most_common_roots(self._variables, 1)[0][0]
        for name, variable in self._variables.items():
            shape = tuple(variable.shape.as_list())
            saved = self._reader.shapes.get(self._saved_names[name])
            if _root(name) == main_scope and saved == shape:
                return
        there = _most_common_roots(self._reader.weights, 3)
        held = ", ".join(f"{scope} ({count})" for scope, count in there)
        raise ValueError(
            f"checkpoint {self._reader.checkpoint} has no variable that fits {main_scope}, which "
            f"is most of the network; it holds {held or 'no weights'}. Is it of another "
            "model_variant or depth_multiplier?"
        )

    def _transfer(
        self, name: str, variable: tf.Variable, session: tf.Session
    ) -> tuple[Transfer, np.ndarray | None]:
        """Returns what becomes of a variable, and the value that it gets, if any."""
        if name.startswith(self._exclude_scopes):
            return Transfer(name, EXCLUDED), None
        saved = self._saved_names[name]
        if saved not in self._reader.shapes:
            return Transfer(name, MISSING), None
        value = self._reader.value(saved, variable.dtype.base_dtype)
        shape = variable.shape.as_list()
        if list(value.shape) == shape:
            return Transfer(name, LOADED), value
        change = f"{list(value.shape)} -> {shape}"
        adapted = self._adapt(name, value, session.run(variable))
        if adapted is None:
            return Transfer(name, DIFFERENT, change), None
        assert list(adapted.shape) == shape, (name, adapted.shape)
        return Transfer(name, ADAPTED, change), adapted


def _layer(name: str) -> str:
    """Returns the layer, or the first two parts of a name: "MobilenetV2/expanded_conv_3"."""
    scopes = [part for part in name.split("/")[:-1] if part != "BatchNorm"]
    return "/".join(scopes[:2]) or name


def _root(name: str) -> str:
    return name.split("/")[0]


def _most_common_roots(names: Iterable[str], number: int) -> list[tuple[str, int]]:
    return collections.Counter(map(_root, names)).most_common(number)
