"""What a parameter server does: it holds variables, and ends when it is time to."""

import contextlib
import time
from collections.abc import Callable, Sequence

import tensorflow.compat.v1 as tf

from common.interruption import Interruption
from deployment import servers, shared_state
from deployment.shared_state import FINISHED, RUNNING, STOPPING

CHIEF = 0

# Schedulers kill 30 s after they have asked a process to end (Kubernetes' default).
_STOPPING_SECS = 20.0
# Only for workers whose process is there but does not end.
_FINISHED_SECS = 300.0
_POLL_SECS = 0.5
_LEAVE_SECS = 20.0
# Of one try to leave word. It has been seen to wait endlessly on a busy machine.
_TRY_SECS = 5.0


def serve(
    target: str,
    index: int,
    workers: Sequence[str],
    report: Callable[[str], None],
    *,
    stopping_secs: float = _STOPPING_SECS,
    finished_secs: float = _FINISHED_SECS,
) -> int:
    """Holds variables until the chief has finished, or a signal; returns the exit status.

    In either case it stays while there are workers whose process still runs: they end their steps,
    and at a signal the chief saves a checkpoint.

    Args:
      target: session target of this process's server.
      index: number of this parameter server.
      workers: addresses of the workers, the chief first.
      report: takes each line that a user should see.
      stopping_secs, finished_secs: longest time to stay after a signal, and after the chief has
        finished.
    """
    interruption = Interruption()
    with tf.Graph().as_default():
        phase = shared_state.phase_variable(index)
        new_phase = tf.placeholder(tf.int32, [])
        set_phase = tf.assign(phase, new_phase)
        queue = _leavers(index)
        num_leavers, leaver = queue.size(), queue.dequeue()
        config = tf.ConfigProto(device_filters=[f"/job:ps/task:{index}"])
        with tf.Session(target, config=config) as session, interruption.listening():
            session.run(phase.initializer)
            report(f"parameter server {index} is ready")
            left: set[int] = set()
            state, deadline = RUNNING, float("inf")
            while True:
                for _ in range(session.run(num_leavers)):
                    left.add(int(session.run(leaver)))
                if state == RUNNING and CHIEF in left:
                    state, deadline = FINISHED, time.monotonic() + finished_secs
                    report("the chief has finished: ending when the other workers have")
                elif state == RUNNING and interruption:
                    state, deadline = STOPPING, time.monotonic() + stopping_secs
                    report(
                        f"{interruption.signal_name}: ending when the workers have, in "
                        f"{stopping_secs:.0f} s at the latest. A second one ends at once."
                    )
                session.run(set_phase.op, {new_phase: state})
                remaining = [each for number, each in enumerate(workers) if number not in left]
                if state != RUNNING and (
                    time.monotonic() > deadline or not any(map(servers.is_reachable, remaining))
                ):
                    return interruption.exit_status
                time.sleep(_POLL_SECS)


def leave(target: str, worker: int, num_servers: int) -> None:
    """Tells the parameter servers, from a worker's own, that the worker has finished.

    It is tried again for a while: a server that does not hear of the chief's end never ends. Those
    that are gone need not know.
    """
    config = tf.ConfigProto(device_filters=["/job:ps", f"/job:worker/task:{worker}"])
    in_time = tf.RunOptions(timeout_in_ms=int(1000 * _TRY_SECS))

    def tell() -> None:
        deadline = time.monotonic() + _LEAVE_SECS
        with tf.Graph().as_default():
            enqueue = [_leavers(index).enqueue(worker) for index in range(num_servers)]
            while time.monotonic() < deadline:
                with (
                    contextlib.suppress(tf.errors.OpError),
                    servers.session(target, config) as tried,
                ):
                    tried.run(enqueue, options=in_time)
                    return
                time.sleep(_POLL_SECS)

    servers.run_within(_LEAVE_SECS, tell)


def _leavers(index: int) -> tf.FIFOQueue:
    """Returns the queue on a parameter server in which workers leave word when they finish."""
    with tf.device(shared_state.server_device(index)):
        # A worker may finish more than once, if it is started again.
        return tf.FIFOQueue(-1, tf.int32, shapes=[()], shared_name="finished_workers")
