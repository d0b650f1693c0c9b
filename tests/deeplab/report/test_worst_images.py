"""The worst images: which are kept, and their pictures."""

import base64
import io
import math

import numpy as np
import pytest
from PIL import Image

from deeplab.evaluation.evaluator import PredictedBatch
from deeplab.evaluation.image_scores import ImageScore, ImageScores
from deeplab.report import worst_images
from deeplab.report.worst_images import Predicted, WorstImages
from tests.support import tiny_dataset

VOID = 255


def batches(accuracies):
    """Yields batches of an image of ten pixels each, so many of them right; None for all void."""
    for index, accuracy in enumerate(accuracies):
        labels = np.full((1, 3, 12, 1), VOID, np.int32)
        labels[0, :1, :10] = VOID if accuracy is None else 1
        class_ids = np.zeros((1, 3, 12), np.int32)
        class_ids[0, 0, : accuracy or 0] = 1
        name = np.array([f"image{index}".encode()])
        yield PredictedBatch(name, np.array([1]), np.array([10]), labels, class_ids)


def keep(accuracies, limit, chosen=None):
    scores = ImageScores(2, VOID)
    worst = WorstImages(scores, limit, chosen)
    for batch in batches(accuracies):
        scores.add(batch)
        worst.add(batch)
    return worst.found()


def test_the_worst_come_first_and_those_without_labels_are_none():
    found = keep([9, None, 3, 10, 5], 3)
    assert [each.score.name for each in found] == ["image2", "image4", "image0"]
    assert [each.index for each in found] == [2, 4, 0]
    assert found[0].labels.shape == (1, 10)
    assert keep([None], 3) == []
    assert keep([4], 0) == []


def test_chosen_images_are_kept_whatever_they_score():
    assert [each.index for each in keep([9, 2, 3, 10], 2, chosen=[3, 0])] == [0, 3]


def test_images_are_read_by_the_index_of_their_record(tmp_path):
    images = [(f"{n}", *tiny_dataset.random_image(n, 8 + n, 9)) for n in range(5)]
    spec = tiny_dataset.write(tmp_path, images, split="val", num_shards=2)
    order = [0, 2, 4, 1, 3]  # of the records in two shards
    found = worst_images.read_images(spec, "val", [1, 3])
    assert found.keys() == {1, 3}
    for index, image in found.items():
        np.testing.assert_array_equal(np.asarray(image), images[order[index]][1])
    assert worst_images.read_images(spec, "val", []) == {}


def decoded(uri: str) -> Image.Image:
    head, data = uri.split(",")
    assert head in ("data:image/png;base64", "data:image/jpeg;base64")
    return Image.open(io.BytesIO(base64.b64decode(data)))


def predicted(labels, class_ids) -> Predicted:
    score = ImageScore("x", 1, (), math.nan, math.nan)
    return Predicted(0, score, np.array(labels, np.uint8), np.array(class_ids, np.uint8))


def test_pictures_are_small_and_show_ids_and_errors():
    mask = np.zeros((480, 960), np.uint8)
    mask[:, 480:] = 1
    image = decoded(worst_images.mask_uri(mask, ((1, 2, 3), (200, 0, 0))))
    assert image.size == (320, 160)
    colors = np.asarray(image.convert("RGB"))
    assert colors[0, 0].tolist() == [1, 2, 3]
    assert colors[0, 319].tolist() == [200, 0, 0]
    photo = decoded(worst_images.photo_uri(Image.new("RGB", (100, 50)), (480, 960)))
    assert photo.size == (320, 160)
    errors = decoded(worst_images.errors_uri(predicted([[0, 1, VOID]], [[0, 0, 0]]), VOID))
    right, wrong, ignored = np.asarray(errors.convert("RGB"))[0].tolist()
    assert wrong == [220, 38, 38]
    assert ignored == [255, 255, 255]
    assert right not in (wrong, ignored)


def test_the_legend_has_the_classes_that_occur():
    palette = ((0, 0, 0), (255, 128, 0), (9, 9, 9))
    found = worst_images.colors_of([predicted([[1, VOID]], [[0, 1]])], ["a", "b", "c"], palette)
    assert list(found) == [{"name": "a", "color": "#000000"}, {"name": "b", "color": "#ff8000"}]
    assert list(worst_images.colors_of([], ["a"], palette)) == []


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1)])
def test_long_images_keep_a_pixel(size):
    assert 1 in decoded(worst_images.mask_uri(np.zeros(size, np.uint8), ((0, 0, 0),))).size
