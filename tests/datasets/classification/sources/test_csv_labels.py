"""datasets.classification.sources.csv_labels: tables as people write them, errors by line."""

import pytest

from datasets.classification.sources import csv_labels


@pytest.fixture
def birds(tmp_path):
    for name in ("a.jpg", "b.jpg", "c 1.PNG", "images/d.jpg"):
        path = tmp_path / "birds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "birds"


def open_table(birds, text: str, **options):
    (birds / "labels.csv").write_text(text)
    return csv_labels.open_source(str(birds), **options)


def content(source) -> dict[str, dict[str, str]]:
    return {
        split: {sample.name: source.class_names[sample.label] for sample in samples}
        for split, samples in source.splits.items()
    }


EXPECTED = {
    "train": {"a.jpg": "wren", "b.jpg": "robin, red", "c 1.PNG": "wren"},
    "val": {"images/d.jpg": "wren"},
}


@pytest.mark.parametrize(
    "text",
    [
        'a.jpg,wren,train\nb.jpg,"robin, red",train\nc 1.PNG,wren,train\nd.jpg,wren,val\n',
        'filename,class,set\na.jpg,wren,Train\nb,"robin, red",Train\n\nc 1.PNG,wren,Train\n'
        "images/d,wren,valid\n",
        "split;extra;Label;File Name\ntrain;1;wren;./a.jpg\ntrain;;robin, red;b.jpg\n"
        "train;;wren;c 1.PNG\nval;;wren;images\\d.jpg\n",
        "image\tlabel\tsplit\r\na.jpg\twren\ttrain\r\nb.jpg\trobin, red\ttrain\r\n"
        "c 1.PNG\twren\ttrain\r\nd.jpg\twren\tval\r\n",
    ],
    ids=["plain", "header", "semicolons", "tabs"],
)
def test_tables_of_many_kinds(birds, text):
    source = open_table(birds, text)
    assert content(source) == EXPECTED
    assert source.class_names == ("robin, red", "wren")
    assert source.problems == ()
    assert source.name == "birds"


def test_without_splits_they_are_drawn(birds):
    source = open_table(birds, "a,x\nb,x\nc 1.PNG,y\nd,y\n", val_fraction=0.5)
    assert {split: len(samples) for split, samples in source.splits.items()} == {
        "train": 2,
        "val": 2,
    }
    with pytest.raises(ValueError, match="has splits of its own"):
        open_table(birds, "a,x,train\nb,x,val\n", val_fraction=0.5)


def test_numbers_are_class_ids(birds, tmp_path):
    text = "file,label,split\na.jpg,0,train\nb.jpg,2,train\n"
    assert open_table(birds, text).class_names == ("class_0", "class_1", "class_2")
    names = tmp_path / "names.txt"
    names.write_text("x\ny\nz\n")
    source = open_table(birds, text, class_names_file=str(names))
    assert content(source)["train"] == {"a.jpg": "x", "b.jpg": "z"}
    names.write_text("x\ny\n")
    with pytest.raises(ValueError, match=r"names 2 classes, but line 3 of .* has the label 2"):
        open_table(birds, text, class_names_file=str(names))


def test_whole_floats_are_class_ids(birds):
    source = open_table(birds, "a,0.0\nb,1.0\nd,1\nb.jpg,1\n", val_fraction=0)
    assert source.class_names == ("class_0", "class_1")
    assert [sample.label for sample in source.splits["train"]] == [0, 1, 1]
    (repeated,) = (each for each in source.problems if each.kind == "repeated")
    assert repeated.severity == "warning"
    assert open_table(birds, "a,0.5\nb,1.0\n").class_names == ("0.5", "1.0")


def test_a_first_line_with_unknown_names_is_told_of(birds):
    source = open_table(birds, "X,Y\na,x\nq,y\n")
    first, second = (each.message for each in source.problems if each.kind == "missing")
    assert "line 1 names 'X': there is no such image." in first
    assert "If it names the columns: those known are file (or image, filename" in first
    assert "columns" not in second


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.jpg,1\nb.jpg,2\n", "the labels are 1 to 2, and class ids count from 0"),
        ("a.jpg,0\nb.jpg,-1\n", "line 2 has the label -1"),
        ("a.jpg,x\nb.jpg,x,y\n", "line 2 has 3 columns, line 1 has 2"),
        ("file,label\na.jpg,x\nb.jpg,\n", "line 3 has no label"),
        ("file,label,split\na.jpg,x,train\nb.jpg,y,\n", "line 3 has no split"),
        ("a.jpg\nb.jpg\n", "line 1 is 'a.jpg'; expected a file and its label"),
        ("a,b,c,d\n", "line 1 has 4 columns"),
        ("file,label\n", "names no image"),
        ("", "line 1 is ''"),
        ("a,x,val\nb,y,test\n", "has the splits val, test, but no 'train'"),
        ("a,x,train\nb,y,p/q\n", "line 2 has the split 'p/q'"),
    ],
)
def test_wrong_tables_are_told_by_line(birds, text, message):
    with pytest.raises(ValueError, match=rf"labels\.csv:? {message}"):
        open_table(birds, text)


def test_files_that_are_not_there_or_named_twice_are_told_by_line(birds):
    source = open_table(birds, "a,x\nq.jpg,x\nb,y\na.jpg,y\nb.jpg,y\n", val_fraction=0)
    told = {(each.severity, each.kind, each.name): each.message for each in source.problems}
    assert told["error", "missing", "q.jpg"].startswith("line 2 names 'q.jpg': there is no such")
    message = told["error", "label", "a.jpg"]
    assert message.startswith("line 4 names 'a.jpg', and so does line 1: labels 'y' and 'x'")
    assert told["warning", "repeated", "b.jpg"].startswith("line 5 names 'b.jpg', and so does")
    (unused,) = (each.message for each in source.problems if each.kind == "unused")
    assert "2 files are left out, named by no line: c 1.PNG, images/d.jpg" in unused


def test_the_table_may_lie_elsewhere(birds, tmp_path):
    table = tmp_path / "tables" / "t.csv"
    table.parent.mkdir()
    table.write_text("a,x\nb,y\n")
    source = csv_labels.open_source(str(birds), val_fraction=0, labels_csv=str(table))
    assert content(source) == {"train": {"a.jpg": "x", "b.jpg": "y"}}
    with pytest.raises(ValueError, match=r"labels\.csv does not exist; .*holds a\.jpg"):
        csv_labels.open_source(str(birds))
