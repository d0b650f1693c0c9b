"""Trains on TFRecords: train.py. `train_flags` has its words and flags."""

import dataclasses
import functools
import os

import tensorflow.compat.v1 as tf

from captioning import feature_cache, run_description
from captioning.commands.dataset_choice import find_split, read_dataset
from captioning.commands.train_flags import (
    ADAM_LEARNING_RATE,
    DEFAULT_EPOCHS,
    CaptioningOptimizerOptions,
    CaptioningTrainOptions,
    WarmStartOptions,
)
from captioning.evaluation.validation import SPLIT
from captioning.network import network
from captioning.options import (
    ATTENTION,
    CROSS_ENTROPY,
    DECODERS,
    SELF_CRITICAL,
    SHOW_AND_TELL,
    AugmentationOptions,
    ModelOptions,
    ObjectiveOptions,
    ViewOptions,
)
from captioning.run_description import RunDescription
from captioning.task import CaptioningTask
from commands import epochs, training_command
from commands.flags import Flags
from commands.shared_options import ClusterOptions
from common import run_options
from common.run_options import OPTIONS_FILE, RUNS_ROOT
from common.texts import printable
from datasets.captioning.specs import CaptioningSpec
from datasets.records import origin, shard_check
from deployment.config import DeploymentConfig
from training import checkpoints, loop
from training.validation import find_chosen

# Usual since S. Rennie et al., arXiv 1612.00563.
_SELF_CRITICAL_LEARNING_RATE = 5e-5
# Flags that only say how the encoder is trained.
_OF_ENCODER = ("weight_decay", "fine_tune_batch_norm", "batch_norm_decay", "sync_batch_norm")
# research/im2txt, configuration.py: num_epochs_per_decay.
_EPOCHS_PER_DECAY = 8


def main(flags: Flags, arguments: list[str]) -> int:
    """Turns flags into options and trains, or serves variables to those who do."""
    del arguments
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)  # slim's lines repeat ours
    return training_command.train(flags, functools.partial(_train, flags))


def _train(flags: Flags, deployment: DeploymentConfig, master: str) -> int:
    train_split = find_split(flags, "train_split")
    spec = read_dataset(flags, training_command.resumed(flags, run_description.read_description))
    shard_check.complete_shards(spec, train_split)
    is_self_critical = flags.value("objective") == SELF_CRITICAL
    name = f"{spec.name}_{SELF_CRITICAL}" if is_self_critical else spec.name
    train_logdir = flags.value("train_logdir") or os.path.join(RUNS_ROOT, name)
    start = _trained_start(flags, train_logdir) if is_self_critical else None
    description = _describe(flags, spec, train_split, train_logdir, start)
    split = spec.split(train_split)
    epoch = epochs.count_steps(
        split.num_examples, flags.value("train_batch_size") * deployment.num_replicas
    )
    num_steps = flags.value_or("training_number_of_steps", DEFAULT_EPOCHS * epoch)
    objective = flags.options(
        ObjectiveOptions,
        batch_norm_decay=flags.value_or(
            "batch_norm_decay", training_command.batch_norm_decay(num_steps)
        ),
        scheduled_sampling_steps=flags.value_or("scheduled_sampling_steps", num_steps),
        # Dropout would judge captions by another network than the one that has drawn them.
        keep_prob=flags.value_or(
            "keep_prob", 1.0 if is_self_critical else ObjectiveOptions.keep_prob
        ),
        encoder_keep_prob=flags.value_or(
            "encoder_keep_prob", 1.0 if is_self_critical else ObjectiveOptions.encoder_keep_prob
        ),
    )
    scopes = network.decoder_scopes(description.model.decoder)
    options = flags.options(
        CaptioningTrainOptions,
        train_logdir=train_logdir,
        exclude_scopes=flags.options(WarmStartOptions).checkpoint_exclude_scopes,
        excludes_by_flag=True,
        last_layer_scopes=scopes,
        bias_gradient_multiplier=1.0,
        training_number_of_steps=num_steps,
        trainable_scopes=flags.value("trainable_scopes")
        or (() if objective.train_encoder else scopes),
        validate_every=flags.value_or("validate_every", epoch if SPLIT in spec.splits else 0),
    )
    optimizer_options = flags.options(
        CaptioningOptimizerOptions,
        learning_rate_decay_step=flags.value_or(
            "learning_rate_decay_step", _EPOCHS_PER_DECAY * epoch
        ),
        adam_learning_rate=flags.value_or(
            "adam_learning_rate", _adam_learning_rate(flags, is_self_critical)
        ),
    )
    _check_effects(flags, description.model, objective)
    augmentation = _augmentation(flags, objective)
    print(
        f"dataset {spec.name} in {spec.directory}: {len(spec.words)} words, {split.num_examples} "
        f"records with {split.num_captions} captions in split {train_split}; an epoch is "
        f"{epoch} {'step' if epoch == 1 else 'steps'}"
    )
    model, view = description.model, description.view
    for each in (model, view, augmentation, objective, optimizer_options, options, deployment):
        print(training_command.listed(each))
    begin = loop.find_start(options)
    if not objective.train_encoder and begin.kind == "scratch":
        raise ValueError(
            "the encoder would stay as chance has made it: give --tf_initial_checkpoint, the "
            "checkpoint of a classifier, or --train_encoder to train it, too."
        )
    features = None
    if augmentation.cache_features:
        features = feature_cache.ensure(spec, train_split, description, begin.checkpoint)
    task = CaptioningTask(
        spec,
        train_split,
        description,
        augmentation,
        objective,
        deployment.num_clones,
        has_averages=options.ema_decay > 0,
        features=features,
    )
    result = loop.train(
        task,
        options,
        optimizer_options,
        deployment,
        master=master,
        startup_delay_steps=flags.options(ClusterOptions).startup_delay_steps,
    )
    return result.exit_status


