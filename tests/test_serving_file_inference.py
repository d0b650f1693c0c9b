"""Picture files to result files, with a graph whose answer is known."""

import os

import numpy as np
import pytest
import toy_export
from PIL import Image

from serving import file_inference, results
from serving.deeplab_model import DeepLabModel


@pytest.fixture
def model(tmp_path):
    with DeepLabModel(str(toy_export.write(tmp_path / "export"))) as model:
        yield model


def save_pictures(folder, sizes) -> list[str]:
    folder.mkdir()
    paths = []
    for number, size in enumerate(sizes):
        paths.append(str(folder / f"{number}.png"))
        Image.fromarray(toy_export.picture(*size, seed=number)).save(paths[-1])
    return paths


def segment(model, paths, folder, **options):
    folder.mkdir(exist_ok=True)
    names = results.choose_names(paths)
    return list(
        file_inference.segment_files(
            model, paths, names, str(folder), results.ResultOptions(**options), batch_size=2
        )
    )


def test_every_picture_gets_its_own_mask_at_its_own_size(tmp_path, model):
    paths = save_pictures(tmp_path / "in", [(20, 30), (48, 64), (20, 30), (7, 64), (20, 31)])
    outcomes = segment(model, paths, tmp_path / "out")
    assert [outcome.path for outcome in outcomes] == paths
    for number, (path, outcome) in enumerate(zip(paths, outcomes, strict=True)):
        ids = np.asarray(Image.open(path)).argmax(axis=2)
        np.testing.assert_array_equal(Image.open(tmp_path / "out" / f"{number}_mask.png"), ids)
        np.testing.assert_allclose(
            outcome.shares, [np.mean(ids == class_id) for class_id in range(3)]
        )


def test_broken_pictures_do_not_stop_the_rest(tmp_path, model):
    paths = save_pictures(tmp_path / "in", [(20, 30)] * 5)
    for number in (0, 3):
        with open(paths[number], "wb") as file:
            file.write(b"broken")
    outcomes = segment(model, paths, tmp_path / "out")
    assert [outcome.error is not None for outcome in outcomes] == [True, False, False, True, False]
    assert paths[3] in str(outcomes[3].error)
    assert len(os.listdir(tmp_path / "out")) == 3 * 2


def test_a_picture_that_the_network_refuses_fails_alone(tmp_path, model, monkeypatch):
    predict_batch = model.predict_batch

    def refuse_wide_ones(images, with_probabilities):
        if any(image.width > 40 for image in images):
            raise ValueError("too wide")
        return predict_batch(images, with_probabilities)

    monkeypatch.setattr(model, "predict_batch", refuse_wide_ones)
    paths = save_pictures(tmp_path / "in", [(20, 30), (20, 50), (20, 30)])
    outcomes = segment(model, paths, tmp_path / "out")
    assert [str(outcome.error) for outcome in outcomes] == ["None", "too wide", "None"]


def test_a_full_disk_ends_the_run(tmp_path, model, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(results, "_write", fail)
    with pytest.raises(OSError, match="No space left"):
        segment(model, save_pictures(tmp_path / "in", [(20, 30)] * 3), tmp_path / "out")


def test_no_pictures_no_outcomes(tmp_path, model):
    assert segment(model, [], tmp_path / "out") == []
