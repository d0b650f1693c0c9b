"""Command lines of research/slim's scripts: which mean the same here, and what others are told."""

import pytest

from classification.commands.eval_flags import EvalOptions
from classification.commands.train_flags import (
    ClassifierOptimizerOptions,
    DecayTypeOptions,
)
from tests.support import command_calls, command_runs
from training.options import OptimizerOptions

# As of scripts/finetune_inception_v3_on_flowers.sh.
TRAIN = (
    "--train_dir=runs/flowers",
    "--dataset_name=flowers",
    "--dataset_split_name=training",
    "--dataset_dir=data/flowers",
    "--model_name=inception_v3",
    "--checkpoint_path=inception_v3.ckpt",
    "--checkpoint_exclude_scopes=InceptionV3/Logits,InceptionV3/AuxLogits",
    "--trainable_scopes=InceptionV3/Logits,InceptionV3/AuxLogits",
    "--max_number_of_steps=1000",
    "--batch_size=16",
    "--learning_rate=0.03",
    "--learning_rate_decay_type=fixed",
    "--save_interval_secs=60",
    "--save_summaries_secs=60",
    "--log_every_n_steps=100",
    "--optimizer=rmsprop",
    "--weight_decay=0.00004",
    "--moving_average_decay=0.999",
    "--worker_replicas=2",
    "--num_readers=8",
    "--num_preprocessing_threads=8",
    "--ignore_missing_vars=true",
    "--adam_beta1=0.9",
    "--sync_replicas=false",
)


def _schedule(*arguments: str) -> OptimizerOptions:
    flags = command_calls.flags("train", *arguments, task="classification")
    changes = flags.options(DecayTypeOptions).changes(flags.given(ClassifierOptimizerOptions))
    values = {"learning_rate_decay_step": 10, "slow_start_step": 0, **changes}
    return flags.options(ClassifierOptimizerOptions, **values)


def test_a_training_line_sets_our_options():
    flags = command_calls.flags("train", *TRAIN, task="classification")
    assert {
        name: flags.value(name)
        for name in (
            *("train_logdir", "dataset", "train_split", "model_variant", "tf_initial_checkpoint"),
            *("training_number_of_steps", "train_batch_size", "base_learning_rate", "log_steps"),
            *("ema_decay", "num_replicas"),
        )
    } == {
        "train_logdir": "runs/flowers",
        "dataset": "flowers",
        "train_split": "training",
        "model_variant": "inception_v3",
        "tf_initial_checkpoint": "inception_v3.ckpt",
        "training_number_of_steps": 1000,
        "train_batch_size": 16,
        "base_learning_rate": 0.03,
        "log_steps": 100,
        "ema_decay": 0.999,
        "num_replicas": 2,
    }


def test_decay_types_are_schedules_of_ours():
    fixed = _schedule("--learning_rate_decay_type=fixed", "--learning_rate_decay_factor=0.5")
    assert (fixed.learning_policy, fixed.learning_rate_decay_factor) == ("step", 1.0)
    exponential = _schedule(
        "--learning_rate_decay_type=exponential", "--learning_rate_decay_factor=0.5"
    )
    assert exponential.learning_policy == "exponential"
    assert exponential.learning_rate_decay_factor == 0.5
    line = _schedule("--learning_rate_decay_type=polynomial", "--end_learning_rate=0.001")
    assert (line.learning_policy, line.learning_power) == ("poly", 1.0)
    assert line.end_learning_rate == 0.001
    curve = _schedule("--learning_rate_decay_type=polynomial", "--learning_power=0.9")
    assert curve.learning_power == 0.9
    assert _schedule().learning_policy == "cosine"
    with pytest.raises(ValueError, match="is fixed, and learning_policy is given, too"):
        _schedule("--learning_rate_decay_type=fixed", "--learning_policy=poly")


def test_an_evaluation_line_sets_our_options():
    flags = command_calls.flags(
        "eval",
        "--eval_dir=runs/eval",
        "--dataset_name=flowers",
        "--dataset_split_name=validation",
        "--batch_size=50",
        "--model_name=inception_v3",
        "--preprocessing_name=inception",
        "--num_preprocessing_threads=2",
        "--labels_offset=0",
        task="classification",
    )
    assert flags.value("dataset") == "flowers"
    assert flags.value("eval_batch_size") == 50
    assert flags.value("model_variant") == "inception_v3"
    options = flags.options(EvalOptions)
    assert (options.eval_split, options.eval_logdir) == ("validation", "runs/eval")


@pytest.mark.parametrize(
    ("command", "argument", "message"),
    [
        ("train.py", "--num_epochs_per_decay=2", "give --learning_rate_decay_step, which counts"),
        ("train.py", "--adam_beta1=0.5", "Adam has its usual betas here"),
        ("train.py", "--sync_replicas", "several GPUs of one machine (--num_clones)"),
        ("eval.py", "--moving_average_decay=0.9", "--use_ema scores the moving averages"),
        ("eval.py", "--max_num_batches=3", "a split is scored as a whole"),
    ],
)
def test_what_does_not_exist_here_is_answered(tmp_path, command, argument, message):
    result = command_runs.run(command, "--task=classification", argument, cwd=tmp_path)
    assert result.returncode == 2
    assert message in result.stderr.splitlines()[0]