def _check_effects(flags: Flags, model: ModelOptions, objective: ObjectiveOptions) -> None:
    """Refuses (ValueError) flags that would change nothing."""
    of_attention = "belongs to --decoder=attention"
    of_encoder = "is about training the encoder: add --train_encoder"
    reasons = {
        "attention_penalty": model.decoder != ATTENTION and of_attention,
        "starts_from_image": model.decoder != ATTENTION and of_attention,
        "encoder_keep_prob": (not objective.train_encoder and of_encoder)
        or (model.decoder != SHOW_AND_TELL and "belongs to --decoder=show_and_tell"),
        **dict.fromkeys(_OF_ENCODER, not objective.train_encoder and of_encoder),
    }
    for name, reason in reasons.items():
        if reason and flags.is_given(name):
            raise ValueError(f"--{name} {reason}; or omit it.")


def _augmentation(flags: Flags, objective: ObjectiveOptions) -> AugmentationOptions:
    """Returns how images are varied: not at all where their features are kept.

    Raises:
      ValueError: flags contradict each other.
    """
    augmentation = flags.options(AugmentationOptions)
    if not augmentation.cache_features:
        return augmentation
    if objective.train_encoder:
        raise ValueError(
            "cache_features keeps what an encoder says of images, and train_encoder changes it: "
            "omit one of them."
        )
    varied = ("random_crop", "random_flip", "color_distortion")
    given = [name for name in varied if flags.given(AugmentationOptions).get(name)]
    if given:
        raise ValueError(
            f"cache_features keeps the features of images as evaluation sees them, and {given[0]} "
            "varies them: omit one of them."
        )
    return dataclasses.replace(augmentation, **dict.fromkeys(varied, False))


def _trained_start(flags: Flags, train_logdir: str) -> str | None:
    """Returns the checkpoint from which self-critical training starts; None where it goes on.

    Raises:
      ValueError: there is none, or its decoder is not trained.
    """
    if checkpoints.latest_checkpoint(train_logdir) or flags.value("continue_checkpoint"):
        return None
    given = flags.value("tf_initial_checkpoint")
    if not given:
        raise ValueError(
            f"objective={SELF_CRITICAL} improves a network that is trained already: give "
            "--tf_initial_checkpoint, a checkpoint of a training run with objective="
            f"{CROSS_ENTROPY}, such as runs/NAME/best."
        )
    checkpoint = find_chosen(given)
    names = checkpoints.Reader(checkpoint).shapes
    for decoder in DECODERS:
        scopes = tuple(f"{scope}/" for scope in network.decoder_scopes(decoder))
        if all(any(name.startswith(scope) for name in names) for scope in scopes):
            return checkpoint
    raise ValueError(
        f"objective={SELF_CRITICAL} improves a network that is trained already, and "
        f"{printable(checkpoint)} has no decoder: train one from it with "
        f"objective={CROSS_ENTROPY} first."
    )


