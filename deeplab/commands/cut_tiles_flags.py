"""The command datasets.cut_tiles: its words and its flags."""

import dataclasses

from commands.command import Command
from common.option_fields import HARDWARE, RESULTS, option
from deeplab.commands.source_options import SourceOptions


@dataclasses.dataclass(frozen=True)
class TileOptions(SourceOptions):
    """What is cut, and into what."""

    output_dir: str | None = option(
        None,
        "Folder of the tiles and their masks; it appears when it is complete.",
        RESULTS,
        is_common=True,
        computed_default="data/tiles/NAME, where NAME is the name of the dataset",
        aliases=("output", "out"),
    )
    tile_size: int = option(
        512,
        "Height and width of a tile, pixels.",
        RESULTS,
        is_common=True,
        lower=64,
        upper=8192,
        aliases=("size", "tile"),
    )
    num_workers: int | None = option(
        None,
        "Threads that read and cut images.",
        HARDWARE,
        lower=1,
        computed_default="one per core",
        aliases=("workers", "threads", "num_threads", "jobs"),
    )


COMMAND = Command(
    description="""\
Cuts large images and their masks into tiles: python -m datasets.cut_tiles --data_dir=scenes

Build the records of the tiles instead of those of the images (docs/datasets.md, Large images).""",
    main="deeplab.commands.cut_tiles",
    options=(TileOptions,),
)
