"""datasets.captioning.sources.caption_demo: drawn once, equal, with captions of what it shows."""

import json
import os
import subprocess
import sys

import pytest

from datasets.captioning import sources
from datasets.captioning.sources import caption_demo
from datasets.demo_scenes import captions
from datasets.images import drawn_folder


def read_bytes(folder) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def draw(folder, **options):
    return caption_demo.open_source(
        str(folder), **{"num_train": 5, "num_val": 3, "show_progress": False, **options}
    )


def test_the_same_images_and_captions_are_made_and_what_is_missing_is_added(tmp_path):
    source = draw(tmp_path / "a")
    assert source.name == "caption_demo"
    assert {split: len(samples) for split, samples in source.splits.items()} == {
        "train": 5,
        "val": 3,
    }
    assert source.problems == ()
    drawn = read_bytes(tmp_path / "a")
    images = [content for name, content in drawn.items() if name.endswith(".jpg")]
    assert len(set(images)) == 8
    draw(tmp_path / "b")
    assert read_bytes(tmp_path / "b") == drawn
    os.remove(tmp_path / "a" / "images/val/val_0002.jpg")
    os.remove(tmp_path / "a" / "captions_train.json")
    draw(tmp_path / "a")
    assert read_bytes(tmp_path / "a") == drawn
    with pytest.raises(ValueError, match="holds demo images that were drawn with"):
        draw(tmp_path / "a", seed=1)


def test_captions_say_what_the_facts_are(tmp_path):
    source = draw(tmp_path)
    for split, samples in source.splits.items():
        facts = caption_demo.read_facts(str(tmp_path), split)
        assert sorted(facts) == sorted(sample.image_id for sample in samples)
        for sample in samples:
            assert len(sample.captions) == 5
            assert {*sample.captions} <= {*captions.captions_of(facts[sample.image_id])}
    ids = [sample.image_id for samples in source.splits.values() for sample in samples]
    assert len(set(ids)) == 8


def test_processes_draw_the_same_images(tmp_path, monkeypatch):
    draw(tmp_path / "threads")
    monkeypatch.setattr(drawn_folder, "_MANY", 0)
    draw(tmp_path / "processes")
    assert read_bytes(tmp_path / "processes") == read_bytes(tmp_path / "threads")


def test_other_folders_are_not_touched(tmp_path):
    (tmp_path / "mine.jpg").touch()
    with pytest.raises(ValueError, match="For images of your own, take source 'coco_captions'"):
        draw(tmp_path)


def test_a_share_for_val_is_refused(tmp_path):
    with pytest.raises(ValueError, match="it works with coco_captions, flickr_captions"):
        sources.open_source("caption_demo", str(tmp_path / "new"), val_fraction=0.2)
    assert not (tmp_path / "new").exists()


def test_facts_that_are_damaged_are_named(tmp_path):
    draw(tmp_path)
    path = tmp_path / "captions_val.json"
    content = json.loads(path.read_text())
    content["images"][1]["facts"]["things"] = "boats"
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"captions_val.json: 'images\[1\].facts.things' is 'boat"):
        caption_demo.read_facts(str(tmp_path), "val")


def test_drawing_does_without_tensorflow():
    """Each process that draws imports the module, and TensorFlow takes seconds to start."""
    code = f"import sys, {caption_demo.__name__}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
