"""How the workers of a cluster begin: the chief gives the variables their values, others join.

The variables live in other processes and may have their values already, while other workers train
on them: then the chief, who has been started again, goes on from there. See
`deployment.shared_state` for what the parameter servers say.
"""

import dataclasses
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import tensorflow.compat.v1 as tf

from deployment import servers, shared_state
from deployment.servers import ServerLostError
from deployment.shared_state import SharedState
from training import checkpoints
from training.options import OptimizerOptions, TrainOptions
from training.step import StepFunction
from training.task import Task

_POLL_SECS = 0.5
# What all processes must have in common, besides the optimizer and the task.
_COMMON_OPTIONS = (
    *("training_number_of_steps", "ema_decay", "clip_gradient_norm"),
    *("last_layer_scopes", "last_layer_gradient_multiplier"),
)


@dataclasses.dataclass(frozen=True)
class Record:
    """What the chief tells the other workers of the training run.

    Attributes:
      train_logdir: absolute path of its folder.
      settings: what all processes must have in common, by name; values as in JSON.
      shapes: shape of every variable, by name.
    """

    train_logdir: str
    save_interval_secs: float
    settings: Mapping[str, Any]
    shapes: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, task: Task, options: TrainOptions, optimizer_options: OptimizerOptions) -> "Record":
        """Returns the record of this process's training run, whose graph is the default one."""
        common = {name: getattr(options, name) for name in _COMMON_OPTIONS}
        settings = {**task.common_settings(), **common, **vars(optimizer_options)}
        shapes = {each.op.name: each.shape.as_list() for each in tf.global_variables()}
        logdir = os.path.abspath(options.train_logdir)
        record = cls(logdir, options.save_interval_secs, settings, shapes)
        return cls.from_text(record.to_text())  # values as in JSON

    @classmethod
    def from_text(cls, text: str) -> "Record":
        return cls(**json.loads(text))

    def to_text(self) -> str:
        """Returns the record as JSON."""
        return json.dumps(dataclasses.asdict(self), default=str)

    def differing_settings(self, other: "Record") -> dict[str, tuple[Any, Any]]:
        """Returns the settings that differ: (here, in the other) by name."""
        return {
            name: (self.settings.get(name), other.settings.get(name))
            for name in {**self.settings, **other.settings}
            if self.settings.get(name) != other.settings.get(name)
        }

    def differing_variable(self, other: "Record") -> str | None:
        """Describes the first variable that is not the same in the other record, if any."""
        for name in sorted({*self.shapes, *other.shapes}):
            here, there = (each.shapes.get(name, "missing") for each in (self, other))
            if here != there:
                return f"{name} is {here} here and {there} there"
        return None


