"""Options that several commands of classification share."""

import dataclasses

from classification.options import PREPROCESSINGS
from commands import shared_options, unknown_flags
from common.option_fields import DATA, NETWORK, change, changed, option
from nets import registry

DatasetOptions = changed(
    shared_options.DatasetOptions, dataset=change(None, synonyms=("dataset_name",))
)


def explain_classes(name: str) -> str | None:
    """Explains flags such as `--num_classes`, which a command that reads a dataset lacks."""
    return unknown_flags.explain_classes(name, "docs/classification.md")


@dataclasses.dataclass(frozen=True)
class TrainedNetworkOptions:
    """What a trained network is, which its options.json says already."""

    model_variant: str | None = option(
        None,
        "Encoder.",
        NETWORK,
        choices=tuple(registry.CLASSIFIERS),
        computed_default="as trained",
        synonyms=("model_name",),
    )
    depth_multiplier: float | None = option(
        None,
        "Number of channels of a MobileNet, relative to the published one.",
        NETWORK,
        computed_default="as trained",
    )
    preprocessing: str | None = option(
        None,
        "How an image becomes the network's input.",
        NETWORK,
        choices=PREPROCESSINGS,
        computed_default="as trained",
        synonyms=("preprocessing_name",),
    )
    labels_offset: int | None = option(
        None,
        "Number of leading classes of the dataset that the network does not have.",
        NETWORK,
        lower=0,
        computed_default="as trained",
    )


@dataclasses.dataclass(frozen=True)
class EvaluatedViewOptions:
    """What may differ between training and use of a classifier."""

    eval_image_size: int | None = option(
        None,
        "Height and width of the network's input in pixels, if not as trained. A fifth larger than "
        "in training is often a little better.",
        DATA,
        lower=1,
        computed_default="as trained",
        aliases=("image_size", "train_image_size", "input_size", "size"),
    )
