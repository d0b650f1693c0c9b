"""annotations.xml_files: XML in pieces, without document types."""

import pytest

from datasets.segmentation.annotations import xml_files
from tests.support.sample_images import write

BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]>\n'
    "<a><b>&y;</b></a>"
)


def test_elements_come_one_by_one(tmp_path):
    path = write(tmp_path / "a.xml", '<!-- a --><a>t<b n="1"><c>x</c></b><d/></a>')
    assert xml_files.read_root(path) == "a"
    found = [(each.tag, each.findtext("c")) for each in xml_files.read_elements(path)]
    assert found == [("b", "x"), ("d", None)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "has a document type"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "has a document type"),
        ("<a><b></a>", "is not valid XML: mismatched tag"),
        ("{}", "is not valid XML"),
        ("", "is not valid XML"),
        ('<?xml version="1.0" encoding="utf-0"?><a/>', "is not valid XML: unknown encoding"),
        ("<a>&x;</a>", "is not valid XML: undefined entity"),
    ],
)
def test_other_files_are_refused(tmp_path, text, message):
    path = write(tmp_path / "a.xml", text)
    with pytest.raises(ValueError, match=message):
        list(xml_files.read_elements(path))
    assert xml_files.read_root(path) in (None, "a")


def test_the_root_of_no_xml_is_none(tmp_path):
    assert xml_files.read_root(write(tmp_path / "a.xml", BOMB)) is None
    assert xml_files.read_root(str(tmp_path / "missing.xml")) is None
