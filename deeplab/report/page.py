"""The page of a report: one HTML file that holds its charts and images, and loads nothing.

What comes from files (names of classes and images, commands, paths) is escaped by the template.
"""

import dataclasses
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup
from PIL import Image

from common.texts import percent
from datasets.segmentation.specs import DatasetSpec
from deeplab.evaluation import score_report
from deeplab.report import charts, scored_run, worst_images
from deeplab.report.charts import Line
from deeplab.report.scored_run import ScoredRun
from training.command_log import LoggedCommand

_TEMPLATE = "page.html.jinja"
_SMOOTHING = 0.9
_MOST_CONFUSIONS = 10
# Of classes with a chart of their thresholds; a table has all.
_MOST_CURVES = 24
_EVEN = 0.5


@dataclasses.dataclass(frozen=True)
class Report:
    """What a page shows.

    Attributes:
      spec, split: the dataset.
      runs: what was scored: one, or two that are compared.
      photos: the images of the records that `runs[0].images` name, by index.
      files: names of files beside the page, such as the table of images.
      made_by: the command that made it.
    """

    spec: DatasetSpec
    split: str
    runs: Sequence[ScoredRun]
    photos: Mapping[int, Image.Image]
    files: Sequence[str]
    made_by: LoggedCommand


def render(report: Report) -> str:
    """Returns the page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(os.path.dirname(__file__)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    first = report.runs[0]
    names = report.spec.class_names
    confusion = first.evaluation.confusion
    return environment.get_template(_TEMPLATE).render(
        report=report,
        first=first,
        second=report.runs[1] if len(report.runs) > 1 else None,
        runs=[{"label": _label(report, number), "run": each} for number, each in _numbered(report)],
        warning=score_report.warning(first.evaluation, names),
        figures=list(_figures(report)),
        loss_chart=_loss_chart(report),
        score_chart=_score_chart(report),
        rate_chart=_rate_chart(report),
        classes=list(_classes(report)),
        confusion_chart=charts.confusion_chart("Confusion matrix", confusion, names),
        has_named_cells=len(names) <= charts.MOST_NAMED_CLASSES,
        confusions=_confusions(confusion, names),
        calibrations=[
            {"label": _label(report, number), "chart": _calibration_chart(each), "run": each}
            for number, each in _numbered(report)
        ],
        thresholds=list(_thresholds(report)),
        images=list(_images(report)),
        colors=list(worst_images.colors_of(first.images, names, report.spec.palette)),
        differences=_differences(report),
        options=[
            {
                "label": _label(report, number),
                "text": json.dumps(each.training.options, indent=2, ensure_ascii=False),
            }
            for number, each in _numbered(report)
            if each.training.options
        ],
    )


def _numbered(report: Report) -> Iterator[tuple[int, ScoredRun]]:
    return enumerate(report.runs)


def _label(report: Report, number: int) -> str:
    """Returns what a run is called beside the other one; "" for the only one."""
    return "AB"[number] if len(report.runs) > 1 else ""


def _named(report: Report, number: int, name: str) -> str:
    """Returns the name of a line, with its run's letter where there are two."""
    label = _label(report, number)
    return f"{label}: {name}" if label else name


def _figures(report: Report) -> Iterator[dict[str, Any]]:
    """Yields the figures at the head of the page."""
    for name, hint, is_low_better, values in (
        (
            "mean IoU",
            "the mean over the classes of how much prediction and label overlap",
            False,
            [each.evaluation.metrics.mean_iou for each in report.runs],
        ),
        (
            "pixel accuracy",
            "the share of pixels with the right class",
            False,
            [each.evaluation.metrics.pixel_accuracy for each in report.runs],
        ),
        (
            "boundary IoU",
            "the mean IoU of outlines",
            False,
            [_boundaries(each).mean_iou() for each in report.runs],
        ),
        (
            "calibration error",
            "how far confidence is from accuracy, on average",
            True,
            [_calibration(each).expected_error() for each in report.runs],
        ),
    ):
        change = values[0] - values[1] if len(values) > 1 else math.nan
        yield {
            "name": name,
            "hint": hint,
            "value": percent(values[0]),
            "other": percent(values[1]) if len(values) > 1 else "",
            "change": _points(change),
            "kind": _kind(-change if is_low_better else change),
        }


