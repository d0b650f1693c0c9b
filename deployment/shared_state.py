"""What the parameter servers say about the variables that they hold.

The servers outlive workers, the chief included, so what a worker has to know of the training is
kept beside its variables:

- the record, a text of the chief's, written when all variables have their values and withdrawn
  before they get others. Without it no worker steps, however initialized the variables are;
- the step of the last checkpoint;
- each server's phase: whether it is going to end, and why.

The variables are in no collection: checkpoints do not hold them and no initializer touches them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow.compat.v1 as tf

from deployment.config import DeploymentConfig

# A server's phases. Of several servers' the highest counts.
RUNNING, STOPPING, FINISHED = range(3)

_SCOPE = "shared_state/"


class Notices(NamedTuple):
    """What a worker looks at between its steps."""

    saved_step: int  # Of the last checkpoint; -1 if there is none.
    phase: int


class SharedState:
    """The ops that read and write what the servers say. Adds them to the default graph.

    `ready_op` is a string [anything]: what is missing, of the workers' `variables` and of the
    record, before they may step.
    """

    def __init__(self, config: DeploymentConfig, variables: Sequence[tf.Variable]):
        with tf.name_scope(_SCOPE):
            with tf.device(server_device(0)):
                record = _variable("record", "")
                saved_step = _variable("saved_step", -1, tf.int64)
            phases = [phase_variable(index) for index in range(config.num_ps_tasks)]
            missing = tf.report_uninitialized_variables(variables)
            # The record is read last: it is withdrawn before values change.
            with tf.control_dependencies([missing]):
                self._record = _value_or(record, "")
            no_record = tf.equal(self._record, "")
            self.ready_op = tf.concat(
                [missing, tf.boolean_mask(["shared_state/record"], [no_record])], axis=0
            )
            self._saved_step = _value_or(saved_step, -1)
            self._phase = tf.reduce_max(tf.stack([_value_or(each, RUNNING) for each in phases]))
            self._new_record = tf.placeholder(tf.string, [])
            self._new_saved_step = tf.placeholder(tf.int64, [])
            self._write_record = tf.assign(record, self._new_record)
            self._write_saved_step = tf.assign(saved_step, self._new_saved_step)

    def read_record(self, session: tf.Session) -> tuple[str, bool]:
        """Returns the record, "" if there is none, and whether all variables have their values."""
        missing, record = session.run([self.ready_op, self._record])
        return record.decode(), not missing.size

    def read_notices(self, session: tf.Session) -> Notices:
        saved_step, phase = session.run([self._saved_step, self._phase])
        return Notices(int(saved_step), int(phase))

    def withdraw(self, session: tf.Session) -> None:
        """Keeps workers from joining until `publish`. Before variables get other values."""
        session.run(self._write_record.op, {self._new_record: ""})

    def publish(self, session: tf.Session, record: str, saved_step: int) -> None:
        """Lets workers join: all variables have their values."""
        assert record
        self.note_saved(session, saved_step)
        session.run(self._write_record.op, {self._new_record: record})

    def note_saved(self, session: tf.Session, step: int) -> None:
        """Tells the workers of a checkpoint."""
        session.run(self._write_saved_step.op, {self._new_saved_step: step})


def server_device(index: int) -> str:
    """Returns the device of a parameter server's variables."""
    return f"/job:ps/task:{index}/device:CPU:0"


def phase_variable(index: int) -> tf.Variable:
    """Returns the variable of a server's phase; it has the same name in every graph."""
    with tf.name_scope(_SCOPE), tf.device(server_device(index)):
        return _variable(f"phase_{index}", RUNNING, tf.int32)


def _variable(name: str, value: object, dtype: tf.DType | None = None) -> tf.Variable:
    return tf.Variable(
        value, name=name, dtype=dtype, trainable=False, collections=[], use_resource=False
    )


def _value_or(variable: tf.Variable, default: object) -> tf.Tensor:
    """Returns a variable's value, or the default where a server has not initialized it."""
    return tf.cond(
        tf.is_variable_initialized(variable),
        variable.read_value,
        lambda: tf.constant(default, variable.dtype.base_dtype),
    )
