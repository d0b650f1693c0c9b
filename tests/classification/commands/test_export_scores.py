"""How an export of a classifier is checked and scored."""

import json
import pathlib
import shutil

import numpy as np
import pytest
from PIL import Image

from classification.commands import export_scores
from classification.options import ModelOptions, ViewOptions
from classification.run_description import RunDescription
from commands import export_forms
from commands.export_forms import Forms, ScoredSplit
from datasets.classification import record_format, specs
from datasets.records import tfrecords
from serving.image_classifier import ImageClassifier
from tests.support import labeled_images, tiny_classifier

COLORS = tuple(labeled_images.COLORS)
DESCRIPTION = RunDescription(
    tiny_classifier.OPTIONS, tiny_classifier.VIEW, "squares", tuple(labeled_images.COLORS)
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> str:
    """An export whose network names the three colors by chance."""
    folder = tmp_path_factory.mktemp("export")
    checkpoint = tiny_classifier.save(folder, DESCRIPTION)
    return tiny_classifier.write(folder, checkpoint, class_names=COLORS)


def score(folder: pathlib.Path, exported: str, description: RunDescription, directory: str) -> dict:
    """Returns what `verification.json` says of a split."""
    path = shutil.copyfile(exported, folder / "graph.pb")
    task = export_scores.exported_task(description)
    split = ScoredSplit(directory, "val", task.open_split(directory, "val"))
    export_forms.write(Forms(task, split=split), str(path), shutil.copyfile)
    return json.loads((folder / "verification.json").read_text())


def accuracy(exported: str, images: list[np.ndarray], labels: list[int]) -> float:
    """Returns the share of right classes of images as records have them: JPEG loses a little."""
    with ImageClassifier(exported, "tensorflow") as model:
        found = model.probabilities([labeled_images.encode(image) for image in images])
    return float(np.mean(found.argmax(axis=1) == labels))


def test_scores_are_the_shares_of_right_classes(tmp_path, exported, capsys):
    directory = str(tmp_path / "records")
    labeled_images.write(directory, val=7)
    report = score(tmp_path, exported, DESCRIPTION, directory)
    labels = [0, 1, 2] * 7
    images = [labeled_images.draw(label, index // 3) for index, label in enumerate(labels)]
    expected = accuracy(exported, images, labels)
    assert 0 < expected < 1
    assert report == {
        name: {"dataset_dir": directory, "split": "val", "tensorflow float32": value}
        for name, value in (("accuracy", pytest.approx(expected)), ("top_5", 1.0))
    }
    assert capsys.readouterr().out.splitlines()[:4] == [
        f"accuracy on val of {directory}:",
        f"  tensorflow float32: {expected:.4f} (+0.00 points)",
        f"top-5 accuracy on val of {directory}:",
        "  tensorflow float32: 1.0000 (+0.00 points)",
    ]


def write_offset(directory: pathlib.Path, labels: list[int]) -> None:
    """Writes drawn images whose labels are one more than their classes: 0 is the background."""
    directory.mkdir()
    with tfrecords.write_shard(tfrecords.shard_path(str(directory), "val", 0, 1)) as writer:
        for number, label in enumerate(labels):
            image = labeled_images.encode(labeled_images.draw(max(label - 1, 0), number))
            side = labeled_images.SIDE
            example = record_format.encode_example(
                f"{number}", image, "jpeg", label, "", (side, side)
            )
            writer.write(example.SerializeToString())
    names = ("background", *COLORS)
    counts = tuple(labels.count(label) for label in range(len(names)))
    split = specs.ClassificationSplit(len(labels), 1, counts, 40, 40)
    specs.write_spec(specs.ClassificationSpec("squares", str(directory), names, {"val": split}))


def test_labels_are_those_of_the_network(tmp_path, exported):
    """With `labels_offset` the first class of the dataset is none of the network's."""
    view = ViewOptions(32, "inception", labels_offset=1)
    description = RunDescription(DESCRIPTION.model, view, "squares", COLORS)
    directory = tmp_path / "records"
    write_offset(directory, [1, 2, 3, 1, 2, 3])
    labels = [0, 1, 2, 0, 1, 2]
    images = [labeled_images.draw(label, number) for number, label in enumerate(labels)]
    expected = accuracy(exported, images, labels)
    report = score(tmp_path, exported, description, str(directory))
    assert 0 < expected < 1
    assert report["accuracy"]["tensorflow float32"] == pytest.approx(expected)
    background = tmp_path / "background"
    write_offset(background, [1, 0])
    with pytest.raises(ValueError, match=r"image 1 has the label 0, but dataset squares has the l"):
        score(tmp_path, exported, description, str(background))


def test_a_split_that_a_classifier_cannot_be_scored_on_is_refused(tmp_path):
    directory = str(tmp_path)
    labeled_images.write(directory, val=2)
    task = export_scores.exported_task(DESCRIPTION)
    with pytest.raises(ValueError, match=r"has no split 'test' for --quantize_split; it has val"):
        task.open_split(directory, "test")
    for names, num_classes in ((("cat", "dog", "owl"), 3), ((), 4)):
        other = RunDescription(ModelOptions(num_classes), tiny_classifier.VIEW, "animals", names)
        with pytest.raises(
            ValueError,
            match=rf"has the 3 classes blue, green, red, but .* 'animals' with the {num_classes} cl"
            r".*; give .* as --quantize_dataset_dir",
        ):
            export_scores.exported_task(other).open_split(directory, "val")
    unnamed = RunDescription(DESCRIPTION.model, DESCRIPTION.view, "squares", ())
    assert export_scores.exported_task(unnamed).open_split(directory, "val")
    (tmp_path / "val-00000-of-00001.tfrecord").unlink()
    with pytest.raises(ValueError, match=r"val-00000-of-00001\.tfrecord is missing"):
        task.open_split(directory, "val")


def test_a_wrong_export_is_told_from_a_right_one(tmp_path, exported):
    """The reference is another network here, as if optimizing had gone wrong."""
    path = shutil.copyfile(exported, tmp_path / "graph.pb")
    # Another preprocessing, so other pixels.
    view = ViewOptions(32, "vgg", 0)
    (tmp_path / "other").mkdir()
    checkpoint = str(pathlib.Path(exported).parent / "model.ckpt-7")
    other = tiny_classifier.write(tmp_path / "other", checkpoint, view=view, class_names=COLORS)
    images = []
    for index in range(6):
        images.append(str(tmp_path / f"{index}.png"))
        Image.fromarray(tiny_classifier.random_image(index, 40, 70 + index)).save(images[-1])
    reports = []
    for reference in (exported, other):
        forms = Forms(export_scores.exported_task(DESCRIPTION), verify_images=images)
        export_forms.write(forms, str(path), lambda plain, of=reference: shutil.copyfile(of, plain))
        found = json.loads((tmp_path / "verification.json").read_text())["engines"]
        reports.append({each["engine"]: each for each in found})
    for result in reports[0].values():
        assert result["max_probability_difference"] < 1e-4
        assert result["equal_classes"] == 1.0
    assert reports[1]["tensorflow"]["max_probability_difference"] > 1e-3
    assert list(reports[0]["tensorflow"]) == [
        "engine",
        "precision",
        "num_images",
        "max_probability_difference",
        "equal_classes",
    ]
    assert reports[0]["tensorflow"]["num_images"] == 6