def _loss_chart(report: Report) -> Markup | None:
    lines = []
    for number, run in _numbered(report):
        curve = run.training.curves[scored_run.LOSS]
        if curve.steps:
            lines.append(Line("", curve.steps, curve.values, f"s{number + 1} faint"))
            smooth = charts.smoothed(curve.values, _SMOOTHING)
            name = _named(report, number, "loss")
            lines.append(Line(name, curve.steps, smooth, f"s{number + 1}"))
    if not any(len(each.xs) for each in lines):
        return None
    # The first steps may be many times as high as all others.
    values = np.concatenate([np.asarray(each.ys) for each in lines])
    finite = values[np.isfinite(values)]
    top = float(np.percentile(finite, 99)) if finite.size else 1.0
    return charts.line_chart("Loss by step", lines, "step", "loss", y_range=(0.0, 1.05 * top))


def _score_chart(report: Report) -> Markup | None:
    lines = []
    for number, run in _numbered(report):
        style = f"s{number + 1}"
        for name, curve, kind in (
            ("validations", run.training.validations, style),
            ("eval.py", run.training.evaluations, f"{style} apart"),
        ):
            if curve.steps:
                title = _named(report, number, name)
                lines.append(Line(title, curve.steps, curve.values, kind, has_dots=True))
        evaluation = run.evaluation
        if not math.isnan(evaluation.metrics.mean_iou):
            title = _named(report, number, "this report")
            score = [evaluation.metrics.mean_iou]
            lines.append(Line(title, [evaluation.step], score, f"{style} here", has_dots=True))
    if not lines:
        return None
    top = max(max(each.ys) for each in lines)
    first_steps = [min(each.xs) for each in lines]
    last_steps = [max(each.xs) for each in lines]
    return charts.line_chart(
        "Mean IoU by step",
        lines,
        "step",
        "mean IoU",
        x_range=(0 if max(last_steps) > 0 else min(first_steps), max(last_steps)),
        y_range=(0.0, min(1.0, 1.1 * top) or 1.0),
        in_percent=(False, True),
    )


def _rate_chart(report: Report) -> Markup | None:
    lines = [
        Line(_named(report, number, "learning rate"), curve.steps, curve.values, f"s{number + 1}")
        for number, run in _numbered(report)
        if (curve := run.training.curves[scored_run.LEARNING_RATE]).steps
    ]
    if not lines:
        return None
    top = max(max(each.ys) for each in lines)
    title = "Learning rate by step"
    return charts.line_chart(title, lines, "step", "learning rate", y_range=(0.0, 1.05 * top))


def _classes(report: Report) -> Iterator[dict[str, Any]]:
    """Yields what the table of classes says of each."""
    first = report.runs[0]
    scores, confusion = first.evaluation.metrics, first.evaluation.confusion
    labeled, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    outlines = _boundaries(first).class_iou()
    images = first.details.images
    assert images is not None
    for index, name in enumerate(report.spec.class_names):
        precision = float(confusion[index, index] / predicted[index]) if predicted[index] else None
        iou, other = scores.class_iou[index], math.nan
        if len(report.runs) > 1:
            other = report.runs[1].evaluation.metrics.class_iou[index]
        yield {
            "id": index,
            "name": name,
            "color": worst_images.css_color(report.spec.palette[index]),
            "iou": iou,
            "other": other,
            "change": _points(iou - other),
            "kind": _kind(iou - other),
            "boundary": float(outlines[index]),
            "recall": scores.class_accuracy[index],
            "precision": math.nan if precision is None else precision,
            "pixels": int(labeled[index]),
            "share": float(labeled[index] / max(labeled.sum(), 1)),
            "images": int(images.images_of_class[index]),
        }


