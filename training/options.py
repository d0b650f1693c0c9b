"""What a training run does: its settings and those of its optimizer.

Each field is written once and carries its help; commands make flags of them. Names and defaults are
those of research/deeplab's flags where it has them.
"""

import dataclasses

from common.option_fields import HARDWARE, RESULTS, SCHEDULE, START, option

# slim calls 'step' exponential.
LEARNING_POLICIES = ("poly", "step", "cosine", "exponential")
OPTIMIZERS = ("momentum", "adam", "sgd", "rmsprop")
SLOW_STARTS = ("constant", "linear")
# As in `training.tracking`.
TRACKERS = ("mlflow", "wandb")
_MOST_HOURS = 10000


@dataclasses.dataclass(frozen=True)
class TrainOptions:
    """What a training run does.

    Attributes:
      exclude_scopes: starts of the names of variables that `initial_checkpoint` does not set.
      excludes_by_flag: whether a user named `exclude_scopes`, so that each has to be of a variable.
      last_layer_scopes: starts of the names of the variables that a new task trains from scratch.
      bias_gradient_multiplier: learning rate of biases, relative to that of their layer.

    Raises:
      ValueError: a value is out of its range.
    """

    train_logdir: str = option(
        dataclasses.MISSING,
        "Folder of checkpoints, options.json and TensorBoard's events. If it has a checkpoint, the "
        "training run resumes from it.",
        RESULTS,
        is_common=True,
        flag_default=None,
        computed_default="runs/<name of the dataset>",
        aliases=("logdir", "log_dir", "output_dir", "work_dir", "output", "save_dir"),
    )
    training_number_of_steps: int = option(
        30000,
        "Total training steps, including those of earlier runs.",
        SCHEDULE,
        is_common=True,
        aliases=(
            *("steps", "num_steps", "max_steps", "train_steps", "number_of_steps", "max_iters"),
            *("iterations", "num_iterations", "epochs", "num_epochs", "max_epochs", "n_epochs"),
        ),
    )
    hours: float | None = option(
        None,
        "Hours that the training run is to take. A longer one is warned of after its first steps.",
        SCHEDULE,
        is_common=True,
        aliases=("max_hours", "time_limit", "time"),
    )
    train_batch_size: int = option(
        8,
        "Global batch size: images in a step, over all clones.",
        SCHEDULE,
        is_common=True,
        aliases=("batch_size", "batch", "bs", "global_batch_size"),
    )
    continue_checkpoint: str | None = option(
        None,
        "Checkpoint of another training run of the same network, from which weights, optimizer "
        "state and step count are taken. Not used once train_logdir has a checkpoint of its own.",
        START,
    )
    initial_checkpoint: str | None = option(
        None,
        "Checkpoint (prefix, folder, 'best' or 'latest' of the newest run in runs/, or name of "
        "published weights) whose weights are taken where they fit. Not used once train_logdir "
        "has one itself.",
        START,
        is_common=True,
        flag="tf_initial_checkpoint",
        aliases=(
            *("initial_checkpoint", "pretrained", "weights_path", "checkpoint", "init_checkpoint"),
            *("load_from", "pretrained_weights", "checkpoint_path", "resume_from"),
        ),
    )
    exclude_scopes: tuple[str, ...] = ()
    excludes_by_flag: bool = False
    trainable_scopes: tuple[str, ...] = option(
        (),
        "Starts of the names of the variables that are trained, such as "
        "MobilenetV2/Logits,MobilenetV2/Conv_1; the others stay as they are, and so do the "
        "statistics of batch norm unless fine_tune_batch_norm is given.",
        SCHEDULE,
        computed_default="all",
        aliases=("trainable",),
    )
    last_layer_scopes: tuple[str, ...] = ()
    last_layer_gradient_multiplier: float = option(
        1.0,
        "Learning rate of the layers after the encoder, relative to the encoder's.",
        SCHEDULE,
    )
    # research/deeplab: every bias learns twice as fast as the weights beside it.
    bias_gradient_multiplier: float = 2.0
    clip_gradient_norm: float = option(
        0.0, "Largest L2 norm over all gradients; 0 for no limit.", SCHEDULE
    )
    ema_decay: float = option(
        0.0,
        "Decay of an exponential moving average of all weights, which checkpoints then also hold, "
        "for use_ema of evaluation and export; 0 for none. After step n the decay is at most (1 + "
        "n) / (10 + n). 0.999 suits a few thousand steps, 0.9999 a hundred thousand.",
        SCHEDULE,
        aliases=("ema", "moving_average_decay"),
    )
    log_steps: int = option(10, "Steps between progress lines.", RESULTS)
    save_interval_secs: float = option(
        1200,
        "Seconds between checkpoints; 0 for one at the end only.",
        RESULTS,
        flag_type=int,
    )
    save_summaries_secs: float = option(
        600, "Seconds between summaries; 0 for none.", RESULTS, flag_type=int
    )
    save_histograms: bool = option(False, "Show histograms of all weights in TensorBoard.", RESULTS)
    validate_every: int = option(
        0,
        "Steps between scores on the split val, which keep the best checkpoint in best/; 0 for "
        "none.",
        SCHEDULE,
        is_common=True,
        lower=0,
        aliases=("eval_every", "val_interval", "validation_steps", "eval_steps", "val_freq"),
    )
    patience: int = option(
        0,
        "Validations in a row without a better score after which training ends early; 0 for never.",
        SCHEDULE,
        lower=0,
        aliases=("early_stopping", "early_stop"),
    )
    max_checkpoints_to_keep: int = option(
        5, "Number of newest checkpoints to keep; 0 for all.", RESULTS
    )
    seed: int | None = option(
        None,
        "Random seed.",
        SCHEDULE,
        is_common=True,
        computed_default="a different one every run",
        aliases=("random_seed",),
    )
    track: tuple[str, ...] = option(
        (),
        "Also send losses, learning rate, speed and validations to mlflow or wandb (Weights & "
        "Biases), which make setup-mlflow and make setup-wandb install. Their own environment "
        "variables say where to.",
        RESULTS,
        choices=TRACKERS,
        aliases=("logger", "report_to", "tracker", "log_with", "wandb", "mlflow", "use_wandb"),
    )
    profile_steps: tuple[int, ...] | None = option(
        None,
        "first,last step, counted from 1, of a trace for TensorBoard's profiler, such as 10,15; "
        "TensorBoard needs the package tensorboard-plugin-profile to show it.",
        RESULTS,
    )
    mixed_precision: bool = option(
        False,
        "Compute in float16 on GPUs where TensorFlow deems it safe, with an automatic loss scale. "
        "No effect on a CPU.",
        HARDWARE,
        aliases=("amp", "fp16", "use_amp"),
    )
    xla: bool = option(False, "Compile with XLA on GPUs. No effect on a CPU.", HARDWARE)

    def __post_init__(self):
        for name in ("training_number_of_steps", "train_batch_size", "log_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected 1 or more.")
        for name in (
            "clip_gradient_norm",
            "save_interval_secs",
            "save_summaries_secs",
            "max_checkpoints_to_keep",
            "validate_every",
            "patience",
        ):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected 0 or more.")
        if self.hours is not None and not 0 < self.hours < _MOST_HOURS:
            raise ValueError(
                f"hours is {self.hours}; expected more than 0 and less than {_MOST_HOURS}."
            )
        if not 0 <= self.ema_decay < 1:
            raise ValueError(
                f"ema_decay is {self.ema_decay}; expected 0 (no averages) to less than 1, such as "
                "0.999."
            )
        if self.patience and not self.validate_every:
            raise ValueError(
                f"patience is {self.patience}, but nothing is validated: give validate_every, the "
                "steps between validations."
            )
        if self.profile_steps is not None:
            self._check_profile_steps(self.profile_steps)

    def _check_profile_steps(self, steps: tuple[int, ...]) -> None:
        shown = ",".join(map(str, steps))
        if len(steps) != 2 or not 1 <= steps[0] <= steps[1]:
            raise ValueError(
                f"profile_steps is {shown}; expected the first and the last step, counted from 1, "
                "such as 10,15."
            )
        if steps[1] > self.training_number_of_steps:
            raise ValueError(
                f"profile_steps is {shown}, but training ends at step "
                f"{self.training_number_of_steps} (training_number_of_steps)."
            )


