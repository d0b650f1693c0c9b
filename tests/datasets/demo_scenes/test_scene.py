"""The demo's scenes: what they show, and how hard they are."""

import numpy as np
import pytest

from datasets.demo_scenes.classes import CLASS_NAMES, IGNORED
from datasets.demo_scenes.scene import draw_scene

NUM_CLASSES = len(CLASS_NAMES)


@pytest.fixture(scope="module")
def scenes():
    """Thirty-two scenes of one size: uint8 [32, 192, 256, 3] images and their masks."""
    drawn = [draw_scene(np.random.default_rng([7, index]), 192, 256) for index in range(32)]
    return np.stack([image for image, _ in drawn]), np.stack([mask for _, mask in drawn])


def test_every_class_is_in_most_scenes_and_few_pixels_are_ignored(scenes):
    _, masks = scenes
    for class_id, name in enumerate(CLASS_NAMES):
        pixels = (masks == class_id).sum(axis=(1, 2))
        assert (pixels > 50).mean() > 0.6, f"{name} is in too few scenes"
        assert pixels.sum() > 0.015 * masks.size, f"{name} covers too little"
    assert 0.01 < (masks == IGNORED).mean() < 0.1
    assert ((masks == IGNORED).any(axis=(1, 2))).all()


def test_color_alone_does_not_tell_the_class(scenes):
    images, masks = scenes
    bins = images.astype(np.int64) // 16
    codes = (bins[..., 0] * 16 + bins[..., 1]) * 16 + bins[..., 2]
    train, val = slice(0, 24), slice(24, 32)
    known = masks[train] != IGNORED
    counts = np.zeros((16**3, NUM_CLASSES))
    np.add.at(counts, (codes[train][known], masks[train][known]), 1)
    truth = masks[val][masks[val] != IGNORED]
    for weights in (np.ones(NUM_CLASSES), 1 / counts.sum(axis=0)):
        best = (counts * weights).argmax(axis=1)[codes[val]]
        predicted = best[masks[val] != IGNORED]
        hits = [np.sum((truth == k) & (predicted == k)) for k in range(NUM_CLASSES)]
        either = [np.sum((truth == k) | (predicted == k)) for k in range(NUM_CLASSES)]
        assert 0.05 < np.mean(np.divide(hits, either)) < 0.45


def test_scenes_fit_any_size():
    image, mask = draw_scene(np.random.default_rng(3), 97, 141)
    assert (image.shape, image.dtype) == ((97, 141, 3), np.uint8)
    assert (mask.shape, mask.dtype) == ((97, 141), np.uint8)
