"""datasets.classification.checks: what is wrong is found, by file name, and nothing else."""

import os
import shutil

import pytest

from datasets.classification import check_report, checks
from datasets.classification.sources import class_folders
from tests.support import class_images, sample_images


def check(folder, **options):
    source = class_folders.open_source(str(folder), **options)
    return checks.check_source(source, show_progress=False)


def found(report, kind: str) -> list[tuple[str, str | None, str]]:
    return [
        (problem.severity, problem.path and os.path.basename(problem.path), problem.message)
        for problem in report.problems
        if problem.kind == kind
    ]


@pytest.fixture
def pets(tmp_path):
    class_images.save_pets(tmp_path / "pets" / "train")
    for shift, name in ((70, "cat"), (71, "dog")):
        class_images.save(tmp_path / "pets" / "val" / name, 2, shift)
    return tmp_path / "pets"


def test_sound_images_have_no_problems_and_a_table(pets):
    report = check(pets)
    assert report.problems == ()
    assert check_report.format_report(report) == (
        "id  class  train images      %  val images      %\n"
        " 0  cat              12  50.00           2  50.00\n"
        " 1  dog              12  50.00           2  50.00\n"
        "    all              24                  4\n\n"
        "0 errors, 0 warnings"
    )


def test_files_that_cannot_be_read_are_errors(pets):
    os.truncate(pets / "train/cat/3.jpg", 300)
    (pets / "train/dog/4.jpg").write_bytes(b"%PDF-1.4".ljust(80))
    report = check(pets)
    (truncated, pdf) = found(report, "unreadable")
    assert truncated[:2] == ("error", "3.jpg")
    assert truncated[2].startswith("truncated or damaged")
    assert pdf[1] == "4.jpg"
    assert "PDF" in pdf[2]
    assert report.statistics["train"].examples_per_class == (11, 11)
    assert report.split_errors == ()


def test_a_png_that_lacks_its_end_is_an_error(pets):
    path = sample_images.save(pets / "train/cat/x.png", sample_images.smooth_rgb())
    os.truncate(path, os.path.getsize(path) - 10)
    assert found(check(pets), "unreadable")[0][1] == "x.png"


def test_zeros_inside_a_jpeg_are_told(pets):
    path = pets / "train/cat/big.jpg"
    noise = sample_images.smooth_rgb(300, 400)
    sample_images.save(path, noise ^ (noise.T[0].T[..., None] * 7), quality=95)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 600] = bytes(600)
    path.write_bytes(data)
    (problem,) = found(check(pets), "damaged")
    assert problem[:2] == ("warning", "big.jpg")


def test_the_same_image_in_two_splits_or_twice_is_told(pets):
    shutil.copy(pets / "train/cat/0.jpg", pets / "val/cat/copy.jpg")
    shutil.copy(pets / "train/dog/1.jpg", pets / "train/dog/again.jpg")
    (twice, across) = sorted(found(check(pets), "repeated"), key=lambda each: each[1])
    assert twice[:2] == ("warning", "again.jpg")
    assert across[:2] == ("warning", "copy.jpg")
    assert f"{pets}/train/cat/0.jpg in split 'train'" in across[2]


def test_the_same_image_under_two_labels_is_an_error_of_both(pets):
    shutil.copy(pets / "train/cat/0.jpg", pets / "train/dog/copy.jpg")
    report = check(pets)
    problems = found(report, "label")
    both = [("error", "0.jpg"), ("error", "copy.jpg")]
    assert sorted(problem[:2] for problem in problems) == both
    (message,) = (problem[2] for problem in problems if problem[1] == "copy.jpg")
    assert f"{pets}/train/cat/0.jpg" in message
    assert "'dog' here, 'cat' there" in message
    # Neither is counted, and both can be skipped.
    assert report.statistics["train"].examples_per_class == (11, 12)
    assert {problem.name for problem in report.errors} == {
        "train/cat/0.jpg",
        "train/dog/copy.jpg",
    }


def test_of_an_image_under_two_labels_no_copy_is_used(pets):
    shutil.copy(pets / "train/cat/0.jpg", pets / "train/cat/again.jpg")
    shutil.copy(pets / "train/cat/0.jpg", pets / "train/dog/copy.jpg")
    shutil.copy(pets / "train/cat/0.jpg", pets / "val/cat/copy.jpg")
    report = check(pets)
    messages = {problem.name: problem.message for problem in report.errors}
    cats = {"train/cat/0.jpg", "train/cat/again.jpg", "val/cat/copy.jpg"}
    assert messages.keys() == {*cats, "train/dog/copy.jpg"}
    assert all(f"{pets}/train/dog/copy.jpg" in messages[name] for name in cats)
    assert report.statistics["train"].examples_per_class == (11, 12)
    assert report.statistics["val"].examples_per_class == (2, 2)
    assert not found(report, "repeated")


def test_classes_without_images_are_an_error_and_with_few_a_warning(pets):
    (pets / "train/emu").mkdir()
    class_images.save(pets / "train/yak", 9, shift=120)
    report = check(pets)
    train = [each for each in report.problems if each.kind == "classes" and each.split == "train"]
    assert [problem.severity for problem in train] == ["error", "warning"]
    assert "emu; they cannot be learned" in train[0].message
    assert "fewer than 10 images: yak (9)" in train[1].message
    (val,) = (each for each in report.problems if each.kind == "classes" and each.split == "val")
    assert (val.severity, "emu, yak" in val.message) == ("warning", True)
    assert report.split_errors == (train[0],)


def test_a_single_class_is_an_error(tmp_path):
    class_images.save(tmp_path / "pets/cat", 12)
    (problem,) = found(check(tmp_path / "pets"), "one class")
    assert problem[0] == "error"
    assert "a folder too high?" in problem[2]


def test_a_split_of_one_class_is_told(pets):
    shutil.rmtree(pets / "val/dog")
    (problem,) = found(check(pets), "one class")
    message = "all images are of one class, 'cat': a score there says little."
    assert problem == ("warning", None, message)


def test_conversions_are_told(pets):
    path = pets / "train/cat/gray.jpg"
    image = sample_images.smooth_rgb()
    sample_images.save(path, image[..., 0])
    sample_images.save(pets / "train/cat/t.jpg", image, exif=sample_images.exif(6))
    report = check(pets)
    assert [each[:2] for each in found(report, "converted")] == [("warning", "gray.jpg")]
    assert [each[:2] for each in found(report, "orientation")] == [("warning", "t.jpg")]


def test_of_many_classes_the_table_shows_the_extremes():
    counts = tuple(range(1000, 1200))
    split = checks.ClassificationSplit(sum(counts), 1, counts, 1, 1)
    names = tuple(f"c{index}" for index in range(200))
    text = check_report.format_report(check_report.Report((), names, {"train": split}))
    shown = [line.split()[1] for line in text.splitlines() if " c" in line and "class" not in line]
    assert shown == [f"c{index}" for index in (*range(10), *range(190, 200))]
    assert "180 more are not shown" in text
