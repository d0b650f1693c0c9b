"""What is wrong with a captioning dataset is found, by file name, and nothing else."""

import re
import shutil

import pytest

from datasets.captioning import check_report, checks, tokens, vocabulary
from datasets.captioning.sources import open_source
from tests.support.captioned_images import save_image, write_json


@pytest.fixture
def mine(tmp_path):
    for split, names in (("train", "abcd"), ("val", "ef")):
        write_json(tmp_path / f"captions_{split}.json", [f"{name}.jpg" for name in names])
    for seed, name in enumerate("abcdef"):
        save_image(tmp_path / f"images/{name}.jpg", seed)
    return tmp_path


def check(folder) -> check_report.Report:
    source = open_source("coco_captions", str(folder))
    counts = vocabulary.count_words(source.captions(), tokens.IM2TXT)
    known = vocabulary.choose(counts, tokens.IM2TXT, min_count=1)
    return checks.check_source(source, known, show_progress=False)


def found(report: check_report.Report, kind: str) -> list[tuple[str, str | None, str | None]]:
    return [(each.severity, each.split, each.name) for each in report.problems if each.kind == kind]


def test_sound_captions_have_a_table_and_unknown_words_are_told(mine):
    report = check(mine)
    assert found(report, "unknown words") == [("warning", "val", None)]
    assert len(report.problems) == 1
    text = check_report.format_report(report)
    assert re.search(r"train +4 +8 +32 +4 +0\.00", text)
    assert text.endswith("vocabulary: 11 words\n\n0 errors, 1 warning")


def test_images_that_cannot_be_read_or_are_not_there_are_errors(mine):
    (mine / "images/a.jpg").write_bytes(b"%PDF-1.4".ljust(80))
    (mine / "images/e.jpg").unlink()
    report = check(mine)
    assert found(report, "unreadable") == [("error", "train", "a.jpg")]
    assert found(report, "missing") == [("error", "val", "e.jpg")]
    assert report.statistics["train"].num_examples == 3
    assert report.split_errors == ()


def test_an_image_in_two_splits_is_found_by_its_name_and_by_its_bytes(mine):
    shutil.copy(mine / "images/a.jpg", mine / "images/f.jpg")
    write_json(mine / "captions_val.json", ["b.jpg", "f.jpg"])
    report = check(mine)
    assert sorted(found(report, "split leak")) == [
        ("error", "train", "b.jpg"),
        ("error", "val", "b.jpg"),
    ]
    assert ("warning", "val", "f.jpg") in found(report, "repeated")


def test_captions_that_are_hardly_any_are_told(mine):
    annotations = [
        {"image_id": 0, "caption": "..."},
        {"image_id": 1, "caption": "very " * 101},
        {"image_id": 2, "caption": "A dog."},
        {"image_id": 3, "caption": "A dog."},
    ]
    names = [f"{name}.jpg" for name in "abcd"]
    write_json(mine / "captions_train.json", names, annotations=annotations)
    report = check(mine)
    assert found(report, "long caption") == [("warning", "train", "b.jpg")]
    assert found(report, "no words") == []  # Three periods are a word of im2txt's.


def test_a_split_without_a_usable_image_is_an_error(mine):
    for name in "ef":
        (mine / f"images/{name}.jpg").write_bytes(b"")
    assert found(check(mine), "split") == [("error", "val", None)]
