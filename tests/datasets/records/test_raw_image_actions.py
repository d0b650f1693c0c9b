"""python -m datasets.records.raw_images: writes, reads and shows."""

import gzip
import os
import zlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from common import image_files
from datasets.records import raw_image_actions, raw_images, raw_pixels, tfrecords
from tests.support.sample_images import save, smooth_rgb, write


@pytest.fixture
def pets(tmp_path):
    """A folder of two classes, of gray and RGB images."""
    save(tmp_path / "pets" / "cat" / "old" / "a.png", smooth_rgb(6, 8))
    save(tmp_path / "pets" / "dog" / "b.png", smooth_rgb(5, 9)[..., 0])
    save(tmp_path / "pets" / "dog" / "c.png", smooth_rgb(4, 3))
    write(tmp_path / "pets" / "none" / "readme.txt", "no image")
    return tmp_path / "pets"


def run(*arguments: str, **options) -> int:
    flags = raw_images.RawImagesOptions(**options)

    class Given:
        def options(self, kind):
            assert kind is raw_images.RawImagesOptions
            return flags

    return raw_image_actions.main(Given(), [*map(str, arguments)])


def test_what_is_written_is_read(pets, tmp_path, capsys):
    path = tmp_path / "pets.tfrecord"
    assert run("write", pets, path) == 0
    size = os.path.getsize(path)
    assert capsys.readouterr().out == (
        "label 0: cat\nlabel 1: dog\nfolders without images: none\n"
        f"{path}: 3 images, {size:,} bytes\n"
    )
    found = list(raw_pixels.read(str(path)))
    assert [label for _, label in found] == [0, 1, 1]
    np.testing.assert_array_equal(found[1][0], smooth_rgb(5, 9)[..., :1])
    assert run("read", path, num_records=2, output=str(tmp_path / "seen")) == 0
    first, second, rest = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{path}, record 0: label 0, 8x6, channels: 3, values ")
    assert second.startswith(f"{path}, record 1: label 1, 9x5, channels: 1, values ")
    assert rest == "…"
    names = sorted(os.listdir(tmp_path / "seen"))
    assert names == ["pets-00000-label_0.png", "pets-00001-label_1.png"]
    seen = np.asarray(Image.open(tmp_path / "seen" / names[1]))
    np.testing.assert_array_equal(seen, found[1][0][..., 0])


