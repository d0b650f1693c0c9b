"""Reports of an evaluation: the table with its warnings, the JSON file, TensorBoard's tags."""

import glob
import json
import pathlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deeplab.evaluation import metrics, score_report
from deeplab.evaluation.evaluator import Evaluation


def evaluation_of(confusion):
    confusion = np.array(confusion, np.int64)
    return Evaluation(
        checkpoint="runs/x/model.ckpt-12",
        step=12,
        split="val",
        num_images=4,
        confusion=confusion,
        metrics=metrics.compute_metrics(confusion),
        seconds=1.25,
    )


NAMES = ("sky", "road", "sea")


def test_the_table_shows_every_class_and_says_what_was_left_out():
    table = score_report.format_table(evaluation_of([[3, 1, 0], [1, 5, 0], [0, 0, 0]]), NAMES)
    lines = table.splitlines()
    assert lines[1].split() == ["0", "sky", "60.00%", "75.00%", "40.00%"]
    assert lines[3].split() == ["2", "sea", "-", "-", "0.00%"]
    assert "mean IoU 65.71%" in lines[4]
    assert "pixel accuracy 80.00%" in lines[4]
    assert "4 images of 'val' at step 12" in lines[4]
    assert lines[5].endswith("absent from labels and predictions: sea")
    assert "WARNING" not in table


@pytest.mark.parametrize(
    ("confusion", "warning"),
    [
        ([[4, 0, 0], [3, 0, 0], [3, 0, 0]], "every pixel is predicted as 'sky'"),
        ([[6, 1, 3], [3, 0, 0], [3, 0, 0]], "calling every pixel 'sky' gives the mean IoU 20.83%"),
        ([[600, 0, 0], [298, 2, 0], [300, 0, 0]], "16.67%: the network is hardly better"),
        ([[0] * 3] * 3, "not one pixel of split 'val' carries a class: every label is the ignore"),
    ],
)
def test_the_table_warns_of_a_network_that_has_not_learned(confusion, warning):
    assert warning in score_report.format_table(evaluation_of(confusion), NAMES)


def test_the_json_holds_the_scores_and_null_where_there_is_none(tmp_path):
    result = evaluation_of([[3, 1, 0], [1, 5, 0], [0, 0, 0]])
    path = score_report.write_json(
        result,
        str(tmp_path / "new" / "eval"),
        dataset_name="tiny",
        class_names=NAMES,
        options={"eval_scales": [1.0]},
    )
    assert path == str(tmp_path / "new" / "eval" / "eval-12.json")
    assert [entry.name for entry in (tmp_path / "new" / "eval").iterdir()] == ["eval-12.json"]
    text = pathlib.Path(path).read_text()
    assert "[ 3, 1, 0 ]" in text
    content = json.loads(text)
    assert content["miou"] == pytest.approx((3 / 5 + 5 / 7) / 2)
    assert content["pixel_accuracy"] == 0.8
    assert content["classes"][1] == {"id": 1, "name": "road", "iou": 5 / 7, "accuracy": 5 / 6}
    assert content["classes"][2] == {"id": 2, "name": "sea", "iou": None, "accuracy": None}
    assert content["absent_classes"] == [2]
    assert content["confusion_matrix"] == [[3, 1, 0], [1, 5, 0], [0, 0, 0]]
    assert content["options"] == {"eval_scales": [1.0]}
    assert (content["step"], content["split"], content["dataset"]) == (12, "val", "tiny")
    assert content["checkpoint"] == "runs/x/model.ckpt-12"


def read_summaries(directory):
    (path,) = glob.glob(f"{directory}/events*")
    return {
        value.tag: (event.step, value.simple_value)
        for event in tf.train.summary_iterator(path)
        for value in event.summary.value
    }


def test_tensorboard_has_the_tags_of_research_deeplab(tmp_path):
    result = evaluation_of([[3, 1, 0], [1, 5, 0], [0, 0, 0]])
    score_report.write_summaries(result, str(tmp_path), scales=[1.0], add_flipped=False)
    values = read_summaries(tmp_path)
    assert values["eval/miou_1.0_overall"] == (12, pytest.approx((3 / 5 + 5 / 7) / 2))
    assert values["eval/miou_1.0_class_1"] == (12, pytest.approx(5 / 7))
    assert np.isnan(values["eval/miou_1.0_class_2"][1])
    assert values["eval/pixel_accuracy"] == (12, pytest.approx(0.8))


def test_scales_and_flip_are_part_of_the_tags(tmp_path):
    result = evaluation_of([[3, 1], [1, 5]])
    score_report.write_summaries(result, str(tmp_path), scales=[0.5, 1.0], add_flipped=True)
    assert "eval/miou_0.5_1.0_flipped_overall" in read_summaries(tmp_path)
