"""datasets.classification.sources.label_table: which cell is what, and errors by line."""

import pytest

from datasets.classification.sources import label_table


@pytest.fixture
def read(tmp_path):
    def read(text: str) -> label_table.Table:
        path = tmp_path / "labels.csv"
        path.write_text(text, newline="")
        return label_table.read(str(path))

    return read


def cells(table: label_table.Table) -> list[tuple]:
    return [tuple(row[1:]) for row in table.rows]


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("id,image,label", "7,a.jpg,x"),
        ("name,label,path", "Rex,x,a.jpg"),
        ("id,name,label", "7,a.jpg,x"),
        ("image_id,label", "a.jpg,x"),
        ("label,id", "x,a.jpg"),
    ],
)
def test_the_column_of_files_is_the_least_vague(read, head, line):
    assert cells(read(f"{head}\n{line}\n")) == [("a.jpg", "x", None)]


@pytest.mark.parametrize(("yes", "no"), [("True", "False"), ("1", "0"), ("true", "0.0")])
def test_is_valid_tells_the_split(read, yes, no):
    table = read(f"name,label,is_valid\na.jpg,x,{no}\nb.jpg,x,{yes}\n")
    assert cells(table) == [("a.jpg", "x", "train"), ("b.jpg", "x", "val")]


def test_a_split_goes_before_is_valid(read):
    assert cells(read("file,label,is_valid,split\na,x,True,test\n")) == [("a", "x", "test")]


def test_a_column_for_each_class(read):
    table = read("image,red fox,dog,split\na.jpg,0,1,train\nb.jpg,1.0,0.0,val\n")
    assert table.has_header
    assert cells(table) == [("a.jpg", "dog", "train"), ("b.jpg", "red fox", "val")]


def test_lines_are_those_of_the_file(read):
    table = read('file,label,text\na,x,"two\nlines"\n\nb,y,\r\nc,"z ""q""",t\n')
    assert cells(table) == [("a", "x", None), ("b", "y", None), ("c", 'z "q"', None)]
    assert [row.line for row in table.rows] == [2, 5, 6]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('a,x\nb,"y\nc,x\nd,x\n', "line 2 opens a double quote that is never closed"),
        ('file,label,text\na,x,t\nb,y,"t\nc,x,t', "line 3 opens a double quote that is never"),
        ('a,"x\nb,"y"\nc,x\n', "line 1 has a label of several lines, 'x.nb,y\"'; expected one"),
        ('file,label\na,"x\ny"\n', "line 2 has a label of several lines, 'x.ny'"),
        ("a,x\n" + 'b,"' + "y\n" * 70_000, "line 2 is no line of a table: field larger"),
        (
            "name,label,is_valid\na,x,0\nb,x,maybe\n",
            "line 3 has 'maybe' as is_valid; expected True",
        ),
        ("image,a,b\np,0,1\nq,1,1\n", "line 3 has a 1 for 2 classes: a, b; expected one class"),
        ("image,a,b\np,0,0\n", "line 2 has a 1 for 0 classes; expected one class"),
        ("image,a,b\np,0,1\nq,x,1\n", r"line 1 names the columns image, a, b, none .*3 holds 'x'"),
        (
            "image,animal\np,dog\n",
            "line 1 names the columns image, animal, none of them for labels",
        ),
        (",\n,\n", " names no image; expected"),
    ],
)
def test_what_is_no_table_is_refused_by_line(read, text, message):
    with pytest.raises(ValueError, match=rf"labels\.csv:? ?{message}"):
        read(text)