def _adam_learning_rate(flags: Flags, is_self_critical: bool) -> float | None:
    """Returns Adam's constant rate where none is given; None where its schedule is."""
    if flags.is_given("base_learning_rate"):
        return None
    return _SELF_CRITICAL_LEARNING_RATE if is_self_critical else ADAM_LEARNING_RATE


def _describe(
    flags: Flags, spec: CaptioningSpec, train_split: str, train_logdir: str, start: str | None
) -> RunDescription:
    """Returns what is trained: the flags say it, or options.json if the folder has a checkpoint.

    Args:
      start: checkpoint of another training run of the same network, whose options.json counts where
        this one has none yet.

    Raises:
      ValueError: flags contradict each other, or flags or dataset contradict options.json.
    """
    place = origin.origin_of(spec, train_split)
    folders = [train_logdir, *([os.path.dirname(start) or "."] if start else [])]
    for folder in folders:
        has_options = os.path.exists(os.path.join(folder, OPTIONS_FILE))
        if has_options and checkpoints.latest_checkpoint(folder):
            is_start = folder != train_logdir
            stored = _stored_description(flags, spec, folder, is_start)
            if not is_start:
                training_command.check_same_dataset(flags, spec, train_split, stored, folder)
            return dataclasses.replace(stored, dataset_name=spec.name, dataset_origin=place)
    model = flags.options(
        ModelOptions, num_words=len(spec.words), **training_command.encoder_of_start(flags)
    ).completed()
    view = flags.options(ViewOptions)
    view = dataclasses.replace(
        view, image_size=view.image_size or model.encoder.classifier.image_size
    )
    description = RunDescription(model, view, spec.name, spec.words, spec.splitting, place)
    description.validate()
    _check_words_of_start(flags, description)
    return description


def _check_words_of_start(flags: Flags, description: RunDescription) -> None:
    """Refuses (ValueError) a start from a network whose words mean something else.

    Its variables would load, as their shapes may agree, and each word would be another one.
    """
    given = flags.value("continue_checkpoint") or flags.value("tf_initial_checkpoint")
    if not given:
        return
    folder = os.path.dirname(checkpoints.find_checkpoint(given)) or "."
    if run_options.read_task(folder) != run_description.TASK:
        return
    excluded = flags.options(WarmStartOptions).checkpoint_exclude_scopes
    scopes = network.word_scopes(description.model.decoder)
    if flags.value("continue_checkpoint") or not all(
        any(f"{scope}/".startswith(each) for each in excluded) for scope in scopes
    ):
        stored = run_description.read_description(folder)
        try:
            stored.vocabulary.check_equal(
                description.vocabulary, folder, f"dataset {description.dataset_name}"
            )
        except ValueError as error:
            raise ValueError(
                f"{error} To take all of the network but its words, give "
                f"--checkpoint_exclude_scopes={','.join(scopes)}."
            ) from None


def _stored_description(
    flags: Flags, spec: CaptioningSpec, folder: str, is_start: bool
) -> RunDescription:
    """Returns what was trained in a folder, if it suits this dataset; errors as of `_describe`.

    Args:
      is_start: whether another training run begins with its weights, instead of going on with it.
    """
    stored = run_description.read_description(folder)
    stored.vocabulary.check_equal(
        spec.vocabulary, folder, f"dataset {spec.name} in {spec.directory}"
    )
    given = {**flags.given(ModelOptions), **flags.given(ViewOptions)}
    options = {**vars(stored.model), **vars(stored.view)}
    if is_start:
        advice = "Omit the flag, or give another --tf_initial_checkpoint."
        training_command.check_same_flags(options, given, folder, advice)
    else:
        training_command.check_same_flags(options, given, folder)
    return stored
