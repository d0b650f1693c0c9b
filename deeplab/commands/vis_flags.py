"""The command vis.py: its words and its flags."""

import dataclasses

from commands.command import Command
from commands.shared_options import DEFAULT_SPLIT
from common.option_fields import DATA, HARDWARE, RESULTS, option
from deeplab.commands.network_flags import AS_TRAINED
from deeplab.commands.shared_options import (
    ALL_OF_EVALUATION,
    DATASET_OF_EVALUATION,
    explain_classes,
)


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
    vis_batch_size: int = option(
        1,
        "Images in a batch. Larger batches take more memory, and are faster on a GPU.",
        HARDWARE,
        aliases=("batch_size", "batch"),
    )
    vis_crop_size: tuple[int, int] | None = option(
        None,
        "height,width in pixels that every image is padded to, each a multiple of output_stride "
        "plus one.",
        DATA,
        computed_default="the smallest that holds every image of the split",
        aliases=("crop_size", "crop"),
    )
    max_number_of_iterations: int = option(
        0,
        "Number of checkpoints to draw before exiting; 1 draws the newest one, 0 or less runs "
        "indefinitely.",
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
--max_number_of_iterations=1 draws the newest one and exits. For images that are not records, export
the checkpoint and use infer.py.

Results, in vis_logdir: segmentation_results/NAME_image.jpg and NAME_prediction.png, named after the
image; with --also_save_raw_predictions also raw_segmentation_results/NAME.png, whose gray values
are
the ids that the benchmark's server expects.""",
    main="deeplab.commands.vis",
    options=(VisOptions, *ALL_OF_EVALUATION),
    computed_defaults={**AS_TRAINED, **DATASET_OF_EVALUATION},
    explain_unknown=lambda name, *_: explain_classes(name),
)
