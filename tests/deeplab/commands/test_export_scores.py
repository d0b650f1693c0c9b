"""How an export of segmentation is checked and scored."""

import json
import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image

from commands import export_forms
from commands.export_forms import Forms, ScoredSplit
from deeplab.commands import export_scores
from deeplab.evaluation import metrics
from serving.deeplab_model import DeepLabModel
from tests.serving.engines.test_engines import plain_writer, random_images, write_export
from tests.support import tiny_dataset
from tests.support.tiny_export import CROP

TASK = export_scores.exported_task(num_classes=3)


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> pathlib.Path:
    return pathlib.Path(write_export(tmp_path_factory.mktemp("export")))


@pytest.fixture
def path(tmp_path, exported) -> str:
    """An export of the test's own."""
    shutil.copytree(exported.parent, tmp_path, dirs_exist_ok=True)
    return str(tmp_path / exported.name)


def test_check_tells_a_wrong_export_from_a_right_one(tmp_path, path):
    """The reference is another network here, as if optimizing had gone wrong."""
    (tmp_path / "other").mkdir()
    other = write_export(tmp_path / "other", scales=(0.5,))
    image = str(tmp_path / "image.png")
    Image.fromarray(random_images(CROP)[0]).save(image)
    shares = []
    for reference in (path, other):
        export_forms.write(Forms(TASK, verify_images=[image]), path, plain_writer(reference))
        report = json.loads((tmp_path / "verification.json").read_text())["engines"]
        shares.append(
            [result["equal_pixels"] for result in report if result["engine"] == "tensorflow"]
        )
        largest = [result["max_probability_difference"] for result in report]
    assert shares[0] == [1.0]
    assert max(largest) > 1e-3
    assert list(report[0]) == [
        "engine",
        "precision",
        "num_images",
        "max_probability_difference",
        "equal_pixels",
    ]


def test_score_is_the_mean_iou_of_the_split(tmp_path, path, capsys):
    examples = [
        (f"{seed}", *tiny_dataset.random_image(seed, height, width))
        for seed, (height, width) in enumerate([CROP, (30, 41), CROP])
    ]
    directory = str(tmp_path)
    tiny_dataset.write(tmp_path, examples, split="val", num_shards=2)
    split = ScoredSplit(directory, "val", TASK.open_split(directory, "val"))
    export_forms.write(Forms(TASK, split=split), path, plain_writer(path))
    report = json.loads((tmp_path / "verification.json").read_text())["mean_iou"]
    with DeepLabModel(path, "tensorflow") as served:
        ids = [served.segment(image).ravel() for _, image, _ in examples]
    masks = [mask.ravel() for _, _, mask in examples]
    counts = metrics.confusion_matrix(np.concatenate(masks), np.concatenate(ids), 3, 255)
    expected = metrics.compute_metrics(counts).mean_iou
    np.testing.assert_allclose(report["tensorflow float32"], expected, rtol=1e-6)
    assert list(report) == ["dataset_dir", "split", "tensorflow float32"]
    assert capsys.readouterr().out.splitlines()[:2] == [
        f"mean IoU on val of {directory}:",
        f"  tensorflow float32: {expected:.4f} (+0.00 points)",
    ]


def test_a_split_that_a_network_cannot_be_scored_on_is_refused(tmp_path):
    tiny_dataset.write(tmp_path, [("0", *tiny_dataset.random_image(0, *CROP))], split="val")
    with pytest.raises(ValueError, match=r"has no split 'test' .* it has val"):
        TASK.open_split(str(tmp_path), "test")
    with pytest.raises(ValueError, match=r"has 3 classes, but the network 4; .*quantize_dataset_d"):
        export_scores.exported_task(num_classes=4).open_split(str(tmp_path), "val")
    (tmp_path / "val-00000-of-00001.tfrecord").unlink()
    with pytest.raises(ValueError, match=r"val-00000-of-00001\.tfrecord is missing"):
        TASK.open_split(str(tmp_path), "val")
