"""What a checkpoint is: its options.json says it, or flags, for one that another program made."""

import dataclasses
import os

from classification.commands.checkpoint_logits import count_classes
from classification.commands.shared_options import EvaluatedViewOptions, TrainedNetworkOptions
from classification.options import ModelOptions, ViewOptions
from classification.run_description import RunDescription, read_description
from commands.flags import Flags
from common.run_options import OPTIONS_FILE
from common.texts import printable
from published import cache, catalogue
from training import published_checkpoints


def refuse_others(checkpoint_path: str | None) -> None:
    """Refuses (ValueError) the name of published weights of no classifier before a download."""
    published_checkpoints.require_kind(checkpoint_path, catalogue.CLASSIFIER, "classifier")


def describe(flags: Flags, checkpoint: str) -> RunDescription:
    """Returns what a checkpoint is, seen at the size that `EvaluatedViewOptions` say.

    Raises:
      ValueError: flags contradict the training, or are missing.
    """
    directory = os.path.dirname(checkpoint) or "."
    path = os.path.join(directory, OPTIONS_FILE)
    if os.path.exists(path):
        description = read_description(directory)
        check_as_trained(description, flags, path)
    else:
        description = _from_flags(flags, checkpoint)
    size = flags.options(EvaluatedViewOptions).eval_image_size
    if size is None:
        return description
    view = dataclasses.replace(description.view, image_size=size)
    return dataclasses.replace(description, view=view)


def check_as_trained(trained: RunDescription, flags: Flags, options_path: str) -> None:
    """Refuses (ValueError) flags of `TrainedNetworkOptions` that contradict the training."""
    stored = {**vars(trained.model), **vars(trained.view)}
    for name, value in flags.given(TrainedNetworkOptions).items():
        if value != stored[name]:
            raise ValueError(
                f"--{name} is {value}, but {options_path} says that the network was trained with "
                f"{stored[name]}. Omit the flag."
            )


def _from_flags(flags: Flags, checkpoint: str) -> RunDescription:
    given = flags.options(TrainedNetworkOptions)
    weights = cache.weights_at(checkpoint)
    if weights is not None and given.model_variant is None:
        given = dataclasses.replace(given, model_variant=weights.model_variant)
    if given.model_variant is None:
        raise ValueError(
            f"{printable(checkpoint)} has no {OPTIONS_FILE} beside it: train.py writes it there. "
            "For a checkpoint of research/slim describe the network with --model_variant and, "
            "where they are not as published, --depth_multiplier and --preprocessing."
        )
    model = ModelOptions(2, given.model_variant, given.depth_multiplier or 1.0)
    num_classes = count_classes(checkpoint, model)
    if num_classes is None:
        raise ValueError(
            f"{printable(checkpoint)} has no logits of a {given.model_variant}: is it of another "
            "--model_variant?"
        )
    facts = model.encoder.classifier
    description = RunDescription(
        dataclasses.replace(model, num_classes=num_classes),
        ViewOptions(
            facts.image_size, given.preprocessing or facts.preprocessing, given.labels_offset or 0
        ),
        dataset_name="",
        class_names=(),
    )
    description.validate()
    return description
