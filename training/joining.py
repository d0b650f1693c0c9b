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
from typing import Any

import tensorflow.compat.v1 as tf

from deployment import servers, shared_state
from deployment.servers import ServerLostError
from deployment.shared_state import SharedState
from training import checkpoints
from training.checkpointer import Checkpointer
from training.interruption import Interruption

_POLL_SECS = 0.5


@dataclasses.dataclass(frozen=True)
class Record:
    """What the chief tells the other workers of the training.

    Attributes:
      train_logdir: absolute path of its folder.
      save_interval_secs: time between its checkpoints.
      settings: what all processes must have in common, by name; values as in JSON.
      shapes: shape of every variable, by name.
    """

    train_logdir: str
    save_interval_secs: float
    settings: Mapping[str, Any]
    shapes: Mapping[str, Sequence[int]]

    @classmethod
    def of(
        cls,
        train_logdir: str,
        save_interval_secs: float,
        settings: Mapping[str, Any],
        variables: Sequence[tf.Variable],
    ) -> "Record":
        """Returns the record of this process's training."""
        record = cls(
            os.path.abspath(train_logdir),
            save_interval_secs,
            settings,
            {variable.op.name: variable.shape.as_list() for variable in variables},
        )
        return cls.from_text(record.to_text())

    @classmethod
    def from_text(cls, text: str) -> "Record":
        """Reads what `to_text` has written."""
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
        """Words the first variable that is not the same in the other record, if there is one."""
        for name in sorted({*self.shapes, *other.shapes}):
            here, there = (each.shapes.get(name, "missing") for each in (self, other))
            if here != there:
                return f"{name} is {here} here and {there} there"
        return None


def start(
    session: tf.Session,
    shared: SharedState,
    mine: Record,
    global_step: tf.Variable,
    checkpointer: Checkpointer,
    initialize: Callable[[tf.Session], None],
    restore: Callable[[tf.Session], None],
    report: Callable[[str], None],
) -> None:
    """Lets the chief begin: with the variables as the servers hold them, or else as new.

    Args:
      session: the chief's.
      shared: what the servers say.
      mine: what they are going to say.
      global_step: the step count's variable.
      checkpointer: saves what comes.
      initialize: initialises all variables.
      restore: gives initialised variables the values that the training starts from.
      report: takes each line that a user should see.

    Raises:
      ValueError: the servers hold the variables of another training.
    """
    newest = checkpoints.latest_checkpoint(mine.train_logdir)
    saved_step = checkpoints.read_step(newest) if newest else -1
    text, is_complete = shared.read_record(session)
    if text:
        _check_resumable(mine, Record.from_text(text), report)
    if not is_complete:  # Nothing is there, or one of several servers was lost.
        shared.withdraw(session)
        initialize(session)
        restore(session)
    else:
        held_step = int(session.run(global_step))
        if saved_step > held_step:  # Somebody has trained on without these servers.
            report(f"the parameter servers hold step {held_step}: {newest} is restored there")
            shared.withdraw(session)
            restore(session)
        else:
            report(
                f"the parameter servers hold this training at step {held_step}: going on from "
                "there; nothing is restored"
            )
            if newest:
                checkpointer.follow(newest)
    shared.publish(session, mine.to_text(), saved_step)


def _check_resumable(mine: Record, held: Record, report: Callable[[str], None]) -> None:
    end_them = "End the parameter servers and start them again"
    if mine.train_logdir != held.train_logdir:
        raise ValueError(
            f"the parameter servers hold the training of {held.train_logdir}, and train_logdir is "
            f"{mine.train_logdir}. {end_them} for another training, or give that train_logdir to "
            "go on with theirs."
        )
    variable = mine.differing_variable(held)
    if variable:
        raise ValueError(
            f"the parameter servers hold another network or optimizer: {variable}. {end_them}, or "
            "give the flags that their training was started with."
        )
    for name, (here, there) in mine.differing_settings(held).items():
        report(
            f"warning: {name} was {there} and is {here} now; other workers keep the old value "
            "until they are started again."
        )


def join(
    master: str,
    config: tf.ConfigProto,
    shared: SharedState,
    mine: Record,
    global_step: tf.Variable,
    startup_delay_steps: int,
    ps_addresses: Sequence[str],
    interruption: Interruption,
    report: Callable[[str], None],
) -> Record | None:
    """Waits until a worker other than the chief may step, and says once for whom it waits.

    slim waits, too, but without a word, 30 s at a time, and for a server that has gone for ever.

    Args:
      master, config: of the sessions.
      shared: what the servers say.
      mine: what this worker would train.
      global_step: the step count's variable.
      startup_delay_steps: steps of the whole training to wait for.
      ps_addresses: of the parameter servers, as far as they are known.
      interruption: ends the wait.
      report: takes each line that a user should see.

    Returns:
      The chief's record; None if there is nothing to do, or a signal came.

    Raises:
      ValueError: this worker's flags are not the chief's.
      ServerLostError: a server is about to end.
    """
    waiting_for = None

    def say(line: str) -> None:
        nonlocal waiting_for
        if line != waiting_for:
            waiting_for = line
            report(line)

    while servers.wait_for(ps_addresses, say, lambda: interruption.signal_number is not None):
        try:
            with servers.session(master, config) as session:
                while not interruption.signal_number:
                    phase = shared.read_notices(session).phase
                    if phase == shared_state.FINISHED:
                        report("the chief has finished the training")
                        return None
                    if phase == shared_state.STOPPING:
                        raise ServerLostError(
                            "a parameter server was asked to end. Start all processes again with "
                            "the same commands."
                        )
                    text, is_complete = shared.read_record(session)
                    if text:
                        record = Record.from_text(text)
                        _check_same_training(mine, record)
                    if not is_complete:
                        say("waiting for the chief, which initialises the variables")
                    else:
                        step = int(session.run(global_step))
                        if step >= startup_delay_steps:
                            report(f"joining the training of {record.train_logdir} at step {step}")
                            return record
                        say(f"waiting for step {startup_delay_steps} (startup_delay_steps)")
                    time.sleep(_POLL_SECS)
                return None
        except tf.errors.OpError as error:
            if not servers.is_loss(error):
                raise
            time.sleep(_POLL_SECS)  # A server has gone. It may come back; nothing is lost here.
    return None


def _check_same_training(mine: Record, chiefs: Record) -> None:
    differing = mine.differing_settings(chiefs)
    if differing:
        name, (here, there) = next(iter(differing.items()))
        raise ValueError(
            f"{name} is {here} here and {there} in the chief's training; start every process with "
            "the same flags."
        )
    variable = mine.differing_variable(chiefs)
    if variable:
        raise ValueError(
            f"the network or its optimizer is not the chief's: {variable} in the chief's training; "
            "start every process with the same flags."
        )
