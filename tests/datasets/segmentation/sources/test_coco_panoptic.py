"""sources.coco_panoptic: PNG files of segments, and what they are."""

import numpy as np
import pytest
from PIL import Image

from datasets.segmentation import sources
from datasets.segmentation.sources import coco_panoptic
from tests.support.sample_images import save, smooth_rgb, write_json

SIZE = (10, 12)
CATEGORIES = [{"id": 9, "name": "sky", "isthing": 0}, {"id": 4, "name": "dog", "isthing": 1}]


def write(root, segments, ids: np.ndarray, name="train2017") -> None:
    colors = np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=-1).astype(np.uint8)
    folder = root / "annotations" / f"panoptic_{name}"
    folder.mkdir(parents=True)
    Image.fromarray(colors).save(folder / "a.png")
    save(root / name / "a.jpg", smooth_rgb(*SIZE))
    annotation = {"image_id": 1, "file_name": "a.png", "segments_info": segments}
    content = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "annotations": [annotation],
        "categories": CATEGORIES,
    }
    write_json(root / "annotations" / f"panoptic_{name}.json", content)


def segment(number: int, category: int):
    return {"id": number, "category_id": category}


def ids() -> np.ndarray:
    """Two dogs, sky, and a column of no segment."""
    made = np.full(SIZE, 70000)
    made[5:, :4], made[5:, 4:8] = 300, 5
    made[:, -1] = 0
    return made


def test_segments_become_classes_and_the_rest_is_ignored(tmp_path):
    write(tmp_path, [segment(300, 4), segment(5, 4), segment(70000, 9)], ids())
    assert sources.find_source(str(tmp_path)) == "coco_panoptic"
    source = sources.open_source("coco_panoptic", str(tmp_path), val_fraction=0)
    assert source.class_names == ("dog", "sky")
    expected = np.ones(SIZE, np.uint8)
    expected[5:, :8] = 0
    expected[:, -1] = 255
    np.testing.assert_array_equal(source.read_mask(source.splits["train"][0]), expected)


def test_files_that_do_not_fit_are_named(tmp_path):
    write(tmp_path, [segment(300, 4), segment(5, 7)], ids())
    with pytest.raises(ValueError, match=r"annotation 1 has segments_info .* none of 4, 9"):
        coco_panoptic.open_source(str(tmp_path))
    write(tmp_path / "other", [segment(300, 4)], ids()[:8])
    source = coco_panoptic.open_source(str(tmp_path / "other"), val_fraction=0)
    with pytest.raises(ValueError, match=r"a\.png is 12x8, and its image 12x10"):
        source.read_mask(source.splits["train"][0])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="expected COCO's panoptic JSON with its PNG files"):
        coco_panoptic.open_source(str(tmp_path / "empty"))
