"""Published weights by name, as every command finds its checkpoints."""

import numpy as np
import pytest

from published import catalogue
from tests.support import published_files
from tests.support.published_files import FILE, NAME
from training import checkpoints, published_checkpoints

VALUES = {"MobilenetV2/Conv/weights": np.ones([3, 3], np.float32)}


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with published_files.serving({}) as server:
        published_files.use_cache(monkeypatch, tmp_path / "cache", server.address)
        yield server


@pytest.fixture
def published(server, tmp_path):
    """The checkpoint of a name."""
    prefix = tmp_path / "made" / "model.ckpt-30000"
    published_files.write_checkpoint(str(prefix), VALUES)
    server.files[FILE] = published_files.archive_of(tmp_path / "made", top="deeplabv3")
    return server


@pytest.mark.parametrize("name", [NAME, FILE.removesuffix(".tar.gz")])
def test_a_name_is_downloaded_and_its_checkpoint_found(published, tmp_path, name):
    expected = tmp_path / "cache" / NAME / "files" / "deeplabv3" / "model.ckpt-30000"
    for _ in range(2):
        prefix = checkpoints.find_checkpoint(name)
        assert prefix == str(expected)
    assert len(published.requests) == 1
    np.testing.assert_array_equal(
        checkpoints.Reader(prefix).value("MobilenetV2/Conv/weights"), np.ones([3, 3])
    )
    assert published_checkpoints.meant(prefix) is catalogue.CATALOGUE[NAME]
    assert published_checkpoints.meant("runs/other/model.ckpt-1") is None


@pytest.mark.parametrize("ending", ["", "/model.ckpt-5"])
def test_a_path_that_exists_wins_over_the_name(server, tmp_path, ending):
    """A folder of the name, and a checkpoint whose prefix is the name."""
    prefix = f"{tmp_path / NAME}{ending or ''}"
    published_files.write_checkpoint(prefix, VALUES)
    assert checkpoints.find_checkpoint(NAME) == (f"{NAME}{ending}" if ending else NAME)
    assert server.requests == []


def test_a_checkpoint_of_one_file_is_converted_once(server, tmp_path):
    name = "inception_v3_2016_08_28"
    old = tmp_path / "inception_v3.ckpt"
    published_files.write_one_file_checkpoint(str(old), VALUES)
    server.files[f"{name}.tar.gz"] = published_files.archive({old.name: old.read_bytes()})
    prefix = checkpoints.find_checkpoint(name)
    assert prefix == str(tmp_path / "cache" / name / "converted" / "model.ckpt")
    assert checkpoints.Reader(prefix).shapes == {"MobilenetV2/Conv/weights": (3, 3)}
    changed = (tmp_path / "cache" / name / "converted" / "model.ckpt.index").stat().st_mtime_ns
    assert checkpoints.find_checkpoint(name) == prefix
    assert (
        tmp_path / "cache" / name / "converted" / "model.ckpt.index"
    ).stat().st_mtime_ns == changed


def test_weights_without_a_checkpoint_are_named(server):
    server.files[FILE] = published_files.archive({"a/x.pb": b""})
    with pytest.raises(ValueError, match=rf"{NAME} holds no checkpoint in .*/files: a/x\.pb\."):
        checkpoints.find_checkpoint(NAME)


def test_another_kind_of_weights_is_refused_before_its_download(server):
    name = "xception_65_imagenet"
    for kind in (catalogue.SEGMENTATION, None):
        with pytest.raises(ValueError, match=f"^{name} is no thing but an encoder without"):
            published_checkpoints.require_kind(name, kind, "thing")
    for text, kind in ((name, catalogue.ENCODER), ("runs/a", None), ("", None), (None, None)):
        published_checkpoints.require_kind(text, kind, "thing")
    assert server.requests == []


def test_matconvnets_form_is_refused_before_its_download(server):
    weights = catalogue.CATALOGUE["imagenet-vgg-verydeep-19"]
    with pytest.raises(ValueError, match=r"form of vgg_19, which .*; vgg_19_2016_08_28 is one\."):
        checkpoints.find_checkpoint(weights.name)
    assert server.requests == []


def test_a_name_with_a_typo_gets_close_ones(server):
    expected = rf"are 'best' and 'latest'\. No published weights .*did you mean {NAME} or"
    with pytest.raises(ValueError, match=expected):
        checkpoints.find_checkpoint("mobilenetv2_coco_voc_trainug")
    with pytest.raises(ValueError, match=r"does not exist \(no file runs/a/model\.ckpt-1\.index\)"):
        checkpoints.find_checkpoint("runs/a/model.ckpt-1")
    assert server.requests == []
