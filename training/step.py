"""What happens in and around each step: progress, summaries, checkpoints, the end."""

import time
from collections.abc import Callable, Mapping

import tensorflow.compat.v1 as tf

from common.tf_errors import reason
from deployment import servers
from training.checkpointer import Checkpointer, SaveError
from training.interruption import Interruption
from training.nan_guard import FiniteGuard, NonFiniteError
from training.profiling import StepProfiler
from training.progress import Progress
from training.step_graph import Step
from training.summaries import SummaryWriter


class StepFunction:
    """The `train_step_fn` of `slim.learning.train`.

    Args:
      step: the tensors.
      guard: the check that is part of `step`.
      interruption: tells when to end early.
      checkpointer: saves checkpoints; None on workers that do not.
      progress: words progress lines.
      profiler: traces some of the steps.
      num_steps: step count at which the training ends.
      log_steps, save_interval_secs, save_summaries_secs: see `loop.TrainOptions`.
      explain_error: see `loop.train`.
      report: takes the lines.

    Attributes:
      step: steps done.
    """

    def __init__(
        self,
        step: Step,
        guard: FiniteGuard,
        interruption: Interruption,
        checkpointer: Checkpointer | None,
        progress: Progress,
        profiler: StepProfiler,
        num_steps: int,
        *,
        log_steps: int,
        save_interval_secs: float,
        save_summaries_secs: float,
        explain_error: Callable[[tf.errors.OpError], Exception | None] | None,
        report: Callable[[str], None],
    ):
        self.step = 0
        self._tensors = step
        self._guard = guard
        self._interruption = interruption
        self._checkpointer = checkpointer
        self._progress = progress
        self._profiler = profiler
        self._num_steps = num_steps
        self._log_steps = log_steps
        self._save_timer = _Timer(save_interval_secs)
        self._writes_summaries = checkpointer is not None and save_summaries_secs > 0
        self._summary_timer = _Timer(save_summaries_secs, due_at_once=True)
        self._explain_error = explain_error or (lambda error: None)
        self._report = report
        self._writer: SummaryWriter | None = None
        self._session: tf.Session | None = None

    def __call__(
        self,
        session: tf.Session,
        train_op: tf.Tensor,
        global_step: tf.Variable,
        train_step_kwargs: Mapping[str, object],
    ) -> tuple[float | None, bool]:
        """Does a step; the arguments are slim's.

        Returns:
          (total loss, whether the training ends here).
        """
        try:
            return self._do_step(session)
        except (NonFiniteError, SaveError):
            raise  # The values are no good, or saving itself fails.
        except Exception as error:
            if not servers.is_loss(error):
                self._rescue(session)
            raise

    def _do_step(self, session: tf.Session) -> tuple[float | None, bool]:
        if session is not self._session:
            self._begin(session)
        if self._interruption.signal_number or self.step >= self._num_steps:
            return None, self.end(session)

        is_last = self.step + 1 >= self._num_steps
        fetches = {
            "loss": self._tensors.train_op,
            "step": self._tensors.steps_done,
            "learning_rate": self._tensors.learning_rate,
            "data_wait_secs": self._tensors.data_wait_secs,
        }
        summary_is_due = self._writer and self._summary_timer.is_due(or_if=is_last)
        # TensorFlow prepares the graph anew for every set of fetches, which takes as long as
        # building it: numbers are fetched in each step, that the set stays the same.
        if summary_is_due or (self._writes_summaries and self._tensors.summaries_are_numbers):
            fetches["summaries"] = self._tensors.summaries
        with self._profiler.step(self.step + 1):
            values = self._run(session, fetches)

        before, self.step = self.step, int(values["step"])
        self._progress.add_wait(float(values["data_wait_secs"]))
        if summary_is_due:
            self._writer.add_serialized(values["summaries"], self.step)
        if (
            before // self._log_steps != self.step // self._log_steps
            or self.step == self._num_steps
        ):
            self._log(values)
        elif self._first_step == self.step - 1:
            self._progress.start(self.step)
        if self._interruption.signal_number or self.step >= self._num_steps:
            return values["loss"], self.end(session)
        if self._checkpointer and self._save_timer.is_due():
            self._save(session)
        return values["loss"], False

    def end(self, session: tf.Session) -> bool:
        """Saves a checkpoint, because the training ends here, and returns True."""
        if self._checkpointer:
            self._save(session)
        return True

    def close(self) -> None:
        """Closes the files of summaries and trace."""
        self._profiler.close()
        if self._writer:
            self._writer.close()

    def _begin(self, session: tf.Session) -> None:
        """Starts with a session."""
        self._session = session
        self.step = self._first_step = int(session.run(self._tensors.global_step))
        if self._checkpointer and self._writer is None:
            self._writer = SummaryWriter(
                self._checkpointer.train_logdir,
                self._tensors.train_op.graph,
                self._checkpointer.ensure_folder,
            )

    def _run(self, session: tf.Session, fetches: Mapping[str, tf.Tensor]) -> Mapping[str, object]:
        try:
            return session.run(fetches)
        except tf.errors.AbortedError:
            raise  # A parameter server is lost; see `cluster_steps`.
        except tf.errors.OpError as error:
            number = self.step + 1
            if self._guard.finding:
                raise NonFiniteError(
                    f"step {number}: {self._guard.finding}. {self._last_good()} A lower learning "
                    "rate or clip_gradient_norm may help; so may a look at this batch."
                ) from None
            if isinstance(error, tf.errors.ResourceExhaustedError):
                raise ValueError(
                    f"step {number}: out of memory. Lower train_batch_size or train_crop_size."
                ) from error
            explained = self._explain_error(error)
            if explained is not None:
                raise explained from error
            raise ValueError(f"step {number}: {reason(error)}") from error

    def _save(self, session: tf.Session) -> None:
        try:
            if self._checkpointer.save(session, self.step):
                self._report(f"saved {self._checkpointer.newest}")
        except NonFiniteError as error:
            raise NonFiniteError(f"step {self.step}: {error}. {self._last_good()}") from None

    def _rescue(self, session: tf.Session) -> None:
        """Saves what was done before an error, if the variables are sound."""
        if self._checkpointer is None or session is not self._session:
            return
        try:
            step, is_sound = session.run([self._tensors.global_step, self._tensors.is_sound])
            if not is_sound:
                self._report(
                    f"step {self.step + 1} failed in the middle of its update, so that the "
                    f"variables are not saved. {self._last_good()}"
                )
            elif step > self._first_step and self._checkpointer.save(session, int(step)):
                self._report(f"saved {self._checkpointer.newest}, the training before the error")
        # Whatever it is, the error that the training ends with is the first one.
        except Exception as error:
            message = reason(error) if isinstance(error, tf.errors.OpError) else str(error)
            self._report(f"the training before the error cannot be saved: {message}")

    def _last_good(self) -> str:
        if self._checkpointer is None:
            return "The chief holds the checkpoints."
        return self._checkpointer.describe_newest()

    def _log(self, values: Mapping[str, object]) -> None:
        loss, learning_rate = float(values["loss"]), float(values["learning_rate"])
        self._report(self._progress.line(self.step, loss, learning_rate))
        advice = self._progress.advice()
        if advice:
            self._report(advice)
        if self._writer is None:
            return
        scalars = {"progress/loss": loss, "progress/learning_rate": learning_rate}
        if self._progress.images_per_sec is not None:
            scalars["progress/images_per_sec"] = self._progress.images_per_sec
            scalars["progress/data_wait"] = self._progress.data_wait
        self._writer.add_scalars(scalars, self.step)


class _Timer:
    """Tells every so many seconds that something is due; never with 0 seconds."""

    def __init__(self, interval_secs: float, due_at_once: bool = False):
        self._interval_secs = interval_secs
        self._next = time.monotonic() + (0 if due_at_once else interval_secs)

    def is_due(self, or_if: bool = False) -> bool:
        now = time.monotonic()
        if not self._interval_secs or (now < self._next and not or_if):
            return False
        self._next = now + self._interval_secs
        return True
