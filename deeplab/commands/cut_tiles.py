"""Cuts large images into tiles. `cut_tiles_flags` has the command's words and flags."""

import os
import shlex
import sys

from commands.flags import Flags
from common.texts import printable
from datasets.records import problem_report
from datasets.records.problems import ERROR
from datasets.segmentation import tiles
from deeplab.commands import opened_source
from deeplab.commands.cut_tiles_flags import TileOptions

_TILES_ROOT = os.path.join("data", "tiles")


def main(flags: Flags, arguments: list[str]) -> int:
    """Cuts all images of a source, and says what to do next."""
    del arguments
    options = flags.options(TileOptions)
    source = opened_source.of(options)
    if source is None:
        return 2
    if source.problems:
        print(problem_report.format_problems(source.problems), file=sys.stderr)
    if any(problem.severity == ERROR for problem in source.problems):
        raise ValueError("the files have errors (above), so nothing was cut. Mend them first.")
    output_dir = options.output_dir or os.path.join(_TILES_ROOT, source.name)
    num_tiles = tiles.cut(source, output_dir, options.tile_size, options.num_workers)
    num_images = sum(map(len, source.splits.values()))
    print(
        f"{num_tiles} tiles of {num_images} images are in {printable(output_dir)}. Their records: "
        f"make tfrecords DATA_DIR={printable(shlex.quote(output_dir))}"
    )
    return 0
