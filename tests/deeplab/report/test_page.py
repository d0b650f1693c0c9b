"""The page: what it shows, that it loads nothing, and that names from files are text in it."""

import dataclasses
import html.parser
import math
import re

import numpy as np
import pytest
from PIL import Image

from datasets.segmentation.specs import DatasetSpec, SplitSpec
from deeplab.evaluation import metrics
from deeplab.evaluation.boundaries import BoundaryCounts
from deeplab.evaluation.calibration import Calibration
from deeplab.evaluation.details import Details
from deeplab.evaluation.evaluator import Evaluation
from deeplab.evaluation.image_scores import ImageScore, ImageScores
from deeplab.report import page, scored_run
from deeplab.report.page import Report
from deeplab.report.scored_run import ScoredRun, Training
from deeplab.report.worst_images import Predicted
from training.command_log import LoggedCommand
from training.event_curves import Curve

VOID = 255
EVIL = "<img src=x onerror=alert(1)>\"'&"
VOID_TAGS = {"meta", "img", "br"}


class Reader(html.parser.HTMLParser):
    """Collects text and attributes, and makes sure that what is opened is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.attributes = [], [], []

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, *each) for each in attrs]
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, *each) for each in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def scored(names, seed=0, confusion=None, image_name="street") -> ScoredRun:
    random = np.random.RandomState(seed)
    num = len(names)
    if confusion is None:
        confusion = random.randint(1, 1000, (num, num))
    details = Details(BoundaryCounts(num, VOID), Calibration(), ImageScores(num, VOID))
    details.boundaries.union += 10
    details.boundaries.intersection += 1 + random.randint(9)
    details.calibration.pixels = random.randint(0, 100, 15)
    details.calibration.right = details.calibration.pixels // 2
    details.calibration.confidence = details.calibration.pixels * 0.7
    details.calibration.of_class = random.randint(0, 50, (num, 2, 100))
    labels = random.choice([*range(num), VOID], (12, 20)).astype(np.uint8)
    score = ImageScore(image_name, 200, (0.5,) * num, 0.25, 0.375)
    evaluation = Evaluation(
        "runs/a/model.ckpt-30", 30, "val", 2, confusion, metrics.compute_metrics(confusion), 1.0
    )
    curves = {
        scored_run.LOSS: Curve((10, 20, 30), (3.0, math.nan, 1.0)),
        scored_run.LEARNING_RATE: Curve((10, 20, 30), (0.1, 0.05, 0.01)),
        scored_run.SPEED: Curve(),
    }
    training = Training(
        "runs/a",
        curves,
        Curve((10, 20), (0.1, 0.2)),
        Curve((20,), (0.3,)),
        [LoggedCommand(f"train.py --train_logdir={EVIL}", "2026-01-02 03:04:05", {EVIL: EVIL})],
        "--base_learning_rate=0.1\n",
        {"model": {"output_stride": 16, "seed": seed}, "dataset_name": EVIL},
    )
    predicted = Predicted(0, score, labels, np.where(labels == VOID, 0, labels))
    return ScoredRun("runs/a/best", evaluation, details, [predicted], training, {"scales": (1.0,)})


def report(names, *runs) -> Report:
    split = SplitSpec(2, 1, (), (), 0, 12, 20)
    spec = DatasetSpec(
        name=EVIL,
        directory="data/tfrecords/x",
        class_names=tuple(names),
        palette=tuple((index, 0, 0) for index in range(len(names))),
        ignore_label=VOID,
        has_gradient=False,
        splits={"val": split},
    )
    return Report(
        spec=spec,
        split="val",
        runs=runs,
        photos={0: Image.new("RGB", (20, 12), (1, 2, 3))},
        files=["images.csv"],
        made_by=LoggedCommand("report.py", "2026-01-02 03:04:05", {"NumPy": "1.2.3"}),
    )


NAMES = ("sky", "road", "sea")


def test_a_page_shows_scores_charts_images_and_how_it_was_made():
    run = scored(NAMES)
    reader = read(page.render(report(NAMES, run)))
    text = re.sub(r"\s+", " ", " ".join(reader.text))
    for part in (
        f"{100 * run.evaluation.metrics.mean_iou:.2f}%",
        f"{100 * run.details.boundaries.mean_iou():.2f}%",
        f"{100 * run.details.calibration.expected_error():.2f}%",
        f"{run.evaluation.confusion[1].sum():,}",
        "street",
        "mean IoU 25.00%",
        "2026-01-02 03:04:05",
        "--base_learning_rate=0.1",
        "1.2.3",
        "output_stride",
        "images.csv",
    ):
        assert part in text
    labels = {
        value for tag, name, value in reader.attributes if (tag, name) == ("svg", "aria-label")
    }
    assert labels == {
        *("Loss by step", "Mean IoU by step", "Learning rate by step", "Confusion matrix"),
        "Accuracy by confidence",
        *(f"Scores of {name} by threshold" for name in NAMES),
    }
    alts = [value for tag, name, value in reader.attributes if (tag, name) == ("img", "alt")]
    assert alts == [f"{each} of street" for each in ("image", "label", "prediction", "errors")]
    assert "NaN" not in text
    assert " nan" not in text.lower()


def test_the_page_loads_nothing_and_runs_nothing():
    text = page.render(report(NAMES, scored(NAMES)))
    reader = read(text)
    for tag, name, value in reader.attributes:
        if name in ("src", "href", "xlink:href", "action"):
            assert value.startswith(("data:image/", "#")), (tag, value)
    assert "<script" not in text
    assert "url(" not in text
    assert "@import" not in text


def test_names_from_files_are_text():
    names = (EVIL, "b{{ 7 * 7 }}")
    run = scored(names, image_name=EVIL)
    text = page.render(report(names, run))
    reader = read(text)
    assert EVIL not in text
    assert not [each for each in reader.attributes if each[1] == "onerror"]
    images = [value for tag, name, value in reader.attributes if (tag, name) == ("img", "src")]
    assert len(images) == 4
    assert "b{{ 7 * 7 }}" in text
    joined = "".join(reader.text)
    for where in (f"train_logdir={EVIL}", f"{EVIL}, split val", f"{EVIL} in data"):
        assert where in joined


def test_of_two_classes_only_the_second_has_thresholds():
    text = page.render(report(("other", "cell"), scored(("other", "cell"))))
    assert "Scores of cell by threshold" in text
    assert "Scores of other by threshold" not in text
    assert "What calling a pixel cell from" in text


def test_two_runs_stand_beside_each_other_with_their_differences():
    one, other = scored(NAMES), scored(NAMES, seed=1)
    text = page.render(report(NAMES, one, other))
    reader = read(text)
    change = 100 * (one.evaluation.metrics.mean_iou - other.evaluation.metrics.mean_iou)
    assert f"{change:+.2f}" in text
    alts = [value for tag, name, value in reader.attributes if (tag, name) == ("img", "alt")]
    assert "prediction of B of street" in alts
    assert text.count('aria-label="Accuracy by confidence"') == 2
    differences = text.partition("<h2>Differences</h2>")[2].partition("</section>")[0]
    cells = re.findall(r'<td class="text">(.*?)</td>', differences)
    assert cells == ["model.seed", "0", "1"]
    same = page.render(report(NAMES, one, one))
    assert "The training runs have the same options.json." in same


def test_a_run_without_training_curves_and_a_split_without_labels_have_a_page():
    run = scored(NAMES, confusion=np.zeros((3, 3), int))
    empty = Training(
        "runs/a", dict.fromkeys(run.training.curves, Curve()), Curve(), Curve(), [], "", {}
    )
    run.details.calibration.of_class = np.zeros((3, 2, 100), int)
    run.details.calibration.pixels = np.zeros(15, int)
    run = dataclasses.replace(run, training=empty, images=[])
    text = page.render(report(NAMES, run))
    read(text)
    assert "not one pixel of split &#39;val&#39; carries a class" in text
    assert "No image is labeled." in text
    assert "No class is labeled." in text
    assert "No pixel is wrong." in text
    assert "Loss by step" not in text


@pytest.mark.parametrize("num_classes", [150])
def test_many_classes_have_a_table_of_thresholds_and_no_charts_of_them(num_classes):
    names = [f"class {index}" for index in range(num_classes)]
    text = page.render(report(names, scored(names)))
    read(text)
    assert "by threshold" not in text
    assert text.count('<td class="text">class 149</td>') >= 1
    assert len(text) < 6_000_000
