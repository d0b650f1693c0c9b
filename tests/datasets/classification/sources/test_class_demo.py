"""datasets.classification.sources.class_demo: drawn once, equal, and not told by color."""

import os

import cv2
import numpy as np
import pytest

from datasets.classification.sources import class_demo
from datasets.demo_scenes.portrait import KINDS, draw_portrait
from datasets.images import drawn_folder


def read_bytes(folder) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def draw(folder, **options):
    return class_demo.open_source(
        str(folder), **{"num_train": 2, "num_val": 1, "show_progress": False, **options}
    )


def test_the_same_images_are_drawn_and_what_is_missing_is_added(tmp_path):
    source = draw(tmp_path / "a")
    assert (source.name, source.class_names) == ("class_demo", KINDS)
    assert {split: len(samples) for split, samples in source.splits.items()} == {
        "train": 12,
        "val": 6,
    }
    assert source.problems == ()
    drawn = read_bytes(tmp_path / "a")
    images = [content for name, content in drawn.items() if name.endswith(".jpg")]
    assert len(set(images)) == 18
    draw(tmp_path / "b")
    assert read_bytes(tmp_path / "b") == drawn
    os.remove(tmp_path / "a" / "val/tree/tree_000.jpg")
    draw(tmp_path / "a")
    assert read_bytes(tmp_path / "a") == drawn
    with pytest.raises(ValueError, match="holds demo images that were drawn with"):
        draw(tmp_path / "a", seed=1)


def test_processes_draw_the_same_images(tmp_path, monkeypatch):
    draw(tmp_path / "threads")
    monkeypatch.setattr(drawn_folder, "_MANY", 0)
    draw(tmp_path / "processes")
    assert read_bytes(tmp_path / "processes") == read_bytes(tmp_path / "threads")


def test_other_folders_are_not_touched(tmp_path):
    (tmp_path / "mine.jpg").touch()
    with pytest.raises(ValueError, match="For images of your own, take source 'class_folders'"):
        draw(tmp_path)


def _features(seeds) -> tuple[np.ndarray, np.ndarray]:
    """Returns color histograms of drawn images, [images, bins], and their classes."""
    histograms, labels = [], []
    for label, kind in enumerate(KINDS):
        for seed in seeds:
            image = draw_portrait(np.random.default_rng((label, seed)), kind, 64, 64)
            counts = cv2.calcHist([image], [0, 1, 2], None, [6] * 3, [0, 256] * 3)
            histograms.append(np.sqrt(counts.reshape(-1) / image.shape[0] / image.shape[1]))
            labels.append(label)
    return np.array(histograms), np.array(labels)


@pytest.mark.slow
def test_colors_do_not_tell_the_classes():
    """A ridge classifier of color histograms; a sixth is chance."""
    train, train_labels = _features(range(100))
    val, val_labels = _features(range(100, 120))
    mean = train.mean(axis=0)
    train, targets = train - mean, np.eye(len(KINDS))[train_labels]
    for strength in (0.01, 0.1, 1.0):
        gram = train.T @ train + strength * np.eye(train.shape[1])
        weights = np.linalg.solve(gram, train.T @ (targets - targets.mean(axis=0)))
        accuracy = (((val - mean) @ weights).argmax(axis=1) == val_labels).mean()
        assert accuracy < 0.42, (strength, accuracy)
