"""What an export is written as besides, its check and its score."""

import json

import numpy as np
import pytest
from PIL import Image

from deeplab.commands import export_variants
from deeplab.commands.export_model_flags import ExportOptions
from deeplab.evaluation import metrics
from serving.deeplab_model import DeepLabModel
from tests.serving.engines.test_engines import plain_writer, random_images, write_export
from tests.support import tiny_dataset
from tests.support.tiny_export import CROP


def test_check_tells_a_wrong_export_from_a_right_one(tmp_path):
    """The reference is another network here, as if optimizing had gone wrong."""
    (tmp_path / "other").mkdir()
    path = write_export(tmp_path)
    other = write_export(tmp_path / "other", scales=(0.5,))
    image = str(tmp_path / "image.png")
    Image.fromarray(random_images(CROP)[0]).save(image)
    shares = []
    for reference in (path, other):
        forms = export_variants.Forms(False, False, [], [image], None)
        export_variants.write(forms, path, plain_writer(reference))
        report = json.loads((tmp_path / "verification.json").read_text())["engines"]
        shares.append(
            [result["equal_pixels"] for result in report if result["engine"] == "tensorflow"]
        )
        largest = [result["max_probability_difference"] for result in report]
    assert shares[0] == [1.0]
    assert max(largest) > 1e-3


def test_score_is_the_mean_iou_of_the_split(tmp_path):
    examples = [
        (f"{seed}", *tiny_dataset.random_image(seed, height, width))
        for seed, (height, width) in enumerate([CROP, (30, 41), CROP])
    ]
    tiny_dataset.write(tmp_path, examples, split="val", num_shards=2)
    path = write_export(tmp_path)
    export_variants.write(
        export_variants.Forms(False, False, [], [], (str(tmp_path), "val")), path, None
    )
    report = json.loads((tmp_path / "verification.json").read_text())["mean_iou"]
    with DeepLabModel(path, "tensorflow") as served:
        ids = [served.segment(image).ravel() for _, image, _ in examples]
    masks = [mask.ravel() for _, _, mask in examples]
    counts = metrics.confusion_matrix(np.concatenate(masks), np.concatenate(ids), 3, 255)
    expected = metrics.compute_metrics(counts).mean_iou
    np.testing.assert_allclose(report["tensorflow float32"], expected, rtol=1e-6)
    with pytest.raises(ValueError, match=r"has no split 'test' .* it has val"):
        export_variants.write(
            export_variants.Forms(False, False, [], [], (str(tmp_path), "test")), path, None
        )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"formats": ["onnx"]}, "--formats has 'onnx'; expected pb or tflite"),
        ({"quantize": ["int8"]}, "needs images to fit the 8-bit range to"),
        ({"verify_images": "nowhere"}, "--verify_images: nowhere: no such file"),
        (
            {"quantize": ["int8"], "calibration_images": "."},
            r"--calibration_images: folder \. holds no images",
        ),
    ],
)
def test_forms_that_cannot_be_made_are_said_before(given, message):
    with pytest.raises(ValueError, match=message):
        export_variants.Forms.from_options(ExportOptions(**given), "shapes")
