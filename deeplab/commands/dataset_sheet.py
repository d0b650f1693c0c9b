"""Draws what is understood of a dataset: images with their masks in color, each with a legend."""

import io
import os

import numpy as np
from PIL import Image

from common import files
from common.dataset_files import DATASETS_ROOT
from common.texts import printable
from datasets.segmentation.check_report import Report
from datasets.segmentation.class_statistics import count_ids
from datasets.segmentation.sources.source import Sample, Source
from serving.drawing import legend, sheet, visualize

_IGNORED = "(ignored)"
_ENDING = ".png"
_COLUMNS = 4
_SIDE = 360
_FOLDER = os.path.join(os.path.dirname(DATASETS_ROOT), "sheets")


def default_path(name: str) -> str:
    """Returns where the sheet of a dataset goes if nothing else is said."""
    return os.path.join(_FOLDER, name + _ENDING)


def check_path(path: str) -> None:
    """Makes sure, before anything is read, that a sheet can be written.

    Raises:
      ValueError: it cannot.
    """
    if not path.lower().endswith(_ENDING):
        raise ValueError(f"--sheet={printable(path)}: expected the name of a PNG file: a.png.")
    if os.path.isdir(path):
        raise ValueError(f"--sheet={printable(path)} is a folder; expected the name of a PNG file.")
    obstacle = files.find_obstacle(os.path.dirname(path) or ".")
    if obstacle is not None:
        where, problem = obstacle
        raise ValueError(
            f"--sheet={printable(path)}: {printable(where)} {problem}; choose another file, or "
            "none with --sheet="
        )


def write(path: str, source: Source, report: Report) -> str | None:
    """Draws the examples that a check has chosen into a PNG file, whole or not at all.

    Returns:
      What to say of it; None if no example can be drawn, and nothing is written.

    Raises:
      OSError: the file cannot be written.
      ValueError: an example has changed since the check and cannot be read.
    """
    chosen = [(split, each) for split, samples in report.shown.items() for each in samples]
    if not chosen:
        return None
    seen = np.zeros(source.num_classes, bool)
    drawn = []
    for split, sample in chosen:
        image, present = _draw(source, sample)
        drawn.append(sheet.with_title(image, f"{split}: {sample.name}"))
        seen |= present
    content = io.BytesIO()
    sheet.arrange(drawn, _COLUMNS).save(content, "PNG")
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    files.write(path, content.getbuffer())
    occurring = np.zeros(source.num_classes, bool)
    for statistics in report.statistics.values():
        occurring |= np.array(statistics.pixels_per_class) > 0
    num_unseen = int((occurring & ~seen).sum())
    return (
        f"{printable(path)} shows {len(chosen)} images with their masks in color"
        + (f"; {num_unseen} classes that occur are in none of them" if num_unseen else "")
        + "."
    )


def _draw(source: Source, sample: Sample) -> tuple[Image.Image, np.ndarray]:
    """Returns an image with its mask and a legend, and which classes it has, bool [num_classes]."""
    example, ids = source.read_example(sample)
    assert example.rgb is not None
    counts = count_ids(ids)
    scale = _SIDE / max(ids.shape)
    height, width = (max(1, round(scale * length)) for length in ids.shape)
    image = Image.fromarray(example.rgb).resize(
        (width, height), Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST
    )
    shown = np.asarray(Image.fromarray(ids).resize((width, height), Image.Resampling.NEAREST))
    visualize.paint_overlay(image, shown, source.palette, source.class_names)
    pixels = counts[: source.num_classes].copy()
    names, palette = [*source.class_names], [*source.palette]
    if source.ignore_label >= source.num_classes:
        names.append(_IGNORED)
        palette.append(visualize.VOID_COLOR)
        pixels = np.append(pixels, counts[source.ignore_label])
    framed = Image.new("RGB", (_SIDE, height), legend.PANEL_COLOR)
    framed.paste(image, (0, 0))
    shares = pixels / max(1, pixels.sum())
    return legend.append_legend(framed, shares, names, palette), counts[: source.num_classes] > 0
