"""checks: every kind of mistake is found, by file name, and statistics are right."""

import dataclasses
import pathlib

import cv2
import numpy as np
import pytest
from PIL import Image

from datasets.records import problem_report
from datasets.segmentation import checks
from datasets.segmentation.check_report import format_report
from datasets.segmentation.masks import mask_values
from datasets.segmentation.sources import folder
from tests.support.sample_images import (
    exif,
    save,
    save_pair,
    save_palette_mask,
    smooth_rgb,
    write_json,
)

HEIGHT, WIDTH = 12, 20
PALETTE = [[0, 0, 0], [200, 0, 0], [0, 200, 0]]


def random_ids(seed: int, num_classes: int = 3) -> np.ndarray:
    ids = np.random.default_rng(seed).integers(0, num_classes, (HEIGHT, WIDTH), np.uint8)
    ids[0, :4] = 255
    ids[1, :3] = range(3)
    return ids


@pytest.fixture
def root(tmp_path) -> pathlib.Path:
    """A folder in which nothing is wrong: two images to train on, one to evaluate on."""
    write_json(tmp_path / "classes.json", {"names": ["ground", "cat", "dog"], "palette": PALETTE})
    for seed, (split, name) in enumerate((("train", "a"), ("train", "b"), ("val", "c"))):
        save_pair(tmp_path / split, name, random_ids(seed), shift=seed)
    return tmp_path


def check(root, values=None, **options):
    source = folder.open_source(str(root), mask_values=values)
    return checks.check_source(source, show_progress=False, **options)


def failed_names(report, split):
    return {problem.name for problem in report.errors if problem.split == split}


def only_problem(report):
    (problem,) = report.problems
    return problem


def assert_found(problem, severity, kind, file_name, *texts):
    assert (problem.severity, problem.kind) == (severity, kind)
    assert problem.path.endswith(file_name)
    for text in texts:
        assert text in problem.message
    assert problem.path not in problem.message


# --- statistics


def test_nothing_wrong(root):
    report = check(root)
    assert report.problems == ()
    for split, seeds in (("train", (0, 1)), ("val", (2,))):
        masks = [random_ids(seed) for seed in seeds]
        statistics = report.statistics[split]
        assert statistics.num_examples == len(seeds)
        assert statistics.pixels_per_class == tuple(
            sum(int((mask == c).sum()) for mask in masks) for c in range(3)
        )
        assert statistics.examples_per_class == (len(seeds),) * 3
        assert statistics.ignored_pixels == 4 * len(seeds)
        assert (statistics.max_height, statistics.max_width) == (HEIGHT, WIDTH)


def test_largest_sizes_come_from_different_images(root):
    save_pair(root / "train", "d", np.zeros((30, 4), np.uint8))
    statistics = check(root).statistics["train"]
    assert (statistics.max_height, statistics.max_width) == (30, WIDTH)


def test_result_does_not_depend_on_the_number_of_workers(root):
    (root / "train/masks/a.png").unlink()
    save_pair(root / "val", "d", random_ids(1), shift=1)
    assert check(root, num_workers=1) == check(root, num_workers=4)


# --- files


def test_missing_mask(root):
    (root / "train/masks/a.png").unlink()
    report = check(root)
    assert_found(only_problem(report), "error", "missing", "masks/a.png", "images/a.jpg", "no mask")
    assert failed_names(report, "train") == {"a"}
    assert failed_names(report, "val") == set()
    assert report.statistics["train"].num_examples == 1


def test_missing_image(root):
    (root / "train/images/a.jpg").unlink()
    assert_found(
        only_problem(check(root)), "error", "missing", "images/a.jpg", "masks/a.png", "no image"
    )


@pytest.mark.parametrize("file", ["images/a.jpg", "masks/a.png"])
def test_what_lies_where_a_file_should_is_named(root, file):
    path = root / "train" / file
    path.unlink()
    path.symlink_to("../gone.bin")
    assert_found(
        only_problem(check(root)), "error", "missing", file, "a link to ../gone.bin, which"
    )
    path.unlink()
    path.mkdir()
    assert_found(only_problem(check(root)), "error", "missing", file, "a folder, not a file")


def test_a_path_with_control_characters_is_said_once(root):
    for folder_name, ending in (("images", "jpg"), ("masks", "png")):
        path = root / "train" / folder_name
        (path / f"a.{ending}").rename(path / f"\x1b[31m.{ending}")
    (root / "train/images/\x1b[31m.jpg").write_bytes(b"")
    problem = only_problem(check(root))
    assert problem.message == "the file is empty. Copy it again, or remove it."


