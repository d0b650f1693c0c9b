"""The command vis.py: its words and its flags."""

import dataclasses

from commands.command import Command
from commands.shared_options import DrawnSplitOptions
from common.option_fields import RESULTS, option
from deeplab.commands.batch_options import batch_size_option, crop_size_option
from deeplab.commands.network_flags import AS_TRAINED
from deeplab.commands.shared_options import (
    ALL_OF_EVALUATION,
    DATASET_OF_EVALUATION,
    explain_classes,
)


@dataclasses.dataclass(frozen=True)
class VisOptions(DrawnSplitOptions):
    """What vis.py draws, and where the results go."""

    vis_batch_size: int = batch_size_option()
    vis_crop_size: tuple[int, int] | None = crop_size_option()
    max_number_of_iterations: int = option(
        0,
        "Number of checkpoints to draw before exiting; 1 draws the best of a training run that "
        "validates itself, otherwise the newest; 0 or less runs indefinitely.",
        RESULTS,
        is_common=True,
    )
    colormap_type: str | None = option(
        None,
        "Colors of the classes.",
        RESULTS,
        is_common=True,
        choices=("pascal", "cityscapes", "ade20k"),
        computed_default="the dataset's own",
    )
    also_save_raw_predictions: bool = option(
        False,
        "Also write 8-bit class ids, for Cityscapes as its label ids, to send to a benchmark's "
        "server.",
        RESULTS,
        is_common=True,
    )
    upstream_names: bool = option(
        False,
        "Name files as research/deeplab does: 000000_image.png, 000000_prediction.png …",
        RESULTS,
    )


COMMAND = Command(
    description="""\
Draws what a network predicts of a split: python vis.py --max_number_of_iterations=1

The counterpart of research/deeplab's vis.py, on the same records as eval.py. Without flags it draws
every new checkpoint of the newest training run over the one before, indefinitely;
--max_number_of_iterations=1 draws one and exits: the best where the training run has validated
itself (--validate_every), otherwise the newest. For images that are not records, export the
checkpoint and use infer.py.

Results, in vis_logdir: segmentation_results/NAME_image.jpg and NAME_prediction.png, named after the
image; with --also_save_raw_predictions also raw_segmentation_results/NAME.png, whose gray values
are
the ids that the benchmark's server expects.""",
    main="deeplab.commands.vis",
    options=(VisOptions, *ALL_OF_EVALUATION),
    computed_defaults={**AS_TRAINED, **DATASET_OF_EVALUATION},
    explain_unknown=lambda name, *_: explain_classes(name),
)