@dataclasses.dataclass(frozen=True)
class OptimizerOptions:
    """How weights follow their gradients.

    Raises:
      ValueError: a value is out of its range.
    """

    optimizer: str = option("momentum", "Optimizer.", SCHEDULE, choices=OPTIMIZERS)
    learning_policy: str = option(
        "poly",
        "Learning rate schedule; exponential is another name of step.",
        SCHEDULE,
        choices=LEARNING_POLICIES,
        aliases=("lr_policy", "lr_scheduler", "scheduler", "lr_schedule"),
    )
    base_learning_rate: float = option(
        1e-4,
        "Learning rate at the start of the schedule. 0.007 is usual for new layers at batch size "
        "16.",
        SCHEDULE,
        is_common=True,
        aliases=("learning_rate", "lr", "base_lr", "initial_learning_rate"),
    )
    end_learning_rate: float = option(
        0.0, "Learning rate at the end of 'poly' and 'cosine'.", SCHEDULE
    )
    learning_power: float = option(0.9, "Exponent of 'poly'.", SCHEDULE)
    decay_steps: int = option(
        0, "Steps over which 'poly' and 'cosine' fall; 0 for the whole training run.", SCHEDULE
    )
    learning_rate_decay_factor: float = option(
        0.1,
        "Factor of the learning rate after every learning_rate_decay_step with 'step'.",
        SCHEDULE,
    )
    learning_rate_decay_step: int = option(
        2000, "Steps between the falls of the learning rate with 'step'.", SCHEDULE
    )
    slow_start_step: int = option(
        0,
        "Steps before the schedule begins, at slow_start_learning_rate.",
        SCHEDULE,
        aliases=("warmup_steps", "warmup", "warmup_iters"),
    )
    slow_start_learning_rate: float = option(
        1e-4, "Learning rate during the slow_start_step first steps.", SCHEDULE
    )
    slow_start_policy: str = option(
        "constant",
        "Learning rate of the slow start: constant, or linear from slow_start_learning_rate up to "
        "where the schedule begins.",
        SCHEDULE,
        choices=SLOW_STARTS,
    )
    momentum: float = option(0.9, "Momentum of the momentum optimizer.", SCHEDULE)
    nesterov: bool = option(
        False, "Whether the momentum optimizer uses Nesterov's momentum.", SCHEDULE
    )
    adam_learning_rate: float | None = option(
        1e-3, "Learning rate of Adam, constant: there is no schedule.", SCHEDULE
    )
    adam_epsilon: float = option(1e-8, "Epsilon of Adam.", SCHEDULE)
    rmsprop_decay: float = option(0.9, "Decay of the mean square of RMSProp.", SCHEDULE)
    rmsprop_momentum: float = option(0.9, "Momentum of RMSProp.", SCHEDULE)
    rmsprop_epsilon: float = option(1.0, "Epsilon of RMSProp.", SCHEDULE, synonyms=("opt_epsilon",))

    def __post_init__(self) -> None:
        for name, allowed in (
            ("optimizer", OPTIMIZERS),
            ("learning_policy", LEARNING_POLICIES),
            ("slow_start_policy", SLOW_STARTS),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} is {getattr(self, name)!r}; expected one of {', '.join(allowed)}."
                )
        for name in ("decay_steps", "slow_start_step"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected 0 or more steps.")
        if self.learning_rate_decay_step < 1:
            raise ValueError(
                f"learning_rate_decay_step is {self.learning_rate_decay_step}; "
                "expected at least 1 step."
            )
