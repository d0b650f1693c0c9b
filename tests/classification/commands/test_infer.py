"""A trained classifier as one file, and what `infer.py` tells with it."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from classification.commands import infer
from serving.image_classifier import ImageClassifier
from tests.support import command_calls, command_runs, tiny_classifier


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a training run, its export, and three images of different sizes."""
    folder = tmp_path_factory.mktemp("checkout")
    tiny_classifier.save(folder / "runs" / "animals")
    result = command_runs.run("export_model.py", cwd=folder)
    assert result.returncode == 0, result.stderr
    assert "3 classes, images of any size seen at 32 pixels" in result.stdout
    (folder / "photos").mkdir()
    for index, size in enumerate([(40, 50), (33, 33), (70, 40)]):
        image = Image.fromarray(tiny_classifier.random_image(index, *size))
        image.save(folder / "photos" / f"{index}.png")
    return folder


def _infer(folder, *arguments: str):
    return command_runs.run("infer.py", *arguments, cwd=folder)


def _expected(folder) -> list:
    paths = sorted(str(path) for path in (folder / "photos").glob("[0-9].png"))
    with ImageClassifier(str(folder / "runs" / "animals"), "tensorflow") as model:
        assert model.class_names == tiny_classifier.CLASS_NAMES
        return model.run(paths)


def test_each_image_has_its_own_row_of_classes(folder):
    result = _infer(folder, "photos", "--output=out.csv", "--engine=tensorflow")
    assert result.returncode == 0, result.stderr
    expected = _expected(folder)
    lines = result.stdout.splitlines()
    assert lines[0].startswith(f"photos/0.png: {expected[0].class_name} ")
    assert lines[-1] == "out.csv"
    with open(folder / "out.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [f"photos/{index}.png" for index in range(3)]
    assert [row["class_1"] for row in rows] == [each.class_name for each in expected]
    np.testing.assert_allclose(
        [float(row["probability_1"]) for row in rows],
        [each.probability for each in expected],
        atol=1e-5,
    )
    assert list(rows[0]) == [
        "file",
        *(f"{what}_{rank}" for rank in (1, 2, 3) for what in ("class", "probability")),
        "error",
    ]


def test_a_broken_image_is_told_and_the_rest_goes_on(folder):
    (folder / "photos" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0no image")
    result = _infer(folder, "photos", "--output=out.json", "--top=1", "--batch_size=2")
    (folder / "photos" / "broken.jpg").unlink()
    assert result.returncode == 1
    assert result.stderr.startswith("error: photos/broken.jpg: ")
    told = json.loads((folder / "out.json").read_text())
    assert [each["file"] for each in told if "error" in each] == ["photos/broken.jpg"]
    good = [each["classes"] for each in told if "classes" in each]
    assert [len(classes) for classes in good] == [1, 1, 1]
    assert [classes[0]["class_name"] for classes in good] == [
        each.class_name for each in _expected(folder)
    ]


def test_wrong_input_is_one_line(folder):
    cases = (
        (["photos", "--output=out.txt"], "expected the name of a .csv or .json file"),
        (["photos", "--output=photos/0.png/x.csv"], "choose another --output"),
        (["none.jpg"], "none.jpg: no such file or folder"),
        (["camera:0"], "camera:0: only files are read here, neither addresses nor cameras"),
        (["photos", "--top=0"], "top"),
        ([], "which images?"),
    )
    inputs = [["--task=classification", *arguments] for arguments, _ in cases]
    results = command_runs.run_series("infer", inputs, cwd=folder)
    for (_, message), result in zip(cases, results, strict=True):
        assert result.returncode in (1, 2)
        assert message in result.stderr.splitlines()[0]


def test_an_image_larger_than_memory_allows_is_refused_by_name(folder):
    Image.new("RGB", (2000, 2000)).save(folder / "large.png")
    result = _infer(folder, "large.png", "photos/0.png", "--memory_limit_mb=20")
    assert result.returncode == 1
    assert "error: large.png" in result.stderr
    assert "photos/0.png: " in result.stdout


def test_the_best_checkpoint_may_be_seen_at_another_size(folder):
    result = command_runs.run(
        "export_model.py",
        "--checkpoint_path=runs/animals",
        "--eval_image_size=48",
        "--export_path=large/x.pb",
        cwd=folder,
    )
    assert result.returncode == 0, result.stderr
    with ImageClassifier(str(folder / "large" / "x.pb"), "tensorflow") as model:
        assert model.image_size == (48, 48)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError("no more memory")])
@pytest.mark.parametrize("ending", ["csv", "json"])
def test_what_was_classified_is_kept_when_the_rest_fails(
    folder, monkeypatch, capsys, error, ending
):
    calls = []
    run = ImageClassifier.run

    def failing(self, *arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise error
        return run(self, *arguments)

    expected = _expected(folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(ImageClassifier, "run", failing)
    words = [f"--output=part.{ending}", "--batch_size=1", "--engine=tensorflow"]
    flags = command_calls.flags("infer", *words, task="classification")
    with pytest.raises((KeyboardInterrupt, ValueError)):
        infer.main(flags, ["photos"])
    told = f"part.{ending}: 2 of 3 images, those before the end came\n"
    assert capsys.readouterr().err.endswith(told)
    with open(f"part.{ending}", encoding="utf-8") as file:
        rows = list(csv.DictReader(file)) if ending == "csv" else json.load(file)
    assert [row["file"] for row in rows] == ["photos/0.png", "photos/1.png"]
    tells = {"csv": lambda row: row["class_1"], "json": lambda row: row["classes"][0]["class_name"]}
    classes = [tells[ending](row) for row in rows]
    assert classes == [each.class_name for each in expected[:2]]


def test_a_former_output_stays_when_nothing_was_classified(folder, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.chdir(folder)
    monkeypatch.setattr(ImageClassifier, "run", interrupted)
    (folder / "former.csv").write_text("former")
    flags = command_calls.flags("infer", "--output=former.csv", task="classification")
    with pytest.raises(KeyboardInterrupt):
        infer.main(flags, ["photos"])
    assert (folder / "former.csv").read_text() == "former"


def test_videos_are_of_segmentation(folder):
    (folder / "clip.mp4").write_bytes(b"\0\0\0\x20ftypisom" + bytes(60))
    result = _infer(folder, "clip.mp4", "photos/0.png")
    (folder / "clip.mp4").unlink()
    assert result.returncode == 1
    assert result.stderr == "error: clip.mp4: this is a video, and an image is wanted.\n"
    assert "photos/0.png: " in result.stdout
