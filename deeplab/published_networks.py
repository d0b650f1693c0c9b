"""What published segmentation networks are, which have no `options.json` beside them."""

from datasets.segmentation import specs
from deeplab.options import ModelOptions
from deeplab.run_description import RunDescription
from published import cache, catalogue
from published.catalogue import Weights

# What a command wants that is given other weights.
WANTED = "segmentation network"


def weights_of(checkpoint: str) -> Weights | None:
    """Returns the published network that a checkpoint in the cache is; None for other paths.

    Raises:
      ValueError: the checkpoint is published, and not of a whole network.
    """
    weights = cache.weights_at(checkpoint)
    if weights is None:
        return None
    if weights.kind != catalogue.SEGMENTATION:
        raise ValueError(catalogue.explain_use(weights, WANTED))
    return weights


def describe(weights: Weights) -> RunDescription:
    """Returns what a published network is, as if it had been trained here."""
    classes = specs.published_classes(weights.dataset)
    return RunDescription(
        model=ModelOptions(
            num_classes=weights.num_classes,
            model_variant=weights.model_variant,
            **weights.options,
        ),
        dataset_name=weights.dataset,
        class_names=classes.names,
        palette=classes.palette,
        ignore_label=classes.ignore_label,
        train_crop_size=weights.crop_size,
        # Both sides of the range, so that the longest one has this many pixels.
        min_resize_value=weights.longest_side,
        max_resize_value=weights.longest_side,
    )