def test_what_a_file_holds_is_shown(pets, tmp_path, capsys):
    path = tmp_path / "pets.tfrecord"
    run("write", pets, path)
    capsys.readouterr()
    assert run("show", path, num_records=1, output=str(tmp_path / "seen")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{path}: {os.path.getsize(path):,} bytes, records: 3"
    assert lines[1].startswith("record 0: ")
    assert lines[2] == "  image  bytes  raw pixels, 8x6, channels: 3"
    assert lines[-2:] == [f"  -> {tmp_path}/seen/pets-00000-image.png", "…"]
    assert run("show", path, num_records=0) == 0
    assert capsys.readouterr().out.count("raw pixels") == 3


def test_files_of_one_name_leave_images_of_their_own(pets, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("one", "two"):
        os.mkdir(folder)
        run("write", pets, f"{folder}/a.tfrecord")
    run("write", pets, "b.tfrecord")
    files = ("one/a.tfrecord", "two/a.tfrecord", "b.tfrecord")
    run("show", *files, num_records=1, output="shown")
    assert sorted(os.listdir("shown")) == [
        "a-00000-image-2.png",
        "a-00000-image.png",
        "b-00000-image.png",
    ]
    run("read", *files, num_records=1, output="read")
    assert len(os.listdir("read")) == 3


@pytest.mark.parametrize("kind", ["gzip", "zlib"])
def test_compressed_files_are_shown_and_read(pets, tmp_path, capsys, kind):
    run("write", pets, tmp_path / "plain")
    content = (tmp_path / "plain").read_bytes()
    compress = {"gzip": gzip.compress, "zlib": zlib.compress}[kind]
    (tmp_path / "a").write_bytes(compress(content))
    run("show", tmp_path / "plain")
    _, *shown = capsys.readouterr().out.splitlines()[-4:]
    run("show", tmp_path / "a")
    out = capsys.readouterr().out
    assert f"a: {os.path.getsize(tmp_path / 'a'):,} bytes, compressed with {kind}\n" in out
    assert out.splitlines()[-3:] == shown
    assert len(list(raw_pixels.read(str(tmp_path / "a")))) == 3


def test_what_a_damaged_file_holds_before_the_damage_is_shown(pets, tmp_path, capsys):
    path = tmp_path / "a.tfrecord"
    run("write", pets, path)
    os.truncate(path, path.stat().st_size - 5)
    capsys.readouterr()
    with pytest.raises(ValueError, match=r"a\.tfrecord is truncated or damaged after record 2"):
        run("show", path, num_records=0)
    out = capsys.readouterr().out
    assert " bytes, damaged" in out
    assert "record 1: " in out
    assert "record 2: " not in out


def test_channels_that_no_image_file_has_are_told_not_written(tmp_path):
    path = tmp_path / "a.tfrecord"
    with tfrecords.write_shard(str(path)) as writer:
        writer.write(raw_pixels.serialize(np.zeros((2, 3, 5), np.uint8), 1))
    assert run("read", path) == 0
    with pytest.raises(ValueError, match="no image file has 5 channels: read without --output"):
        run("read", path, output=str(tmp_path / "seen"))


def test_records_take_no_place_of_what_is_read(pets, tmp_path):
    image = (pets / "cat" / "old" / "a.png").read_bytes()
    with pytest.raises(ValueError, match=r"a\.png is a file to read; give another name"):
        run("write", pets, pets / "cat" / "old" / "a.png")
    assert (pets / "cat" / "old" / "a.png").read_bytes() == image
    write(pets / "labels.csv", "dog/b.png,7")
    with pytest.raises(ValueError, match=r"labels\.csv is a file to read"):
        run("write", pets, pets / "labels.csv")
    run("write", pets, tmp_path / "new" / "sub" / "a.tfrecord")


def test_a_damaged_file_does_not_hide_the_others(pets, tmp_path, capsys):
    run("write", pets, tmp_path / "a")
    (tmp_path / "none").write_bytes(b"no records")
    assert run("show", tmp_path / "none", tmp_path / "a") == 1
    captured = capsys.readouterr()
    assert "record 2: " in captured.out
    assert "error: " in captured.err
    assert "none is truncated or damaged" in captured.err


def test_images_of_any_key_have_a_file_of_their_own(tmp_path):
    content = image_files.encode_png(smooth_rgb(4, 5))
    example = tf.train.Example()
    for key in ("a/b", "a_b", "a\0b", "é" * 300):
        tfrecords.put_bytes(example, key, content)
    with tfrecords.write_shard(str(tmp_path / "r")) as writer:
        writer.write(example.SerializeToString())
    assert run("show", tmp_path / "r", output=str(tmp_path / "seen")) == 0
    assert len(os.listdir(tmp_path / "seen")) == 4


def test_a_list_has_labels(pets, tmp_path):
    path = tmp_path / "a.tfrecord"
    write(pets / "labels.csv", "file,label\ndog/b.png, 7\n\ncat/old/a.png,0\n ,\n")
    run("write", pets, path)
    assert [label for _, label in raw_pixels.read(str(path))] == [7, 0]
    for lines, message in (
        ("dog/b.png,7\ndog/c.png", r"labels\.csv, line 2: 'dog/c\.png' is not FILE,LABEL"),
        ("dog/b.png,cat", r"line 1: 'dog/b\.png,cat' is not FILE,LABEL with a label of 0, 1"),
        ("file,label\n", r"labels\.csv has no lines FILE,LABEL"),
        ("dog/x.png,1", r"labels\.csv names images that are not there: dog/x\.png"),
    ):
        write(pets / "labels.csv", lines)
        with pytest.raises(ValueError, match=message):
            run("write", pets, tmp_path / "b.tfrecord")
        assert not (tmp_path / "b.tfrecord").exists()


def test_wrong_use_is_told(pets, tmp_path, capsys):
    for arguments in ((), ("write", pets), ("paint", "a"), ("read",)):
        assert run(*arguments) == 2
        assert "expected write FOLDER FILE, read FILE… or show" in capsys.readouterr().err
    for name in ("cat/old/a.png", "dog/b.png", "dog/c.png"):
        os.remove(pets / name)
    with pytest.raises(ValueError, match="holds cat, dog, none; expected") as caught:
        run("write", pets, tmp_path / "b.tfrecord")
    assert "images and labels.csv" in str(caught.value)
    save(pets / "cat" / "deep.png", np.full((2, 2), 999, np.uint16))
    with pytest.raises(ValueError, match=r"deep\.png: 16 bits per channel"):
        run("write", pets, tmp_path / "b.tfrecord")
    assert os.listdir(tmp_path) == ["pets"]
