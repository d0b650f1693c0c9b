"""Warm start: a new network takes what fits of an older one's weights, and says what that was.

Of a checkpoint with moving averages (`training.ema`) it takes the weights themselves.
"""

import collections
import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from training import checkpoints

# Makes a value that fits out of one that does not:
# (variable name, value in the checkpoint, initial value) -> value, or None if it does not apply.
Adapter = Callable[[str, np.ndarray, np.ndarray], np.ndarray | None]

LOADED = "loaded"
ADAPTED = "adapted"
EXCLUDED = "excluded as last layer"
MISSING = "not in the checkpoint"
DIFFERENT = "shape differs"
UNUSED = "in the checkpoint only"


@dataclasses.dataclass(frozen=True)
class Transfer:
    """What became of one variable.

    Attributes:
      name: variable name.
      outcome: LOADED, ADAPTED, EXCLUDED, MISSING or DIFFERENT.
      checkpoint_shape: its shape in the checkpoint, None if it is not there.
      shape: its shape in the network.
    """

    name: str
    outcome: str
    checkpoint_shape: tuple[int, ...] | None
    shape: tuple[int, ...]

    @property
    def group(self) -> str:
        """The layer, or the first two parts of its name: "MobilenetV2/expanded_conv_3"."""
        return _group(self.name)


@dataclasses.dataclass(frozen=True)
class TransferReport:
    """What a warm start did.

    Attributes:
      checkpoint: prefix of the checkpoint.
      transfers: one entry for every variable of the network.
      unused: names of the checkpoint's variables that the network lacks, without those that only
        its training kept (optimizer, averages, step count).
    """

    checkpoint: str
    transfers: tuple[Transfer, ...]
    unused: tuple[str, ...]

    def with_outcome(self, *outcomes: str) -> list[Transfer]:
        """Returns the transfers with one of these outcomes."""
        return [transfer for transfer in self.transfers if transfer.outcome in outcomes]

    def lines(self) -> list[str]:
        """Words the report: a summary, then a line for each layer group and outcome.

        Where shapes differ, the line names each variable with both.
        """
        num_loaded = len(self.with_outcome(LOADED, ADAPTED))
        groups = collections.defaultdict(list)
        for transfer in self.transfers:
            groups[transfer.group, transfer.outcome].append(transfer)
        lines = [
            f"warm start from {self.checkpoint}: {num_loaded} of {len(self.transfers)} variables "
            f"loaded, {len(self.unused)} of the checkpoint's unused"
        ]
        unused = collections.Counter(map(_group, self.unused))
        width = max(map(len, [*unused, *(group for group, _ in groups)]))
        for (group, outcome), transfers in groups.items():
            line = f"  {group:<{width}}  {len(transfers):>3} {outcome}"
            if outcome in (ADAPTED, DIFFERENT):
                line += ": " + "; ".join(
                    f"{transfer.name.removeprefix(group + '/')} {list(transfer.checkpoint_shape)} "
                    f"-> {list(transfer.shape)}"
                    for transfer in transfers
                )
            lines.append(line)
        lines += [f"  {group:<{width}}  {count:>3} {UNUSED}" for group, count in unused.items()]
        return lines


class WarmStart:
    """Loads the values of a checkpoint into the variables of a network where they fit.

    Args:
      checkpoint: prefix.
      variables: the network's variables, its optimizer's not among them.
      exclude_scopes: starts of the names of variables that keep their initial values.
      adapters: tried in order on values whose shape differs.

    Raises:
      ValueError: the checkpoint cannot be read, or nothing in it fits the network's largest scope:
        two networks with the same head share its variables, which are worth nothing behind
        another encoder.
    """

    def __init__(
        self,
        checkpoint: str,
        variables: Sequence[tf.Variable],
        exclude_scopes: Sequence[str] = (),
        adapters: Sequence[Adapter] = (),
    ):
        self._reader = checkpoints.Reader(checkpoint)
        self._variables = list(variables)
        self._exclude_scopes = tuple(exclude_scopes)
        self._adapters = adapters
        self._check_main_scope()

    def load(self, session: tf.Session) -> TransferReport:
        """Assigns the values.

        Args:
          session: a session in which the variables have their initial values.

        Returns:
          What was done.

        Raises:
          ValueError: the checkpoint is damaged.
        """
        transfers, initializers, values = [], [], {}
        for variable in self._variables:
            name = variable.op.name
            outcome, value = self._value_for(variable, session)
            if value is not None:
                initializers.append(variable.initializer)
                values[variable.initializer.inputs[1]] = value
            transfers.append(
                Transfer(
                    name=name,
                    outcome=outcome,
                    checkpoint_shape=self._reader.shapes.get(name),
                    shape=tuple(variable.shape.as_list()),
                )
            )
        # Feeding the initial value runs the variable's own assignment: no ops are added for it.
        session.run(initializers, feed_dict=values)
        names = {variable.op.name for variable in self._variables}
        unused = tuple(name for name in self._reader.weights() if name not in names)
        return TransferReport(self._reader.checkpoint, tuple(transfers), unused)

    def _check_main_scope(self) -> None:
        shapes = {variable.op.name: tuple(variable.shape.as_list()) for variable in self._variables}
        main_scope = collections.Counter(map(_root, shapes)).most_common(1)[0][0]
        if any(
            self._reader.shapes.get(name) == shape
            for name, shape in shapes.items()
            if _root(name) == main_scope
        ):
            return
        there = collections.Counter(map(_root, self._reader.weights())).most_common(3)
        held = ", ".join(f"{scope} ({count})" for scope, count in there)
        raise ValueError(
            f"checkpoint {self._reader.checkpoint} has no variable that fits {main_scope}, which "
            f"is most of the network; it holds {held or 'no weights'}. Is it of another "
            "model_variant or depth_multiplier?"
        )

    def _value_for(
        self, variable: tf.Variable, session: tf.Session
    ) -> tuple[str, np.ndarray | None]:
        name = variable.op.name
        if name.startswith(self._exclude_scopes):
            return EXCLUDED, None
        if name not in self._reader.shapes:
            return MISSING, None
        value = self._reader.value(name, variable.dtype.base_dtype)
        if self._reader.shapes[name] == tuple(variable.shape.as_list()):
            return LOADED, value
        initial_value = session.run(variable)
        for adapt in self._adapters:
            adapted = adapt(name, value, initial_value)
            if adapted is not None:
                assert adapted.shape == initial_value.shape, (name, adapted.shape)
                return ADAPTED, adapted
        return DIFFERENT, None


def _group(name: str) -> str:
    scopes = [part for part in name.split("/")[:-1] if part != "BatchNorm"]
    return "/".join(scopes[:2]) or name


def _root(name: str) -> str:
    return name.split("/")[0]
