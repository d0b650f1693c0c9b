"""Image files to result files, with a graph whose answer is known."""

import os
import threading

import numpy as np
import pytest
from PIL import ExifTags, Image

from serving import file_inference, image_reading, memory, results, tiling
from serving.deeplab_model import DeepLabModel
from tests.support import toy_export


class FakeBudget(memory.Budget):
    """A budget of known size, which keeps count of the images that are in memory."""

    def __init__(self, for_images: int, after_network: int | None = None):
        self.for_others = 1000
        self.limit = for_images + self.for_others
        self.for_images = for_images
        self._after_network = after_network or for_images

    def measure(self) -> None:
        self.for_images = self._after_network


pytestmark = [
    pytest.mark.filterwarnings("ignore::serving.deeplab_model.ImageShrunkWarning"),
    pytest.mark.filterwarnings("ignore::serving.deeplab_model.ImageTiledWarning"),
]


@pytest.fixture
def model(tmp_path):
    with DeepLabModel(str(toy_export.write(tmp_path / "export"))) as model:
        yield model


def save_images(folder, sizes) -> list[str]:
    folder.mkdir()
    paths = []
    for number, size in enumerate(sizes):
        paths.append(str(folder / f"{number}.png"))
        Image.fromarray(toy_export.image(*size, seed=number)).save(paths[-1])
    return paths


def segment(model, paths, folder, **options):
    folder.mkdir(exist_ok=True)
    names = results.choose_names(paths)
    return list(
        file_inference.segment_files(
            model,
            paths,
            names,
            str(folder),
            results.ResultOptions(**options),
            batch_size=2,
            budget=FakeBudget(1 << 40),
        )
    )


def test_every_image_gets_its_own_mask_at_its_own_size(tmp_path, model):
    paths = save_images(tmp_path / "in", [(20, 30), (48, 64), (20, 30), (7, 64), (20, 31)])
    outcomes = segment(model, paths, tmp_path / "out")
    assert [outcome.path for outcome in outcomes] == paths
    for number, (path, outcome) in enumerate(zip(paths, outcomes, strict=True)):
        ids = np.asarray(Image.open(path)).argmax(axis=2)
        np.testing.assert_array_equal(Image.open(tmp_path / "out" / f"{number}_mask.png"), ids)
        np.testing.assert_allclose(
            outcome.shares, [np.mean(ids == class_id) for class_id in range(3)]
        )


def test_broken_images_do_not_stop_the_rest(tmp_path, model):
    paths = save_images(tmp_path / "in", [(20, 30)] * 5)
    for number in (0, 3):
        with open(paths[number], "wb") as file:
            file.write(b"broken")
    outcomes = segment(model, paths, tmp_path / "out")
    assert [outcome.error is not None for outcome in outcomes] == [True, False, False, True, False]
    assert paths[3] in str(outcomes[3].error)
    assert len(os.listdir(tmp_path / "out")) == 3 * 2


def test_an_image_that_the_network_refuses_fails_alone(tmp_path, model, monkeypatch):
    predict_batch = model.predict_batch

    def refuse_wide_ones(images, *how, **tiles):
        if any(image.width > 40 for image in images):
            raise ValueError("too wide")
        return predict_batch(images, *how, **tiles)

    monkeypatch.setattr(model, "predict_batch", refuse_wide_ones)
    paths = save_images(tmp_path / "in", [(20, 30), (20, 50), (20, 30)])
    outcomes = segment(model, paths, tmp_path / "out")
    assert [str(outcome.error) for outcome in outcomes] == ["None", "too wide", "None"]