def _confusions(confusion: np.ndarray, names: Sequence[str]) -> list[dict[str, Any]]:
    """Returns what is confused most, by pixels."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    labeled, total = confusion.sum(axis=1), max(int(wrong.sum()), 1)
    order = np.argsort(wrong, axis=None, kind="stable")[::-1][:_MOST_CONFUSIONS]
    places = [divmod(int(place), len(names)) for place in order]
    return [
        {
            "label": names[row],
            "predicted": names[column],
            "pixels": int(wrong[row, column]),
            "of_label": float(wrong[row, column] / labeled[row]),
            "of_errors": float(wrong[row, column] / total),
        }
        for row, column in places
        if wrong[row, column]
    ]


def _calibration_chart(run: ScoredRun) -> Markup:
    calibration = _calibration(run)
    return charts.reliability_chart(
        "Accuracy by confidence",
        calibration.confidence_of_bins(),
        calibration.accuracy_of_bins(),
        calibration.pixels,
    )


def _thresholds(report: Report) -> Iterator[dict[str, Any]]:
    """Yields the thresholds of each class; of two classes the second alone, with a large chart."""
    calibration = _calibration(report.runs[0])
    names = report.spec.class_names
    for index in [1] if len(names) == 2 else range(len(names)):
        curve = calibration.threshold_curve(index)
        best = curve.best()
        if best is None or not calibration.of_class[index, 1].sum():
            continue
        even = int(np.searchsorted(curve.thresholds, _EVEN))
        threshold = float(curve.thresholds[best])
        lines = [
            Line("IoU", curve.thresholds, curve.iou, "s1"),
            Line("F1", curve.thresholds, curve.f1, "s2"),
            Line("precision", curve.thresholds, curve.precision, "s3 thin"),
            Line("recall", curve.thresholds, curve.recall, "s4 thin"),
        ]
        chart = None
        if len(names) <= _MOST_CURVES:
            chart = charts.line_chart(
                f"Scores of {names[index]} by threshold",
                lines,
                "threshold",
                "",
                x_range=(0.0, 1.0),
                y_range=(0.0, 1.0),
                in_percent=(True, True),
                mark=(threshold, f"best IoU at {100 * threshold:.0f}%"),
            )
        yield {
            "name": names[index],
            "chart": chart,
            "even_iou": float(curve.iou[even]),
            "even_f1": float(curve.f1[even]),
            "threshold": threshold,
            "iou": float(curve.iou[best]),
            "f1": float(curve.f1[best]),
            "precision": float(curve.precision[best]),
            "recall": float(curve.recall[best]),
        }


def _images(report: Report) -> Iterator[dict[str, Any]]:
    """Yields the worst images, with pictures as data URIs."""
    palette = report.spec.palette
    others = {each.index: each for run in report.runs[1:] for each in run.images}
    for each in report.runs[0].images:
        pictures = [("label", worst_images.mask_uri(each.labels, palette))]
        if each.index in report.photos:
            uri = worst_images.photo_uri(report.photos[each.index], each.labels.shape)
            pictures.insert(0, ("image", uri))
        name = "prediction" if len(report.runs) == 1 else "prediction of A"
        pictures.append((name, worst_images.mask_uri(each.class_ids, palette)))
        other = others.get(each.index)
        if other is not None and other.class_ids.shape == each.class_ids.shape:
            mask = worst_images.mask_uri(other.class_ids, palette)
            pictures.append(("prediction of B", mask))
        pictures.append(("errors", worst_images.errors_uri(each, report.spec.ignore_label)))
        yield {
            "name": each.score.name,
            "mean_iou": each.score.mean_iou,
            "pixel_accuracy": each.score.pixel_accuracy,
            "other_iou": other.score.mean_iou if other else math.nan,
            "pictures": [{"name": name, "uri": uri} for name, uri in pictures],
        }


def _differences(report: Report) -> list[dict[str, str]]:
    """Returns the options in which two training runs differ."""
    if len(report.runs) < 2:
        return []
    one, other = (_flat(each.training.options) for each in report.runs)
    return [
        {"name": name, "a": one.get(name, "-"), "b": other.get(name, "-")}
        for name in {**one, **other}
        if one.get(name) != other.get(name)
    ]


def _flat(options: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = json.dumps(value, ensure_ascii=False)
    return flat


def _points(change: float) -> str:
    """Returns a difference of shares in percentage points; "" where it is not defined."""
    return "" if math.isnan(change) else f"{100 * change:+.2f}"


def _kind(change: float) -> str:
    """Returns the class of the style sheet for a change for the better or worse."""
    if math.isnan(change) or abs(change) < 5e-5:
        return ""
    return "better" if change > 0 else "worse"


def _boundaries(run: ScoredRun) -> Any:
    assert run.details.boundaries is not None
    return run.details.boundaries


def _calibration(run: ScoredRun) -> Any:
    assert run.details.calibration is not None
    return run.details.calibration
