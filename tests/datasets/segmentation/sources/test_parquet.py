"""sources.parquet: rows of images and masks, splits, classes, and what is told of rows."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from datasets.segmentation import checks, sources
from datasets.segmentation.encoder import SegmentationEncoder
from datasets.segmentation.sources import layouts, parquet, parquet_sample
from tests.support.sample_images import save_pair, smooth_rgb, write, write_json

IDS = np.array([[0, 1, 2, 255]], np.uint8)


@pytest.fixture
def arrow():
    return pytest.importorskip("pyarrow", reason="needs pyarrow: make setup-parquet")


def png(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, "PNG")
    return file.getvalue()


def write_rows(path, masks, names=("image", "label"), metadata=None, rows_of_group=2, images=None):
    import pyarrow
    from pyarrow import parquet as files

    masks = [mask if isinstance(mask, bytes | None) else png(mask) for mask in masks]
    images = images or [png(smooth_rgb(1, 4, shift=number)) for number in range(len(masks))]
    cells = [[{"bytes": each, "path": "a.png"} for each in column] for column in (images, masks)]
    kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    columns = {name: pyarrow.array(column, kind) for name, column in zip(names, cells, strict=True)}
    table = pyarrow.table({**columns, "scene": ["street"] * len(masks)})
    if metadata is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps(metadata)})
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_table(table, path, row_group_size=rows_of_group)
    return str(path)


def names_of(source) -> dict[str, list[str]]:
    return {split: [sample.name for sample in samples] for split, samples in source.splits.items()}


@pytest.mark.usefixtures("arrow")
def test_rows_become_records_as_files_do(tmp_path):
    masks = [np.roll(IDS, number, axis=1) for number in range(5)]
    write_rows(tmp_path / "rows" / "train.parquet", masks)
    for number, mask in enumerate(masks):
        save_pair(tmp_path / "files", str(number), mask)
        path = tmp_path / "files" / "images" / str(number)
        path.with_suffix(".jpg").unlink()
        path.with_suffix(".png").write_bytes(png(smooth_rgb(1, 4, shift=number)))
    assert sources.find_source(str(tmp_path / "rows")) == "parquet"
    rows, files = (
        sources.open_source(name, str(tmp_path / folder), val_fraction=0.0)
        for name, folder in (("parquet", "rows"), ("folder", "files"))
    )
    assert names_of(rows) == names_of(files) == {"train": ["0", "1", "2", "3", "4"]}
    for row, file in zip(rows.splits["train"], files.splits["train"], strict=True):
        encoded = [
            SegmentationEncoder(source, "int16").encode(sample).record
            for source, sample in ((rows, row), (files, file))
        ]
        assert encoded[0] == encoded[1]
    states = {sample.mask_state() for sample in rows.splits["train"]}
    assert len(states) == 5
    assert not checks.check_source(rows, show_progress=False).errors


@pytest.mark.usefixtures("arrow")
def test_splits_by_the_names_of_files_and_folders(tmp_path):
    for number in range(2):
        write_rows(tmp_path / f"a/data/train-{number:05d}-of-00002-1a2b.parquet", [IDS] * 6)
    write_rows(tmp_path / "a/data/validation-00000-of-00001.parquet", [IDS])
    source = parquet.open_source(str(tmp_path / "a"))
    assert names_of(source) == {"train": [f"{n:02d}" for n in range(12)], "val": ["0"]}
    last = source.splits["train"][-1]
    assert last.image_path.endswith("train-00001-of-00002-1a2b.parquet")
    assert (last.row, last.group, last.row_in_group) == (5, 2, 1)
    write_rows(tmp_path / "b/default/train/0000.parquet", [IDS] * 2)
    write_rows(tmp_path / "b/default/test/0000.parquet", [IDS])
    assert [*parquet.open_source(str(tmp_path / "b")).splits] == ["train", "test"]
    write_rows(tmp_path / "c/0000.parquet", [IDS] * 5)
    assert {k: len(v) for k, v in names_of(parquet.open_source(str(tmp_path / "c"))).items()} == {
        "train": 4,
        "val": 1,
    }
    write_rows(tmp_path / "d/test.parquet", [IDS])
    write_rows(tmp_path / "d/val.parquet", [IDS])
    with pytest.raises(ValueError, match="has the splits val, test, and none is called train"):
        parquet.open_source(str(tmp_path / "d"))


@pytest.mark.usefixtures("arrow")
def test_classes_of_tables_of_metadata_and_of_masks(tmp_path):
    labels = {"0": "unlabeled", "1": "road", "2": "car"}
    info = {"info": {"features": {}}, "id2label": labels}
    path = tmp_path / "a" / "data" / "train.parquet"
    write_rows(path, [IDS] * 2, metadata=info)
    source = parquet.open_source(str(tmp_path / "a"))
    assert source.class_names == ("road", "car")
    ids = source.read_mask(source.splits["train"][0])
    np.testing.assert_array_equal(ids, [[255, 0, 1, 255]])
    write_json(tmp_path / "a" / "id2label.json", {"0": "x", "1": "y", "2": "z"})
    assert parquet.open_source(str(path.parent)).class_names == ("x", "y", "z")
    write_json(tmp_path / "a" / "classes.json", {"names": ["u", "v", "w"]})
    assert parquet.open_source(str(tmp_path / "a")).class_names == ("u", "v", "w")
    write_rows(tmp_path / "b" / "train.parquet", [np.array([[0, 255]], np.uint8)] * 2)
    source = parquet.open_source(str(tmp_path / "b"), mask_values={0: 0, 255: 1})
    assert source.num_classes == 2
    assert source.read_mask(source.splits["train"][0]).tolist() == [[0, 1]]


@pytest.mark.usefixtures("arrow")
@pytest.mark.parametrize(
    "names", [("image", "label"), ("pixel_values", "mask"), ("image", "x"), ("x", "annotation")]
)
def test_columns_are_found_by_their_names(tmp_path, names):
    path = write_rows(tmp_path / "train.parquet", [IDS], names)
    assert parquet._open_shard(path).columns == names


@pytest.mark.usefixtures("arrow")
def test_other_columns_are_listed(tmp_path):
    write_rows(tmp_path / "train.parquet", [IDS], ("a", "b"))
    with pytest.raises(ValueError, match=r"has the columns a \(struct.*scene \(string\); expected"):
        parquet.open_source(str(tmp_path))


@pytest.mark.usefixtures("arrow")
def test_a_row_at_fault_is_named(tmp_path):
    masks = [IDS, None, png(IDS)[:-20], np.zeros((3, 3), np.uint8)]
    path = write_rows(tmp_path / "train.parquet", masks)
    write_json(tmp_path / "classes.json", {"names": ["a", "b", "c"]})
    source = parquet.open_source(str(tmp_path), val_fraction=0.0)
    problems = checks.check_source(source, show_progress=False).errors
    found = {each.name: (each.path, each.message) for each in problems}
    assert found.keys() == {"1", "2", "3"}
    assert found["1"][0] == f"{path}, row 1, label"
    assert found["1"][1].startswith("there is no file, only the path 'a.png'. Write the dataset")
    assert "truncated" in found["2"][1]
    assert "the mask is 3x3" in found["3"][1]


@pytest.mark.usefixtures("arrow")
def test_rows_with_the_same_image_are_named(tmp_path):
    image = png(smooth_rgb(1, 4))
    path = write_rows(tmp_path / "train.parquet", [IDS] * 2, images=[image] * 2)
    write_json(tmp_path / "classes.json", {"names": ["a", "b", "c"]})
    source = parquet.open_source(str(tmp_path), val_fraction=0.0)
    found = [
        (each.path, each.message)
        for each in checks.check_source(source, show_progress=False).problems
        if each.kind == "repeated"
    ]
    place = f"{path}, row 0, image"
    assert found == [(f"{path}, row 1, image", f"the same image as {place}. Remove one of them.")]


@pytest.mark.usefixtures("arrow")
def test_what_is_no_parquet_file_is_named(tmp_path):
    write(tmp_path / "train.parquet", "version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ValueError, match=r"train\.parquet: no parquet file, or a damaged one"):
        parquet.open_source(str(tmp_path))


def test_without_parquet_files_or_pyarrow(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="holds nothing; expected parquet files"):
        parquet.open_source(str(tmp_path))
    path = write(tmp_path / "train.parquet", "")
    monkeypatch.setattr(parquet_sample.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="need pyarrow: make setup-parquet installs it"):
        parquet_sample.open_file(path)


@pytest.mark.usefixtures("arrow")
def test_a_dataset_that_hugging_face_wrote(samples, tmp_path):
    names = [f"class_{number}" for number in range(21)]
    classes_file = write_json(tmp_path / "classes.json", {"names": names})
    source = parquet.open_source(str(samples / "hf_parquet"), classes_file, val_fraction=0.0)
    assert names_of(source) == {"train": ["0", "1", "2"]}
    assert not checks.check_source(source, show_progress=False).errors
    assert np.unique(source.read_mask(source.splits["train"][0])).tolist() == [0, 5, 15, 255]


def test_words_for_columns_are_those_for_folders():
    assert {"image", "images"} <= layouts.IMAGES
    assert {"label", "mask", "annotation", "segmentationmask"} <= layouts.MASKS