class Joining:
    """Lets a worker begin. Adds an op to the default graph.

    Args:
      steps: does the steps.
      shared: what the servers say.
      mine: what this worker would train.
      restore: gives initialized variables the values that the training run starts from.
    """

    def __init__(
        self,
        steps: StepFunction,
        shared: SharedState,
        mine: Record,
        restore: Callable[[tf.Session], None],
    ):
        self._steps, self._shared, self._mine, self._restore = steps, shared, mine, restore
        self._initializer = tf.global_variables_initializer()
        self._report = steps.report
        self._said = ""

    def start(self, session: tf.Session) -> None:
        """Lets the chief begin: with the variables as the servers hold them, or else with its own.

        Raises:
          ValueError: the servers hold the variables of another training run.
        """
        newest = checkpoints.latest_checkpoint(self._mine.train_logdir)
        saved_step = checkpoints.read_step(newest) if newest else -1
        text, is_complete = self._shared.read_record(session)
        if text:
            _check_resumable(self._mine, Record.from_text(text), self._report)
        held_step = self._read_step(session) if is_complete else -1
        if not is_complete:  # Nothing is there, or one of several servers was lost.
            self._shared.withdraw(session)
            session.run(self._initializer)
            self._restore(session)
        elif saved_step > held_step:  # Somebody has trained on without these servers.
            self._report(f"the parameter servers hold step {held_step}: {newest} is restored there")
            self._shared.withdraw(session)
            self._restore(session)
        else:
            self._report(
                f"the parameter servers hold this training run at step {held_step}: going on from "
                "there; nothing is restored"
            )
            if newest and self._steps.checkpointer:
                self._steps.checkpointer.follow(newest)
        self._shared.publish(session, self._mine.to_text(), saved_step)

    def join(
        self,
        ps_addresses: Sequence[str],
        open_session: Callable[[], AbstractContextManager[tf.Session]],
        startup_delay_steps: int,
    ) -> Record | None:
        """Waits until a worker other than the chief may step, and says once for whom it waits.

        slim waits, too, but silently, 30 s at a time, and endlessly for a server that has gone.

        Returns:
          The chief's record; None if there is nothing to do, or a signal came.

        Raises:
          ValueError: this worker's options are not the chief's.
          ServerLostError: a server is about to end.
        """
        interruption = self._steps.interruption
        while servers.wait_for(ps_addresses, self._say, lambda: bool(interruption)):
            try:
                with open_session() as session:
                    while not interruption:
                        if self._shared.read_notices(session).phase == shared_state.FINISHED:
                            self._report("the chief has finished the training run")
                            return None
                        record = self._find_joinable(session, startup_delay_steps)
                        if record:
                            return record
                        time.sleep(_POLL_SECS)
                    return None
            except tf.errors.OpError as error:
                if not servers.is_loss(error):
                    raise
                time.sleep(_POLL_SECS)  # A server has gone. It may come back; nothing is lost here.
        return None

    def _find_joinable(self, session: tf.Session, startup_delay_steps: int) -> Record | None:
        """Returns the chief's record if this worker may step now, else says what it waits for."""
        if self._shared.read_notices(session).phase == shared_state.STOPPING:
            raise ServerLostError(
                "a parameter server was asked to end. Start all processes again with the same "
                "commands."
            )
        text, is_complete = self._shared.read_record(session)
        record = Record.from_text(text) if text else None
        if record is not None:
            _check_same_training(self._mine, record)
        if record is None or not is_complete:
            self._say("waiting for the chief, which initializes the variables")
            return None
        step = self._read_step(session)
        if step < startup_delay_steps:
            self._say(f"waiting for step {startup_delay_steps} (startup_delay_steps)")
            return None
        self._report(f"joining the training run of {record.train_logdir} at step {step}")
        return record

    def _read_step(self, session: tf.Session) -> int:
        return int(session.run(self._steps.tensors.global_step))

    def _say(self, line: str) -> None:
        if line != self._said:
            self._said = line
            self._report(line)


def _check_resumable(mine: Record, held: Record, report: Callable[[str], None]) -> None:
    end_them = "End the parameter servers and start them again"
    if mine.train_logdir != held.train_logdir:
        raise ValueError(
            f"the parameter servers hold the training run of {held.train_logdir}, and train_logdir "
            f"is {mine.train_logdir}. {end_them} to train another one, or give that train_logdir "
            "to go on with theirs."
        )
    variable = mine.differing_variable(held)
    if variable:
        raise ValueError(
            f"the parameter servers hold another network or optimizer: {variable}. {end_them}, or "
            "give the options that their training was started with."
        )
    for name, (here, there) in mine.differing_settings(held).items():
        report(
            f"warning: {name} was {there} and is {here} now; other workers keep the old value "
            "until they are started again."
        )


def _check_same_training(mine: Record, chiefs: Record) -> None:
    same_options = "in the chief's training; start every process with the same options."
    for name, (here, there) in mine.differing_settings(chiefs).items():
        raise ValueError(f"{name} is {here} here and {there} {same_options}")
    variable = mine.differing_variable(chiefs)
    if variable:
        raise ValueError(
            f"the network or its optimizer is not the chief's: {variable} {same_options}"
        )
