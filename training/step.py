"""What happens in and around each step: progress, summaries, checkpoints, the end."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow.compat.v1 as tf

from common.interruption import Interruption
from common.tf_errors import reason
from deployment import servers
from deployment.config import DeploymentConfig
from training.checkpointer import Checkpointer, SaveError
from training.nan_guard import NonFiniteError
from training.options import TrainOptions
from training.profiling import StepProfiler
from training.progress import Progress
from training.step_graph import Step
from training.summaries import SummaryWriter
from training.task import Task
from training.tracking import Tracking
from training.validation import Validation


class StepFunction:
    """The `train_step_fn` of `slim.learning.train`.

    Args:
      tensors: of the step.
      task, options, deployment: what is trained, how and where; only the chief writes files.
      checkpointer: saves checkpoints.
      interruption: tells when to end early.
      report: takes each line that a user should see.
      validation: scores checkpoints; None for none.
      tracking: gets the numbers, too; None for none.

    Attributes:
      step: steps done.
      checkpointer: None on workers other than the chief.
      tensors, interruption, report: as above.
    """

    def __init__(
        self,
        tensors: Step,
        task: Task,
        options: TrainOptions,
        deployment: DeploymentConfig,
        checkpointer: Checkpointer,
        interruption: Interruption,
        report: Callable[[str], None],
        validation: Validation | None = None,
        tracking: Tracking | None = None,
    ):
        self.step = 0
        self.tensors = tensors
        self.checkpointer = checkpointer if deployment.is_chief else None
        self.interruption = interruption
        self.report = report
        self._task = task
        self._validation = validation
        self._tracking = tracking
        self._num_steps = options.training_number_of_steps
        self._log_steps = options.log_steps
        self._hours = options.hours
        images_per_step = options.train_batch_size * deployment.num_replicas
        self._progress = Progress(self._num_steps, images_per_step)
        profile_steps = options.profile_steps if deployment.is_chief else None
        self._profiler = StepProfiler(options.train_logdir, profile_steps)
        self._save_timer = _Timer(options.save_interval_secs)
        self._writes_summaries = deployment.is_chief and options.save_summaries_secs > 0
        self._summary_timer = _Timer(options.save_summaries_secs, due_at_once=True)
        self._writer: SummaryWriter | None = None
        self._session: tf.Session = None
        self._first_step = 0
        self._is_validating = False

    def __call__(
        self,
        session: tf.Session,
        train_op: tf.Tensor,
        global_step: tf.Variable,
        train_step_kwargs: Mapping[str, object],
    ) -> tuple[float | None, bool]:
        """Does a step, called by slim; returns (total loss, whether the training run ends here)."""
        try:
            if session is not self._session:
                self._begin(session)
            loss = None if self._is_over() else self._do_step(session)
            is_over = self._is_over()
            is_validated = self._is_validation_due()
            start = time.monotonic()
            if is_over or is_validated or (self.checkpointer and self._save_timer.is_due()):
                self.save(session)
            if not is_validated or self.interruption:  # Also while it was saved.
                return loss, self._is_over()
            ends_early = self._validate()
            self._progress.leave_out(time.monotonic() - start)
            return loss, ends_early or is_over
        except (NonFiniteError, SaveError):
            raise  # The values are no good, or saving itself fails.
        except Exception as error:
            if not servers.is_loss(error):
                self._rescue(session)
            raise

    def save(self, session: tf.Session) -> None:
        """Saves a checkpoint, if this is the chief and it has not saved this step."""
        try:
            if self.checkpointer and self.checkpointer.save(session, self.step):
                self.report(f"saved {self.checkpointer.newest}")
        except NonFiniteError as error:
            raise NonFiniteError(f"step {self.step}: {error}. {self._last_good()}") from None

    def announce_end(self) -> None:
        """Says what happens after a signal."""
        first = "this validation" if self._is_validating else "this step, saving a checkpoint"
        self.report(
            f"{self.interruption.signal_name}: finishing {first}, then ending. "
            "A second one ends at once."
        )

    def close(self) -> None:
        """Closes the files of summaries and trace."""
        self._profiler.close()
        if self._writer:
            self._writer.close()

    def _begin(self, session: tf.Session) -> None:
        self._session = session
        self.step = self._first_step = int(session.run(self.tensors.global_step))
        if self.checkpointer and self._writer is None:
            self._writer = SummaryWriter(
                self.checkpointer.train_logdir,
                self.tensors.train_op.graph,
                self.checkpointer.ensure_folder,
            )

    def _is_over(self) -> bool:
        return bool(self.interruption) or self.step >= self._num_steps

    def _is_validation_due(self) -> bool:
        if self._validation is None or self.interruption:
            return False
        return self._validation.is_due(self.step, is_last=self.step >= self._num_steps)

    def _validate(self) -> bool:
        """Scores the checkpoint just saved; returns whether the training run ends early."""
        assert self._validation is not None
        assert self.checkpointer is not None
        assert self.checkpointer.newest is not None
        self._is_validating = True
        try:
            score, lines = self._validation.run(self.checkpointer.newest, self.step)
        finally:
            self._is_validating = False
        for line in lines:
            self.report(line)
        self._add_scalars({f"validation/{tag}": each for tag, each in score.scalars.items()})
        reason = self._validation.why_stopped()
        if reason and self.step < self._num_steps:
            self.report(f"training ends early: {reason}")
        return reason is not None

    def _do_step(self, session: tf.Session) -> float:
        tensors = self.tensors
        fetches = {
            "loss": tensors.train_op,
            "step": tensors.steps_done,
            "learning_rate": tensors.learning_rate,
            "data_wait_secs": tensors.data_wait_secs,
        }
        is_last = self.step + 1 >= self._num_steps
        writes_summary = self._writer is not None and self._summary_timer.is_due(or_if=is_last)
        # TensorFlow prepares the graph again for every set of fetches, which takes as long as
        # building it: numbers are fetched in every step, so that the set stays the same.
        if writes_summary or (self._writes_summaries and tensors.summaries_are_numbers):
            fetches["summaries"] = tensors.summaries
        with self._profiler.step(self.step + 1):
            values = self._run(session, fetches)

        before, self.step = self.step, int(values["step"])
        if before == self._first_step and self._validation:
            self._validation.validator()  # What is wrong with it ends the run before it is saved.
        self._progress.add_wait(float(values["data_wait_secs"]))
        if self._writer and writes_summary:
            self._writer.add_serialized(values["summaries"], self.step)
        is_logged = before // self._log_steps != self.step // self._log_steps
        if is_logged or self.step == self._num_steps:
            self._log(float(values["loss"]), float(values["learning_rate"]))
        elif self._first_step == self.step - 1:
            self._progress.start(self.step)
        for line in (
            self._progress.forecast(self.step, self._hours),
            self._progress.overrun(self.step, self._hours),
        ):
            if line:
                self.report(line)
        return values["loss"]

    def _run(self, session: tf.Session, fetches: Mapping[str, tf.Tensor]) -> dict[str, Any]:
        number = self.step + 1
        try:
            return session.run(fetches)
        except tf.errors.AbortedError:
            raise  # A parameter server is lost; see `cluster_training`.
        except tf.errors.OpError as error:
            finding = self.tensors.guard.finding
            if finding:
                raise NonFiniteError(
                    f"step {number}: {finding}. {self._last_good()} A lower learning rate or "
                    "clip_gradient_norm may help; so may a look at this batch."
                ) from None
            if isinstance(error, tf.errors.ResourceExhaustedError):
                raise ValueError(
                    f"step {number}: out of memory. {self._task.memory_advice}"
                ) from error
            explained = self._task.explain_error(error)
            raise explained or ValueError(f"step {number}: {reason(error)}") from error

    def _rescue(self, session: tf.Session) -> None:
        """Saves what was done before an error, if the variables are sound."""
        if self.checkpointer is None or session is not self._session:
            return
        if self._validation and not self._validation.is_open:
            return
        try:
            step, is_sound = session.run([self.tensors.global_step, self.tensors.is_sound])
            if not is_sound:
                self.report(
                    f"step {self.step + 1} failed in the middle of its update, so the variables "
                    f"are not saved. {self._last_good()}"
                )
            elif step > self._first_step and self.checkpointer.save(session, int(step)):
                self.report(f"saved {self.checkpointer.newest}, the steps before the error")
        # Whatever it is, the error that the training run ends with is the first one.
        except Exception as error:
            self.report(f"the steps before the error cannot be saved: {reason(error)}")

    def _last_good(self) -> str:
        if self.checkpointer is None:
            return "The chief holds the checkpoints."
        return self.checkpointer.describe_newest()

    def _log(self, loss: float, learning_rate: float) -> None:
        self.report(self._progress.line(self.step, loss, learning_rate))
        advice = self._progress.advice()
        if advice:
            self.report(advice)
        scalars = {"loss": loss, "learning_rate": learning_rate, **self._progress.measured}
        self._add_scalars({f"progress/{name}": value for name, value in scalars.items()})

    def _add_scalars(self, scalars: Mapping[str, float]) -> None:
        """Writes numbers of the step just done, by their tags."""
        if self._writer:
            self._writer.add_scalars(scalars, self.step)
        if self._tracking:
            self._tracking.add_scalars(scalars, self.step)


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
