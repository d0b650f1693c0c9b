"""deeplab.commands.opened_source: what a folder is read as, and which folder."""

import pytest

from deeplab.commands import opened_source
from deeplab.commands.source_options import SourceOptions
from tests.datasets.segmentation.sources import test_supervisely as supervisely


def opened(data_dir, **options):
    return opened_source.of(SourceOptions(data_dir=str(data_dir), **options))


def test_a_folder_below_is_taken_where_it_is_the_only_one(tmp_path, capsys):
    supervisely.write_image(tmp_path / "export", "a.png", supervisely.polygon("cat"))
    (tmp_path / "notes").mkdir()
    source = opened(tmp_path)
    assert [sample.name for sample in source.splits["train"]] == ["a"]
    assert source.name == "export"
    assert f"{tmp_path / 'export'} is read as --dataset=supervisely\n" in capsys.readouterr().out


def test_of_several_folders_below_none_is_taken_and_all_are_named(tmp_path, capsys):
    for name in ("first", "second"):
        supervisely.write_image(tmp_path / name, "a.png", supervisely.polygon("cat"))
    with pytest.raises(ValueError, match=r"first \(supervisely\), .*second \(supervisely\): give"):
        opened(tmp_path)
    assert "is read as" not in capsys.readouterr().out


def test_wrong_values_of_masks_are_a_wrong_flag(tmp_path, capsys):
    (tmp_path / "images").mkdir()
    assert opened(tmp_path, mask_values="a:b") is None
    assert "error: --mask_values=a:b: " in capsys.readouterr().err
