"""The command vis.py of classification: its words and its flags."""

import dataclasses

from classification.commands.shared_options import (
    BatchOptions,
    EvaluatedViewOptions,
    explain_classes,
)
from commands.command import Command
from commands.shared_options import (
    DEFAULT_SPLIT,
    CheckpointOptions,
    DatasetOptions,
    WeightsOptions,
)
from common.option_fields import DATA, RESULTS, option


@dataclasses.dataclass(frozen=True)
class VisOptions:
    """What vis.py draws, and where the results go."""

    vis_logdir: str | None = option(
        None,
        "Folder of the results.",
        RESULTS,
        is_common=True,
        computed_default=(
            "vis/ in the folder of the training run; vis_SPLIT/ for another split than val, "
            "vis_ema/ with use_ema"
        ),
        aliases=("output_dir", "output"),
    )
    vis_split: str = option(
        DEFAULT_SPLIT, "Split to draw.", DATA, is_common=True, aliases=("split",)
    )
    num_images: int = option(
        36, "Images of each sheet.", RESULTS, is_common=True, lower=1, aliases=("images",)
    )
    max_number_of_iterations: int = option(
        0,
        "Number of checkpoints before exiting; 1 draws for the newest one, 0 or less runs "
        "indefinitely.",
        RESULTS,
        is_common=True,
    )


COMMAND = Command(
    description="""\
Draws what a classifier says of a split: python vis.py --max_number_of_iterations=1

predictions-STEP.png: images evenly spread over the split, with the predicted class and its
probability; mistakes-STEP.png: those that it is wrong about, the surest first.""",
    main="classification.commands.vis",
    options=(
        VisOptions,
        DatasetOptions,
        CheckpointOptions,
        WeightsOptions,
        EvaluatedViewOptions,
        BatchOptions,
    ),
    explain_unknown=lambda name, *_: explain_classes(name),
)
