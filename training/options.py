"""What a training does: one record of all its settings that are not the optimizer's."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class TrainOptions:
    """What a training does. Names and defaults are research/deeplab's flags where it has them.

    Attributes:
      train_logdir: folder of checkpoints and summaries.
      training_number_of_steps: step count at which the training ends.
      train_batch_size: images in a step of this process, over all its clones.
      continue_checkpoint: training that this one goes on from (`checkpoints.find_start`).
      initial_checkpoint: weights to start from where they fit (`checkpoints.find_start`).
      exclude_scopes: starts of the names of variables that `initial_checkpoint` does not set.
      last_layer_scopes: starts of the names of the variables that a new task trains from new.
      last_layer_gradient_multiplier: learning rate of these, relative to the others'.
      clip_gradient_norm: largest L2 norm over all gradients; 0 for no limit.
      ema_decay: decay of the moving averages of all weights (`averages`); 0 for none.
      log_steps: steps between progress lines.
      save_interval_secs: seconds between checkpoints; 0 for none before the end.
      save_summaries_secs: seconds between summaries; 0 for none.
      save_histograms: whether summaries hold a histogram of every trained variable.
      max_checkpoints_to_keep: number of newest checkpoints that are kept; 0 for all.
      seed: seed of everything random in the graph; None for another one each time.
      profile_steps: (first, last) step that the profiler traces, counted from 1; None for none.
      mixed_precision: whether GPUs compute in float16 where TensorFlow deems it safe.
      xla: whether GPUs run what XLA compiles.
    """

    train_logdir: str
    training_number_of_steps: int = 30000
    train_batch_size: int = 8
    continue_checkpoint: str | None = None
    initial_checkpoint: str | None = None
    exclude_scopes: tuple[str, ...] = ()
    last_layer_scopes: tuple[str, ...] = ()
    last_layer_gradient_multiplier: float = 1.0
    clip_gradient_norm: float = 0.0
    ema_decay: float = 0.0
    log_steps: int = 10
    save_interval_secs: float = 1200
    save_summaries_secs: float = 600
    save_histograms: bool = False
    max_checkpoints_to_keep: int = 5
    seed: int | None = None
    profile_steps: tuple[int, ...] | None = None
    mixed_precision: bool = False
    xla: bool = False

    def __post_init__(self):
        for name in ("training_number_of_steps", "train_batch_size", "log_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected 1 or more.")
        for name in (
            "clip_gradient_norm",
            "save_interval_secs",
            "save_summaries_secs",
            "max_checkpoints_to_keep",
        ):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected 0 or more.")
        if not 0 <= self.ema_decay < 1:
            raise ValueError(
                f"ema_decay is {self.ema_decay}; expected 0 (no averages) to less than 1, such as "
                "0.999."
            )
        if self.profile_steps is not None:
            self._check_profile_steps()

    def _check_profile_steps(self) -> None:
        shown = ",".join(map(str, self.profile_steps))
        if len(self.profile_steps) != 2 or not 1 <= self.profile_steps[0] <= self.profile_steps[1]:
            raise ValueError(
                f"profile_steps is {shown}; expected the first and the last step, counted from 1, "
                "such as 10,15."
            )
        if self.profile_steps[1] > self.training_number_of_steps:
            raise ValueError(
                f"profile_steps is {shown}, but the training ends at step "
                f"{self.training_number_of_steps} (training_number_of_steps)."
            )
