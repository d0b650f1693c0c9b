"""What eval.py and vis.py make of their flags: dataset, network and input."""

import dataclasses
import os
import shutil

import pytest

from common.dataset_origin import DatasetOrigin
from deeplab import run_description
from deeplab.commands import checkpoint_run
from deeplab.options import ModelOptions
from deeplab.run_description import RunDescription
from tests.support import command_calls, tiny_dataset

MODEL = ModelOptions(
    num_classes=3, model_variant="xception_tiny", atrous_rates=(6, 12), output_stride=16
)


@pytest.fixture
def records(tmp_path):
    """A dataset whose largest image is 20 high and 40 wide."""
    images = [("a", *tiny_dataset.random_image(0, 20, 40))]
    (tmp_path / "records").mkdir()
    return tiny_dataset.write(tmp_path / "records", images, split="val")


def describe(folder, spec, **changes) -> str:
    """Writes the description of a training run into a new folder, and returns the folder."""
    description = RunDescription(
        model=MODEL,
        dataset_name=spec.name,
        class_names=spec.class_names,
        palette=spec.palette,
        ignore_label=spec.ignore_label,
        train_crop_size=(65, 65),
    )
    os.makedirs(folder)
    run_description.write_description(dataclasses.replace(description, **changes), str(folder))
    return str(folder)


def resolve(records, folder, *arguments: str, crop_size=None):
    flags = command_calls.flags("eval", f"--dataset_dir={records.directory}", *arguments)
    return checkpoint_run.resolve(flags, folder, "val", crop_size)


def test_the_network_is_the_trained_one_and_the_crop_holds_every_image(records, tmp_path):
    spec, model_options, inputs = resolve(records, describe(tmp_path / "run", records))
    assert spec == records
    assert model_options == MODEL
    assert inputs.crop_size == (33, 49)
    assert inputs.min_resize_value is None


def test_the_dataset_is_the_trained_one_where_it_still_is(records, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    built_last = tmp_path / "data" / "tfrecords" / "tiny"
    shutil.copytree(records.directory, built_last)
    place = DatasetOrigin(records.directory)
    folder = describe(tmp_path / "run", records, dataset_origin=place)
    flags = command_calls.flags("eval")

    def directory(**how) -> str:
        return checkpoint_run.resolve(flags, folder, "val", None, **how)[0].directory

    assert directory(warns=True) == "records"
    shutil.rmtree(records.directory)
    assert directory(warns=True) == "data/tfrecords/tiny"
    assert capsys.readouterr().err == ""

    folder = describe(tmp_path / "other", records, dataset_origin=place, dataset_name="other")
    assert directory() == "data/tfrecords/tiny"
    assert capsys.readouterr().err == ""
    assert directory(warns=True) == "data/tfrecords/tiny"
    assert f"'other' of {records.directory}, and this is 'tiny' in" in capsys.readouterr().err


def test_flags_change_what_was_trained(records, tmp_path):
    folder = describe(tmp_path / "run", records, min_resize_value=30, max_resize_value=50)
    _, model_options, inputs = resolve(
        records, folder, "--output_stride=8", "--max_resize_value=60", crop_size=(65, 97)
    )
    assert (model_options.output_stride, model_options.atrous_rates) == (8, (12, 24))
    assert (inputs.min_resize_value, inputs.max_resize_value) == (30, 60)
    assert inputs.crop_size == (65, 97)
    with pytest.raises(ValueError, match="66"):
        resolve(records, folder, crop_size=(66, 97))


def test_a_network_without_a_description_is_described_by_flags(records, tmp_path):
    folder = str(tmp_path)
    with pytest.raises(ValueError, match=rf"^{folder} has no options\.json: describe the network"):
        resolve(records, folder)
    _, model_options, _ = resolve(records, folder, "--model_variant=mobilenet_v2")
    assert (model_options.model_variant, model_options.num_classes) == ("mobilenet_v2", 3)
    assert not model_options.decoder_use_gradient


def test_classes_of_another_dataset_are_refused_with_both_lists(records, tmp_path):
    folder = describe(tmp_path / "run", records, class_names=("a", "b", "c"), dataset_name="abc")
    message = (
        r"classes class 0, class 1, class 2, but .*run/options\.json .* 'abc' .* a, b, c\. Name a"
    )
    with pytest.raises(ValueError, match=message):
        resolve(records, folder)
    nameless = describe(tmp_path / "nameless", records, class_names=(), palette=())
    assert resolve(records, nameless)[0] == records
