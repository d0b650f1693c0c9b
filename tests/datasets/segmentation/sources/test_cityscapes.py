"""sources.cityscapes: the kinds of masks it chooses from; test_published.py has the rest."""

import numpy as np
import pytest
from PIL import Image

from datasets.segmentation.sources import cityscapes
from tests.support.sample_images import save, smooth_rgb


def mask_of(source) -> np.ndarray:
    return source.read_mask(source.splits["train"][0])


def save_instance_ids(root, split: str, name: str, ids) -> None:
    city = name.split("_")[0]
    save(root / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png", smooth_rgb(*ids.shape))
    path = root / "gtFine" / split / city / f"{name}_gtFine_instanceIds.png"
    save(path, Image.fromarray(ids))


def test_cityscapes_with_instance_ids_only(tmp_path):
    save_instance_ids(
        tmp_path, "train", "aachen_0_1", np.array([[0, 7, 23, 26001, 33999]], np.uint16)
    )
    source = cityscapes.open_source(str(tmp_path))
    np.testing.assert_array_equal(mask_of(source), [[255, 0, 10, 13, 18]])
    save_instance_ids(tmp_path, "train", "aachen_0_1", np.array([[34, 7]], np.uint16))
    with pytest.raises(ValueError, match="values 34 are not in Cityscapes' label ids"):
        mask_of(source)


def test_label_ids_are_preferred_to_as_many_instance_ids(tmp_path):
    save_instance_ids(tmp_path, "train", "aachen_0_1", np.array([[0, 7]], np.uint16))
    save(tmp_path / "gtFine/train/aachen/aachen_0_1_gtFine_labelIds.png", np.zeros((1, 2), "u1"))
    source = cityscapes.open_source(str(tmp_path))
    assert source.splits["train"][0].mask_path.endswith("labelIds.png")


def test_cityscapes_itself(samples):
    source = cityscapes.open_source(str(samples / "cityscapes" / "ids"))
    assert [each.name for each in source.splits["train"]] == ["defaultcity_000002_000045"]
    assert [each.name for each in source.splits["val"]] == ["defaultcity_000001_000019"]