@pytest.mark.parametrize("file", ["images/a.jpg", "masks/a.png"])
@pytest.mark.parametrize("part", ["half", "all but the last byte", "nothing"])
def test_truncated_file(root, file, part):
    path = root / "train" / file
    data = path.read_bytes()
    keep = {"half": len(data) // 2, "all but the last byte": len(data) - 1, "nothing": 0}[part]
    path.write_bytes(data[:keep])
    report = check(root)
    word = "empty" if part == "nothing" else "truncated"
    assert_found(only_problem(report), "error", "unreadable", file, word)
    assert report.statistics["train"].num_examples == 1


def test_sixteen_bit_image(root):
    path = root / "train/images/a.jpg"
    path.unlink()
    cv2.imwrite(str(root / "train/images/a.png"), np.zeros((HEIGHT, WIDTH, 3), np.uint16))
    assert_found(only_problem(check(root)), "error", "unreadable", "a.png", "16-bit")


def test_doubled_stem_is_left_out(root):
    save(root / "train/images/a.png", smooth_rgb(HEIGHT, WIDTH, shift=9))
    report = check(root)
    assert_found(only_problem(report), "error", "stem", "a.jpg", "a.png")
    assert report.statistics["train"].num_examples == 1
    assert failed_names(report, "train") == {"a"}


# --- masks


def test_sizes_that_differ(root):
    save(root / "train/masks/a.png", np.zeros((HEIGHT * 2, WIDTH * 2), np.uint8))
    assert_found(only_problem(check(root)), "error", "size", "a.png", "40x24", "20x12", "Resize")


def test_ids_out_of_range_are_named(root):
    ids = random_ids(0)
    ids[2, 2:5] = (3, 77, 254)
    save(root / "train/masks/a.png", ids)
    report = check(root)
    assert_found(only_problem(report), "error", "ids", "a.png", "ids 3, 77, 254 have no class")
    assert report.statistics["train"].num_examples == 1


def as_binary(ids: np.ndarray) -> np.ndarray:
    return np.where(ids == 1, 255, 0).astype(np.uint8)


def test_all_masks_of_0_and_255_are_an_error(root):
    for path in root.glob("*/masks/*.png"):
        save(path, as_binary(random_ids(0)))
    report = check(root)
    binary = [problem for problem in report.errors if problem.kind == "binary"]
    assert [problem.path[-5:] for problem in binary] == ["a.png", "b.png", "c.png"]
    assert "--mask_values=0:0,255:1, or write 1 where it has 255" in binary[0].message
    assert report.statistics["train"].num_examples == 0
    assert "--label_weights" not in format_report(report)
    assert {problem.split for problem in report.split_errors} == {"train", "val"}


def test_all_masks_of_0_and_255_without_a_class_file(root):
    (root / "classes.json").unlink()
    for path in root.glob("*/masks/*.png"):
        save(path, as_binary(random_ids(0)))
    assert_found(only_problem(check(root)), "warning", "values", "", "only the values 0, 255")


def test_a_mask_of_0_and_255_among_others_of_three_classes_is_right(root):
    save(root / "train/masks/a.png", as_binary(random_ids(0)))
    report = check(root)
    assert report.problems == ()
    assert report.statistics["train"].num_examples == 2


def test_a_mask_of_0_and_255_among_others_of_two_classes_is_suspicious(root):
    write_json(root / "classes.json", {"names": ["ground", "cat"]})
    for path in root.glob("*/masks/*.png"):
        save(path, (random_ids(0) == 1).astype(np.uint8))
    save(root / "train/masks/a.png", as_binary(random_ids(0)))
    report = check(root)
    assert_found(only_problem(report), "warning", "binary", "a.png", "only 0 and 255")
    assert report.statistics["train"].num_examples == 2


def test_a_mask_of_0_and_255_with_another_ignore_label(root):
    write_json(root / "classes.json", {"names": ["ground", "cat"], "ignore_label": 9})
    for path in root.glob("*/masks/*.png"):
        save(path, (random_ids(0) == 1).astype(np.uint8))
    save(root / "train/masks/a.png", as_binary(random_ids(0)))
    assert_found(only_problem(check(root)), "error", "binary", "a.png", "write 1 where")


def test_rgb_mask_of_background_and_ignored_pixels_is_no_binary_slip(root):
    write_json(
        root / "classes.json",
        {"names": ["ground", "cat"], "palette": PALETTE[:2], "ignore_palette": ["#ffffff"]},
    )
    for path in root.glob("*/masks/*.png"):
        save(path, np.array(PALETTE, np.uint8)[(random_ids(0) == 1).astype(np.uint8)])
    save(root / "train/masks/a.png", np.dstack([as_binary(random_ids(0))] * 3))
    assert check(root).problems == ()


def test_values_of_the_flag_are_classes(root):
    for path in root.glob("*/masks/*.png"):
        save(path, np.choose(random_ids(0) % 3, [7, 120, 255]).astype(np.uint8))
    report = check(root, mask_values.parse("7:0,120:1,255:2"))
    assert report.problems == ()
    expected = np.bincount((random_ids(0) % 3).ravel()) * 2
    assert report.statistics["train"].pixels_per_class == tuple(expected.tolist())


def test_values_that_the_flag_does_not_name(root):
    report = check(root, mask_values.parse("0:0,1:1,255:255"))
    assert {problem.kind for problem in report.errors} == {"ids", "split"}
    assert "values 2 are not in mask_values, which names 0, 1, 255" in report.errors[0].message


def test_masks_saved_as_jpeg(root):
    save(root / "train/masks/a.png", as_binary(random_ids(0)), format="JPEG")
    assert_found(only_problem(check(root)), "error", "unreadable", "a.png", "a mask saved as JPEG")


def test_the_flag_is_suggested_ready_to_paste(root):
    for path in root.glob("*/masks/*.png"):
        save(path, np.choose(random_ids(0) % 3, [0, 100, 200]).astype(np.uint8))
    report = check(root)
    assert {problem.kind for problem in report.errors} == {"ids", "split"}
    assert report.mask_values_flag == "--mask_values=0:0,100:1,200:2"
    assert "\n  --mask_values=0:0,100:1,200:2\n" in format_report(report)


def test_the_flag_is_suggested_for_0_and_255(root):
    write_json(root / "classes.json", {"names": ["ground", "cat"]})
    for path in root.glob("*/masks/*.png"):
        save(path, as_binary(random_ids(0)))
    report = check(root)
    assert report.mask_values_flag == "--mask_values=0:0,255:1"
    assert check(root, mask_values.parse("0:0,255:1")).errors == ()


def test_smooth_masks_of_named_classes(root):
    for index, path in enumerate(root.glob("*/masks/*.png")):
        mask = np.zeros((90, 120), np.uint8)
        cv2.circle(mask, (40 + 10 * index, 45), 30, 2, -1)
        save(path, cv2.GaussianBlur(mask, (0, 0), 2))
        save(path.parent.parent / "images" / f"{path.stem}.jpg", smooth_rgb(90, 120, shift=index))
    (problem,) = [problem for problem in check(root).problems if problem.kind == "blended"]
    assert problem.severity == "warning"
    assert "ids 1 occur only in thin rims" in problem.message
    for path in root.glob("*/masks/*.png"):
        mask = cv2.circle(np.zeros((90, 120), np.uint8), (40, 45), 30, 255, -1)
        save(path, cv2.GaussianBlur(mask, (0, 0), 2))
    (problem,) = [problem for problem in check(root).problems if problem.kind == "blended"]
    assert problem.severity == "error"
    assert "resized smoothly" in problem.message


def test_palettes_that_differ(root):
    write_json(root / "classes.json", {"names": ["ground", "cat", "dog"]})
    for name, order in (("a", [0, 1, 2]), ("b", [0, 2, 1])):
        save_palette_mask(
            root / f"train/masks/{name}.png", random_ids(0) % 3, [PALETTE[i] for i in order]
        )
    report = check(root)
    problem = only_problem(report)
    assert_found(
        problem, "error", "palette", "b.png", "color (0, 200, 0) is index 1 here, but index 2",
        "train/masks/a.png",
    )  # fmt: skip
    assert report.split_errors == (problem,)  # Leaving out examples does not fix it.


def test_an_index_of_two_colors_is_a_warning(root):
    write_json(root / "classes.json", {"names": ["ground", "cat", "dog"]})
    for name, color in (("a", (9, 0, 0)), ("b", (0, 0, 9))):
        save_palette_mask(root / f"train/masks/{name}.png", random_ids(0) % 2, [(1, 2, 3), color])
    problem = next(problem for problem in check(root).problems if problem.kind == "palette")
    assert_found(problem, "warning", "palette", "b.png", "index 1 is painted (0, 0, 9)", "a.png")


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_split_of_one_class(root, split):
    for path in root.glob(f"{split}/masks/*.png"):
        save(path, np.full((HEIGHT, WIDTH), 1, np.uint8))
    (problem,) = [problem for problem in check(root).problems if problem.split == split]
    if split == "train":
        assert (problem.severity, problem.kind) == ("error", "one class")
        assert "every labeled pixel is of one class, 1 cat" in problem.message
    else:
        assert (problem.severity, problem.kind) == ("warning", "classes")


def test_one_class_may_be_due_to_the_examples_that_have_errors(root):
    save(root / "train/masks/a.png", np.full((HEIGHT, WIDTH), 1, np.uint8))
    (root / "train/masks/b.png").unlink()
    report = check(root)
    assert [problem.kind for problem in report.errors] == ["missing"]
    assert [problem.kind for problem in report.warnings] == ["one class"]


@pytest.mark.parametrize(("split", "severity"), [("train", "error"), ("val", "warning")])
def test_a_split_without_labels(root, split, severity):
    for path in root.glob(f"{split}/masks/*.png"):
        save(path, np.full((HEIGHT, WIDTH), 255, np.uint8))
    problem = next(problem for problem in check(root).problems if problem.name is None)
    assert (problem.severity, problem.kind) == (severity, "unlabelled")
    assert "nothing is labeled: every pixel of every mask is 255" in problem.message


def test_unlabelled_mask(root):
    save(root / "train/masks/a.png", np.full((HEIGHT, WIDTH), 255, np.uint8))
    assert_found(only_problem(check(root)), "warning", "unlabelled", "a.png", "every pixel")


def test_unknown_color(root):
    rgb = np.array(PALETTE, np.uint8)[random_ids(0) % 3]
    rgb[3, 3] = (1, 2, 3)
    save(root / "train/masks/a.png", rgb)
    assert_found(only_problem(check(root)), "error", "colors", "a.png", "(1, 2, 3)", "1 pixels")


def test_palette_in_another_order(root):
    save_palette_mask(root / "train/masks/a.png", random_ids(0), [PALETTE[i] for i in (0, 2, 1)])
    assert_found(
        only_problem(check(root)), "error", "palette", "a.png", "index 1 is painted (0, 200, 0)",
        "stands for id 2",
    )  # fmt: skip


def test_palette_of_other_colors(root):
    save_palette_mask(root / "train/masks/a.png", random_ids(0), [[0, 0, 0], [5, 5, 9], [7, 7, 1]])
    report = check(root)
    assert_found(
        only_problem(report), "warning", "palette", "a.png", "index 1 is painted (5, 5, 9)",
        "(cat) is (200, 0, 0)",
    )  # fmt: skip
    assert report.statistics["train"].num_examples == 2


@pytest.mark.parametrize("colors", [PALETTE, [[i] * 3 for i in range(256)]])
def test_palette_that_fits_or_is_gray(root, colors):
    save_palette_mask(root / "train/masks/a.png", random_ids(0), colors)
    assert check(root).problems == ()


# --- images


@pytest.mark.parametrize(
    ("mask_size", "outcome"),
    [((WIDTH, HEIGHT), "turned upright"), ((HEIGHT, WIDTH), "left as it is stored")],
)
def test_exif_orientation(root, mask_size, outcome):
    save(root / "train/images/a.jpg", smooth_rgb(HEIGHT, WIDTH), exif=exif(6))
    save(root / "train/masks/a.png", random_ids(0).reshape(mask_size))
    report = check(root)
    assert_found(only_problem(report), "warning", "orientation", "a.jpg", "orientation 6", outcome)
    assert report.statistics["train"].num_examples == 2


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK"])
def test_converted_images(root, mode):
    (root / "train/images/a.jpg").unlink()
    name = "a.tif" if mode == "CMYK" else "a.png"
    image = Image.fromarray(smooth_rgb(HEIGHT, WIDTH)).convert(mode)
    save(root / "train/images" / name, image)
    assert_found(only_problem(check(root)), "warning", "converted", name, f"mode {mode} ")


def test_a_jpeg_that_is_damaged_inside(root):
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT * 9, WIDTH * 9, 3), np.uint8)
    path = root / "train/images/a.jpg"
    save(path, noise)
    save(root / "train/masks/a.png", np.kron(random_ids(0), np.ones((9, 9), np.uint8)))
    data = path.read_bytes()
    assert check(root).problems == ()
    half = len(data) // 2
    path.write_bytes(data[:half] + data[half + 900 :])
    assert_found(only_problem(check(root)), "warning", "damaged", "a.jpg", "(Corrupt JPEG data: ")
    path.write_bytes(data[:half] + b"\x01" + bytes(512) + b"\x01" + data[half + 514 :])
    assert_found(
        only_problem(check(root)), "warning", "damaged", "a.jpg", "(512 bytes of zeros in its data)"
    )


