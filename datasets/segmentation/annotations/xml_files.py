"""Reads XML files of labelling tools: in pieces, and without what may make a small file huge."""

import contextlib
import xml.parsers.expat
from collections.abc import Iterator
from xml.etree import ElementTree

from common.texts import printable

_CHUNK = 1 << 16


class _Found(Exception):
    """The root element is there."""


def read_root(path: str) -> str | None:
    """Returns the name of a file's outermost element; None if it is not XML, or declares types."""
    try:
        return _read_prolog(path)
    except (ValueError, OSError):
        return None


def read_elements(path: str) -> Iterator[ElementTree.Element]:
    """Yields the elements directly below the outermost one, each of which is forgotten afterwards.

    Raises:
      ValueError: the file is no well-formed XML, or has a document type, which may declare entities
        that grow without bounds; the message names it.
    """
    _read_prolog(path)
    root, depth = None, 0
    try:
        for event, element in ElementTree.iterparse(path, ("start", "end")):
            depth += 1 if event == "start" else -1
            if root is None:
                root = element
            elif event == "end" and depth == 1:
                yield element
                root.clear()
    except (ElementTree.ParseError, LookupError) as error:
        raise ValueError(f"{printable(path)} is not valid XML: {error}.") from None


def _read_prolog(path: str) -> str:
    """Reads up to the outermost element and returns its name; raises what `read_elements` does."""
    names: list[str] = []

    def refuse(*declared: object) -> None:
        raise ValueError(
            f"{printable(path)} has a document type (<!DOCTYPE …>), which is not read. Remove it."
        )

    def start(name: str, attributes: object) -> None:
        names.append(name)
        raise _Found

    parser = xml.parsers.expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    try:
        with open(path, "rb") as file, contextlib.suppress(_Found):
            while chunk := file.read(_CHUNK):
                parser.Parse(chunk)
            parser.Parse(b"", True)
    except (xml.parsers.expat.ExpatError, LookupError) as error:  # An unknown encoding.
        raise ValueError(f"{printable(path)} is not valid XML: {error}.") from None
    return names[0]
