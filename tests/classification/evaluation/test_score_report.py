"""Reports of an evaluation: the table, its warnings, and JSON."""

import json

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from classification.evaluation import metrics, score_report
from classification.evaluation.evaluator import Evaluation

NAMES = ("cat", "dog", "bird\x1b")


def _evaluation(confusion, **changes) -> Evaluation:
    confusion = np.array(confusion)
    counter = metrics.Counter(len(confusion))
    for label, predicted in np.ndindex(confusion.shape):
        count = confusion[label, predicted]
        if count:
            counter.add(np.full(count, label), np.eye(len(confusion))[np.full(count, predicted)])
    fields = {
        "checkpoint": "model.ckpt-5",
        "step": 5,
        "split": "val",
        "num_images": int(confusion.sum()),
        "confusion": counter.confusion,
        "metrics": counter.metrics(),
        "batch_statistics_accuracy": None,
        "compared_accuracy": None,
        "num_compared": 0,
        "seconds": 1.25,
    }
    return Evaluation(**{**fields, **changes})


def test_the_table_has_each_class_and_what_is_confused():
    table = score_report.format_table(_evaluation([[8, 2, 0], [0, 5, 0], [0, 0, 0]]), NAMES)
    lines = table.splitlines()
    assert lines[1].split() == ["0", "cat", "80.00%", "100.00%", "10"]
    assert lines[2].split() == ["1", "dog", "100.00%", "71.43%", "5"]
    assert lines[3].split() == ["2", r"bird\x1b", "-", "-", "0"]
    assert lines[4] == "confused most often: cat as dog (2)"
    assert lines[5].startswith("top-1 86.67%, top-5 100.00%, mean recall 90.00%, cross entropy")
    assert len(lines) == 6


@pytest.mark.parametrize(
    ("confusion", "changes", "warning"),
    [
        ([[4, 0], [3, 0]], {}, "every image is predicted as 'cat'"),
        ([[4, 0], [2, 1]], {}, None),
        ([[3, 3], [3, 2]], {}, "calling every image 'cat' is right for 54.55%"),
        (
            [[4, 0], [2, 1]],
            {"batch_statistics_accuracy": 0.9, "compared_accuracy": 0.5},
            "these do not suit the weights",
        ),
    ],
)
def test_a_network_that_has_not_learned_is_told(confusion, changes, warning):
    table = score_report.format_table(_evaluation(confusion, **changes), NAMES[:2])
    assert ("WARNING" in table) == (warning is not None)
    assert warning is None or warning in table


def test_of_many_classes_the_worst_are_shown():
    confusion = 10 * np.eye(60, dtype=int)
    confusion[7, 7], confusion[7, 8] = 1, 9
    names = [f"class {index}" for index in range(60)]
    table = score_report.format_table(_evaluation(confusion), names)
    assert "   7  class 7" in table
    assert "(the 40 classes of lowest recall, of 60)" in table


def test_json_and_events_hold_the_scores(tmp_path):
    evaluation = _evaluation([[8, 2, 0], [0, 5, 0], [0, 0, 0]])
    path = score_report.write_json(
        evaluation, str(tmp_path), dataset_name="pets", class_names=NAMES, options={"a": 1}
    )
    content = json.loads((tmp_path / "eval-5.json").read_text())
    assert path == str(tmp_path / "eval-5.json")
    assert content["accuracy"] == pytest.approx(13 / 15)
    assert content["classes"][2] == {
        "id": 2,
        "name": NAMES[2],
        "recall": None,
        "precision": None,
        "images": 0,
    }
    assert content["confusion_matrix"] == [[8, 2, 0], [0, 5, 0], [0, 0, 0]]
    score_report.write_summaries(evaluation, str(tmp_path), NAMES)
    (events,) = tmp_path.glob("events.*")
    tags = {
        value.tag: value.simple_value
        for event in tf.train.summary_iterator(str(events))
        for value in event.summary.value
    }
    assert tags["eval/accuracy"] == pytest.approx(13 / 15)
    assert "eval/recall/0_cat" in tags