def test_a_png_that_tensorflow_refuses(root):
    (root / "train/images/a.jpg").unlink()
    path = root / "train/images/a.png"
    save(path, smooth_rgb(HEIGHT, WIDTH))
    data = path.read_bytes()
    path.write_bytes(data[:33] + data[8:])  # Two headers, which Pillow takes.
    assert_found(only_problem(check(root)), "error", "unreadable", "a.png", "TensorFlow")


def test_same_image_twice_in_a_split(root):
    save_pair(root / "train", "d", random_ids(5), shift=0)
    assert_found(only_problem(check(root)), "warning", "repeated", "d.jpg", "images/a.jpg")


def test_same_image_in_two_splits(root):
    save_pair(root / "val", "d", random_ids(5), shift=0)
    problem = only_problem(check(root))
    assert_found(problem, "warning", "repeated", "d.jpg", "images/a.jpg in split 'train'")
    assert problem.split == "val"


@pytest.mark.parametrize("split", ["trainval", "train_aug"])
def test_splits_that_hold_others_may_repeat_images(root, split):
    save_pair(root / split, "a", random_ids(0), shift=0)
    assert check(root).problems == ()


def test_splits_to_train_on_may_share_images(root):
    for split in ("trainval", "train_aug"):
        save_pair(root / split, "d", random_ids(5), shift=7)
    assert check(root).problems == ()


