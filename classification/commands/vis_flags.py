"""The command vis.py of classification: its words and its flags."""

import dataclasses

from classification.commands.shared_options import (
    EvaluatedViewOptions,
    TrainedNetworkOptions,
    explain_classes,
)
from commands.command import Command
from commands.shared_options import (
    BatchOptions,
    CheckpointOptions,
    DatasetOptions,
    DrawnSplitOptions,
    WeightsOptions,
)
from common.option_fields import RESULTS, option


@dataclasses.dataclass(frozen=True)
class VisOptions(DrawnSplitOptions):
    """What vis.py draws, and where the results go."""

    num_images: int = option(
        36, "Images of each sheet.", RESULTS, is_common=True, lower=1, aliases=("images",)
    )
    max_number_of_iterations: int = option(
        0,
        "Number of checkpoints before exiting; 1 draws for the best of a training run that "
        "validates itself, otherwise the newest; 0 or less runs indefinitely.",
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
        TrainedNetworkOptions,
        EvaluatedViewOptions,
        BatchOptions,
    ),
    explain_unknown=lambda name, *_: explain_classes(name),
)
