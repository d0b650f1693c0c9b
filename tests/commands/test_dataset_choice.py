"""Which folder of records a command reads."""

import types

import pytest

from commands import dataset_choice
from commands.shared_options import DatasetOptions
from common.dataset_files import DATASET_FILE
from common.dataset_origin import DatasetOrigin


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("elsewhere", "data/tfrecords/mine", "data/tfrecords/last"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / DATASET_FILE).write_text("{}")
    return tmp_path


def trained(name: str, records_dir="") -> types.SimpleNamespace:
    origin = DatasetOrigin(str(records_dir))
    return types.SimpleNamespace(dataset_name=name, dataset_origin=origin)


def find(run=None, **given) -> str:
    return dataset_choice.find_directory(
        DatasetOptions(**given), lambda: "data/tfrecords/last", run
    )


def test_flags_come_first_then_where_the_training_run_had_its_dataset(folder):
    run = trained("mine", folder / "elsewhere")
    assert find(run, dataset_dir="given") == "given"
    assert find(run, dataset="named") == "data/tfrecords/named"
    assert find(run) == "elsewhere"
    assert find(trained("mine", folder / "gone")) == "data/tfrecords/mine"
    assert find(trained("mine")) == "data/tfrecords/mine"
    assert find(trained("gone", folder / "gone")) == "data/tfrecords/last"
    assert find(trained("")) == find() == "data/tfrecords/last"
