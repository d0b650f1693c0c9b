"""Options of training runs: what the smallest and largest values are, and what is said beyond."""

import pytest

from training.options import OptimizerOptions, TrainOptions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"training_number_of_steps": 0}, "training_number_of_steps is 0; expected 1 or more"),
        ({"train_batch_size": -8}, "train_batch_size is -8; expected 1 or more"),
        ({"save_interval_secs": -1}, "save_interval_secs is -1; expected 0 or more"),
        ({"save_summaries_secs": -1}, "save_summaries_secs is -1; expected 0 or more"),
        ({"max_checkpoints_to_keep": -1}, "max_checkpoints_to_keep is -1; expected 0 or more"),
        ({"ema_decay": 1.0}, r"ema_decay is 1\.0; expected 0 \(no averages\) to less than 1"),
        ({"ema_decay": -0.1}, r"ema_decay is -0\.1; expected 0"),
        ({"profile_steps": (3,)}, "profile_steps is 3; expected the first and the last step"),
        ({"profile_steps": (0, 3)}, "profile_steps is 0,3; expected the first and the last"),
        ({"profile_steps": (4, 3)}, "profile_steps is 4,3; expected the first and the last"),
        (
            {"profile_steps": (4, 9), "training_number_of_steps": 8},
            "profile_steps is 4,9, but training ends at step 8",
        ),
    ],
)
def test_a_training_run_that_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        TrainOptions("runs/x", **options)


def test_the_smallest_training_run_is_one():
    options = TrainOptions(
        "runs/x",
        training_number_of_steps=1,
        train_batch_size=1,
        log_steps=1,
        clip_gradient_norm=0.0,
        save_interval_secs=0,
        save_summaries_secs=0,
        max_checkpoints_to_keep=0,
        ema_decay=0.9999,
        profile_steps=(1, 1),
    )
    assert options.profile_steps == (1, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "lion"}, "optimizer is 'lion'; expected one of momentum, adam"),
        ({"learning_policy": "cos"}, "learning_policy is 'cos'; expected one of poly, step"),
        ({"decay_steps": -1}, "decay_steps is -1; expected 0 or more steps"),
        ({"slow_start_step": -1}, "slow_start_step is -1; expected 0 or more steps"),
        ({"learning_rate_decay_step": 0}, "learning_rate_decay_step is 0; expected at least 1"),
    ],
)
def test_an_optimizer_that_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        OptimizerOptions(**options)


def test_defaults_are_those_of_research_deeplab():
    """Its train.py; save_summaries_secs and train_batch_size too."""
    assert OptimizerOptions() == OptimizerOptions(
        optimizer="momentum",
        learning_policy="poly",
        base_learning_rate=0.0001,
        learning_rate_decay_factor=0.1,
        learning_rate_decay_step=2000,
        learning_power=0.9,
        momentum=0.9,
        adam_learning_rate=0.001,
        adam_epsilon=1e-8,
        slow_start_step=0,
        slow_start_learning_rate=1e-4,
        decay_steps=0,
        end_learning_rate=0.0,
    )
    options = TrainOptions("runs/x")
    assert (options.training_number_of_steps, options.train_batch_size) == (30000, 8)
    assert (options.save_interval_secs, options.save_summaries_secs) == (1200, 600)
    assert (options.log_steps, options.last_layer_gradient_multiplier) == (10, 1.0)