def test_a_full_disk_ends_the_run(tmp_path, model, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(results.files, "write", fail)
    with pytest.raises(OSError, match="No space left"):
        segment(model, save_images(tmp_path / "in", [(20, 30)] * 3), tmp_path / "out")


def test_a_name_that_the_file_system_refuses_fails_alone(tmp_path, model):
    paths = save_images(tmp_path / "in", [(20, 30)] * 3)
    (tmp_path / "out").mkdir()
    outcomes = list(
        file_inference.segment_files(
            model,
            paths,
            ["a", "x" * 300, "b"],
            str(tmp_path / "out"),
            results.ResultOptions(),
            batch_size=2,
            budget=FakeBudget(1 << 40),
        )
    )
    assert [outcome.error is not None for outcome in outcomes] == [False, True, False]
    assert "File name too long" in str(outcomes[1].error)
    assert sorted(os.listdir(tmp_path / "out")) == [
        f"{name}_{kind}" for name in "ab" for kind in ("mask.png", "overlay.jpg")
    ]


def test_turned_images_are_turned_once(tmp_path, model):
    stored = Image.fromarray(toy_export.image(30, 40))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    stored.save(tmp_path / "0.png", exif=exif)
    (outcome,) = segment(model, [str(tmp_path / "0.png")], tmp_path / "out")
    assert outcome.error is None
    upright = np.rot90(np.asarray(stored), -1)
    np.testing.assert_array_equal(
        Image.open(tmp_path / "out" / "0_mask.png"), upright.argmax(axis=2)
    )


def test_tiled_images_among_others_report_their_own_progress(tmp_path, model):
    sizes = [(20, 30), (150, 100), (60, 80), (100, 200)]
    paths = save_images(tmp_path / "in", sizes)
    (tmp_path / "out").mkdir()
    seen = []
    outcomes = list(
        file_inference.segment_files(
            model,
            paths,
            results.choose_names(paths),
            str(tmp_path / "out"),
            results.ResultOptions(),
            batch_size=4,
            budget=FakeBudget(1 << 40),
            tiles=tiling.TileOptions(overlap=0.3),
            max_pixels=19_999,
            progress=lambda *how: seen.append(how),
        )
    )
    assert [outcome.error is None for outcome in outcomes] == [True, True, True, False]
    assert str(outcomes[3].error) == (
        f"{paths[3]}: 100x200 (height x width) are 20000 pixels, more than --max_pixels=19999. "
        "Raise that if you trust the file."
    )
    assert [outcome.network_size for outcome in outcomes[:3]] == [(20, 30), (150, 100), (48, 64)]
    total = model.plan_tiles(150, 100, overlap=0.3).num_tiles
    assert {(path, size, last) for path, size, _, last in seen} == {(paths[1], sizes[1], total)}
    assert [seen[0][2], seen[-1][2]] == [0, total]
    ids = np.asarray(Image.open(paths[1])).argmax(axis=2)
    np.testing.assert_array_equal(Image.open(tmp_path / "out" / "1_mask.png"), ids)


@pytest.fixture
def in_memory(model, monkeypatch):
    """Counts the pixels of images between reading and the end of writing."""
    lock, count = threading.Lock(), {"now": 0, "most": 0, "batches": []}
    read, write, predict = image_reading.read_image, results.write_results, model.predict_batch

    def counted_read(path):
        image = read(path)
        with lock:
            count["now"] += image.width * image.height
            count["most"] = max(count["most"], count["now"])
        return image

    def counted_write(directory, name, image, *how):
        shares = write(directory, name, image, *how)
        with lock:
            count["now"] -= image.width * image.height
        return shares

    def counted_predict(images, *how, **tiles):
        count["batches"].append(len(images))
        return predict(images, *how, **tiles)

    monkeypatch.setattr(image_reading, "read_image", counted_read)
    monkeypatch.setattr(results, "write_results", counted_write)
    monkeypatch.setattr(model, "predict_batch", counted_predict)
    # A byte a pixel, and the smallest of numbers to follow.
    monkeypatch.setattr(memory, "image_bytes", lambda head, *_: head.height * head.width)
    return count


@pytest.mark.parametrize(
    ("sizes", "for_images", "batches"),
    [
        ([(10, 10)] * 8, 10_000, [4, 4]),  # Room for all: batches by number.
        ([(10, 10)] * 8, 600, [2, 2, 2, 2]),  # A third of the room is two images.
        ([(10, 10)] * 4, 150, [1, 1, 1, 1]),  # One by one, none read ahead.
        ([(10, 10), (30, 30), (10, 10), (10, 10)], 1000, [1, 1, 2]),
    ],
)
def test_images_in_memory_keep_to_the_budget(
    tmp_path, model, in_memory, sizes, for_images, batches
):
    paths = save_images(tmp_path / "in", sizes)
    (tmp_path / "out").mkdir()
    outcomes = file_inference.segment_files(
        model,
        paths,
        results.choose_names(paths),
        str(tmp_path / "out"),
        results.ResultOptions(),
        4,
        FakeBudget(for_images),
    )
    outcomes = list(outcomes)
    assert [outcome.path for outcome in outcomes] == paths
    assert not any(outcome.error for outcome in outcomes)
    assert in_memory["batches"] == batches
    assert in_memory["most"] <= for_images
    for number, path in enumerate(paths):
        ids = np.asarray(Image.open(path)).argmax(axis=2)
        np.testing.assert_array_equal(Image.open(tmp_path / "out" / f"{number}_mask.png"), ids)


def test_an_image_beyond_the_budget_is_refused_by_name(tmp_path, model, in_memory):
    """… also when that shows only after the network itself has been measured."""
    paths = save_images(tmp_path / "in", [(10, 10), (40, 60), (10, 10), (20, 60)])
    (tmp_path / "out").mkdir()
    outcomes = file_inference.segment_files(
        model,
        paths,
        results.choose_names(paths),
        str(tmp_path / "out"),
        results.ResultOptions(),
        4,
        FakeBudget(2000, after_network=1000),
    )
    errors = [str(outcome.error) for outcome in outcomes]
    assert [error == "None" for error in errors] == [True, False, True, False]
    assert "1.png: 40x60 pixels (height x width) take" in errors[1]
    assert "--memory_limit_mb" in errors[1]
    assert "3.png: 20x60 pixels" in errors[3]


def test_no_images_no_outcomes(tmp_path, model):
    assert segment(model, [], tmp_path / "out") == []