def test_numbers_as_names_may_repeat_in_splits(root):
    save_pair(root / "val", "a", random_ids(5), shift=7)
    assert check(root).problems == ()


# --- classes


@pytest.mark.parametrize(("split", "word"), [("train", "learned"), ("val", "IoU")])
def test_class_that_never_occurs(root, split, word):
    for path in root.glob(f"{split}/masks/*.png"):
        save(path, np.where(random_ids(0) == 2, 0, random_ids(0)).astype(np.uint8))
    report = check(root)
    problem = only_problem(report)
    assert (problem.severity, problem.kind, problem.split) == ("warning", "classes", split)
    assert "never occur: 2 dog;" in problem.message
    assert word in problem.message
    assert report.split_errors == ()


def test_ignored_class_is_not_missed(root):
    write_json(root / "classes.json", {"names": ["other", "cat", "dog"], "ignore_label": 0})
    for path in root.glob("*/masks/*.png"):
        save(path, (random_ids(0) % 3).clip(1))
    assert check(root).problems == ()


# --- the text


def test_report_shows_files_numbers_and_the_flag(root):
    (root / "train/masks/a.png").unlink()
    report = check(root)
    text = format_report(report)
    assert "error: missing (1)" in text
    assert f"{root}/train/masks/a.png: there is no mask for" in text
    mask = random_ids(1)
    pixels = int((mask == 2).sum())
    share = 100 * pixels / int((mask != 255).sum())
    (row,) = [line.split() for line in text.splitlines() if line.split()[1:2] == ["dog"]]
    assert row[:5] == ["2", "dog", str(pixels), f"{share:.2f}", "1"]
    weights = ",".join(f"{weight:g}" for weight in report.label_weights)
    assert "--label_weights" not in text  # The errors come first.
    mended = format_report(dataclasses.replace(report, problems=()))
    assert f"  --label_weights={weights}\n" in mended
    assert text.endswith("1 error, 0 warnings")


def test_report_counts_what_it_does_not_write_out(root, monkeypatch):
    monkeypatch.setattr(problem_report, "_MAX_WRITTEN_OUT", 3)
    for name in "klmnopq":
        save(root / "train/images" / f"{name}.jpg", smooth_rgb(HEIGHT, WIDTH, shift=ord(name)))
    text = format_report(check(root))
    assert "error: missing (7)" in text
    assert text.count("there is no mask") == 3
    assert "… and 4 more" in text
