"""Images and predictions of a split as files: their names and their values."""

import io
import os
import pathlib
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

import common.files
from datasets.records import tfrecords
from datasets.segmentation import record_format
from datasets.segmentation.sources import cityscapes
from deeplab.evaluation import prediction_files
from deeplab.evaluation.prediction_files import PredictionFiles
from tests.support import tiny_dataset

PALETTE = ((0, 0, 0), (10, 200, 30), (250, 0, 7))
IMAGE, MASK = tiny_dataset.random_image(0, 20, 30)
IDS = np.where(MASK == tiny_dataset.IGNORE_LABEL, 0, MASK)
KINDS = ("image", "prediction")


def encoded(extension: str, image: np.ndarray = IMAGE) -> prediction_files.EncodedImage:
    content = cv2.imencode(extension, image[..., ::-1])[1].tobytes()
    return prediction_files.EncodedImage(content, image.shape[:2])


def names_below(folder: pathlib.Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_files_are_named_after_the_image_and_hold_ids_and_colors(tmp_path):
    image = encoded(".jpg")
    PredictionFiles(str(tmp_path), PALETTE).write("street/berlin_7.jpg", image, IDS)
    results = tmp_path / "segmentation_results"
    assert names_below(tmp_path) == [
        "segmentation_results/berlin_7_image.jpg",
        "segmentation_results/berlin_7_prediction.png",
    ]
    assert (results / "berlin_7_image.jpg").read_bytes() == image.encoded
    prediction = Image.open(results / "berlin_7_prediction.png")
    np.testing.assert_array_equal(np.asarray(prediction), IDS)
    np.testing.assert_array_equal(np.asarray(prediction.convert("RGB")), np.array(PALETTE)[IDS])


def test_numbered_files_are_png_as_research_deeplab_names_them(tmp_path):
    files = PredictionFiles(str(tmp_path), PALETTE, np.arange(256, dtype=np.uint8), numbered=True)
    jpeg = encoded(".jpg")
    files.write("first.jpg", jpeg, IDS)
    files.write("second", encoded(".png"), IDS)
    assert names_below(tmp_path) == [
        "raw_segmentation_results/first.png",
        "raw_segmentation_results/second.png",
        *(f"segmentation_results/00000{n}_{kind}.png" for n in "01" for kind in KINDS),
    ]
    written = Image.open(tmp_path / "segmentation_results" / "000000_image.png")
    np.testing.assert_array_equal(
        np.asarray(written), np.asarray(Image.open(io.BytesIO(jpeg.encoded)))
    )


def test_images_of_one_name_do_not_replace_each_other(tmp_path):
    files = PredictionFiles(str(tmp_path), PALETTE)
    for number, name in enumerate(("a/x.png", "/b/X", "x.v2", "x", "")):
        files.write(name, encoded(".png"), np.full((20, 30), number % 3))
    predictions = [name for name in names_below(tmp_path) if "prediction" in name]
    assert [os.path.basename(name) for name in predictions] == [
        "000004_prediction.png",
        "X_2_prediction.png",
        "x.v2_prediction.png",
        "x_3_prediction.png",
        "x_prediction.png",
    ]


def test_names_with_folders_keep_them_and_stay_inside(tmp_path):
    files = PredictionFiles(str(tmp_path / "out"), PALETTE, np.arange(256, dtype=np.uint8))
    for name in ("town/w", "lake/w", "../../etc/x", "town/v.jfif", "é" * 127, "é" * 126):
        files.write(name, encoded(".png"), IDS)
    cut = "é" * 120
    names = ["town/w", "lake/w", "etc/x", "v", cut, "é" * 119 + "_2"]
    assert names_below(tmp_path) == sorted(
        f"out/{path}"
        for name in names
        for path in (
            f"segmentation_results/{name}_image.png",
            f"segmentation_results/{name}_prediction.png",
            f"raw_segmentation_results/{name}.png",
        )
    )


@pytest.mark.parametrize("numbered", [False, True])
def test_any_name_gives_files_of_its_own(tmp_path, numbered):
    """Control characters, names of 255 bytes, and those that are equal once they are cut."""
    names = ["\x1b[31mred\n", "a\x00b", "..", "ß" * 127 + "1", "ß" * 127 + "2", "x" * 255, "."]
    files = PredictionFiles(str(tmp_path), PALETTE, np.arange(256, dtype=np.uint8), numbered)
    for number, name in enumerate(names):
        files.write(name, encoded(".png"), np.full((20, 30), number % 3))
    written = names_below(tmp_path / "raw_segmentation_results")
    assert written == sorted(
        [
            *("_[31mred_.png", "a_b.png", "000002.png", "000006.png"),
            *("ß" * 120 + ".png", "ß" * 119 + "_2.png", "x" * 240 + ".png"),
        ]
    )
    predictions = [name for name in names_below(tmp_path) if "_prediction" in name]
    assert len(predictions) == len(names)
    ids = np.asarray(Image.open(tmp_path / "raw_segmentation_results" / ("ß" * 119 + "_2.png")))
    np.testing.assert_array_equal(ids, np.full((20, 30), 4 % 3))


def test_folders_that_vanish_are_made_again_and_leftovers_removed(tmp_path):
    files = PredictionFiles(str(tmp_path / "vis"), PALETTE)
    files.write("a", encoded(".png"), IDS)
    shutil.rmtree(tmp_path / "vis")
    files.write("b", encoded(".png"), IDS)
    results = tmp_path / "vis" / "segmentation_results"
    assert names_below(results) == ["b_image.png", "b_prediction.png"]
    (results / "town").mkdir()
    for name in ("c", "town/d"):
        with common.files.replacing(str(results / name)) as left:
            pathlib.Path(left).write_bytes(b"")
        pathlib.Path(left).write_bytes(b"of a process of this number that was killed")
    PredictionFiles(str(tmp_path / "vis"), PALETTE)
    assert names_below(results) == ["b_image.png", "b_prediction.png", "c", "town/d"]


def test_raw_files_carry_the_ids_of_cityscapes_server(tmp_path):
    table = prediction_files.server_ids(cityscapes.CLASS_NAMES)
    files = PredictionFiles(str(tmp_path), cityscapes.PALETTE, table)
    files.write("ulm_1", encoded(".png"), np.array([[0, 13], [18, 10]]))
    raw = Image.open(tmp_path / "raw_segmentation_results" / "ulm_1.png")
    assert raw.mode == "L"
    np.testing.assert_array_equal(np.asarray(raw), [[7, 26], [33, 23]])
    same = prediction_files.server_ids(("road", "sidewalk"))
    np.testing.assert_array_equal(same, np.arange(256))


def test_a_jpeg_in_a_record_comes_out_as_it_went_in(tmp_path):
    image = encoded(".jpg")
    example = record_format.encode_example("x", image.encoded, "jpeg", MASK)
    path = tfrecords.shard_path(str(tmp_path), "val", 0, 1)
    with tfrecords.write_shard(path) as writer:
        writer.write(example.SerializeToString())
    (record,) = tfrecords.read_records(path)
    assert prediction_files.read_image(record) == image
