"""Tar archives: those of every program, and such as lie about what they hold."""

import bz2
import contextlib
import gzip
import io
import lzma
import os
import pathlib
import struct
import tarfile

import numpy as np
import pytest

from common import archive

GRAPH = "frozen_inference_graph.pb"
CONTENT = bytes(range(256)) * 20


def is_graph(name: str) -> bool:
    return name.rpartition("/")[2] == GRAPH


def tar(
    members: list[tuple[str, bytes]], format: int = tarfile.GNU_FORMAT, **fields: object
) -> bytes:
    """Returns an archive; `fields` are set in the header of the last member."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=format) as writer:
        for index, (name, content) in enumerate(members):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            if index == len(members) - 1:
                for field, value in fields.items():
                    setattr(info, field, value)
            writer.addfile(info, io.BytesIO(content))
    return file.getvalue()


def read(tmp_path: pathlib.Path, content: bytes) -> bytes | None:
    path = tmp_path / "model.tar.gz"
    path.write_bytes(content)
    return archive.read_member(str(path), is_graph)[0]


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_archives_of_all_kinds_are_read(tmp_path, format, pack):
    members = [("a/x.json", b"{}"), ("a/empty", b""), (f"a/{GRAPH}", CONTENT), ("b", b"1")]
    assert read(tmp_path, pack(tar(members, format))) == CONTENT


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names(tmp_path, format):
    folder = "/".join(["folder-of-a-model"] * (7 if format == tarfile.USTAR_FORMAT else 14))
    assert read(tmp_path, tar([(f"{folder}/{GRAPH}", CONTENT)], format)) == CONTENT
    assert read(tmp_path, tar([(f"{'ä' * 90}/{GRAPH}", CONTENT)], tarfile.PAX_FORMAT)) == CONTENT


def test_what_other_files_are_there_is_told(tmp_path):
    path = tmp_path / "model.tar"
    path.write_bytes(tar([("a/one.pb", b"1"), ("two", b""), ("three.json", b"3")]))
    assert archive.read_member(str(path), is_graph) == (None, ["a/one.pb", "two", "three.json"])


def lying(size_field: bytes) -> bytes:
    """Returns an archive whose member has another size in its header, with the right checksum."""
    content = bytearray(tar([(GRAPH, CONTENT)]))
    content[124:136] = size_field
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(content[:512])
    return bytes(content)


def base256(number: int) -> bytes:
    return (number % (1 << 96) | 0x80 << 88).to_bytes(12, "big")


def sparse() -> bytes:
    return tar([(GRAPH, CONTENT)], type=tarfile.GNUTYPE_SPARSE)


def pax(entries: bytes) -> bytes:
    return tar([("x", entries)], type=tarfile.XHDTYPE)[: 512 + 512 * -(-len(entries) // 512)] + tar(
        [(GRAPH, CONTENT)]
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: b"", "is truncated or not a tar archive"),
        (lambda: b"text " * 500, "is truncated or not a tar archive"),
        (lambda: tar([(GRAPH, CONTENT)])[:3000], "is truncated, or a header in it is wrong"),
        (lambda: tar([("x", CONTENT)])[:300], "is truncated or not a tar archive"),
        (lambda: gzip.compress(tar([(GRAPH, CONTENT)]))[:100], "is truncated or not a tar archive"),
        (lambda: gzip.compress(b"no tar"), "is truncated or not a tar archive"),
        (lambda: b"\x1f\x8b" + b"no gzip" * 9, "is truncated or not a tar archive"),
        (lambda: bz2.compress(tar([(GRAPH, CONTENT)]))[:80], "is truncated or not a tar archive"),
        (lambda: b"BZh9" + b"no bzip2" * 9, "is truncated or not a tar archive"),
        (lambda: lzma.compress(tar([(GRAPH, CONTENT)]))[:60], "is truncated or not a tar archive"),
        (lambda: b"\xfd7zXZ\0" + b"no xz" * 9, "is truncated or not a tar archive"),
        (lambda: lying(b"77777777777\0"), r"with 8 GiB, more than the 1 GiB that are read"),
        (lambda: lying(b"00000100000\0"), "is truncated, or a header in it is wrong"),
        (lambda: lying(b"-0000000001\0"), "has a member of negative size"),
        (lambda: lying(b"99999999999\0"), "is truncated or not a tar archive"),
        (lambda: lying(b"\xff" * 12), "has a member of negative size"),
        (lambda: lying(base256(1 << 60)), "more than the 1 GiB that are read"),
        (lambda: lying(base256(1 << 90)), "more than the 1 GiB that are read|not a tar archive"),
        (lambda: lying(base256(1 << 28)), "is truncated, or a header in it is wrong"),
        (lambda: sparse(), f"has {GRAPH} as a sparse file; pack the file itself"),
        (lambda: pax(b"25 GNU.sparse.map=0,5120\n"), "as a sparse file"),
        (lambda: tar([(GRAPH, b"")], type=tarfile.SYMTYPE, linkname="/etc/passwd"), "as a link"),
        (lambda: tar([(GRAPH, b"")], type=tarfile.LNKTYPE, linkname="x"), "as a link"),
        (lambda: pax(b"21 size=-99999999999\n"), "has a member of negative size"),
        (lambda: pax(b"x" * 70000), "has a header of more than 65536 bytes"),
        (lambda: tar([("x", b"x" * 70000)], type=tarfile.GNUTYPE_LONGNAME), "more than 65536 byt"),
        (lambda: tar([("x", b"1")])[:1024] + b"no header" * 99, "is truncated or not a tar"),
        (lambda: tar([("x", b"1")])[:1024] + tar([("y", b"1")])[:99], "is truncated or not a tar"),
        (lambda: gzip.compress(tar([("x", b"")] * 10_001, format=1)), "more than 10000 members"),
    ],
)
def test_archives_that_lie_are_one_line(tmp_path, content, message):
    with pytest.raises(ValueError, match=rf"model\.tar\.gz .*({message})") as error:
        read(tmp_path, content())
    assert str(error.value).isprintable()


@pytest.mark.parametrize("entries", [b"99 path=x\n", b"0 path=x\n", b"1" * 5000])
def test_damaged_pax_headers_do_no_harm(tmp_path, entries):
    """Versions of Python differ in what they make of them."""
    with contextlib.suppress(ValueError):
        assert read(tmp_path, pax(entries)) in (None, CONTENT)


def test_an_empty_archive_has_nothing(tmp_path):
    assert read(tmp_path, bytes(10240)) is None


def test_a_sparse_map_without_end_is_refused(tmp_path):
    header = bytearray(tar([(GRAPH, b"")], type=tarfile.GNUTYPE_SPARSE)[:512])
    header[482] = 1  # There are further blocks of its map.
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    endless = bytes(header) + (b"1" * 504 + b"\1" + bytes(7)) * 1000
    with pytest.raises(ValueError, match="has a header of more than 65536 bytes"):
        read(tmp_path, endless)


def test_what_an_archive_unpacks_to_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 1 << 22)
    bomb = gzip.compress(tar([("zeros", bytes(1 << 23)), (GRAPH, CONTENT)]))
    assert len(bomb) < 20_000
    with pytest.raises(ValueError, match="unpacks to more than"):
        read(tmp_path, bomb)
    endless = gzip.compress(tar([("x", b"")])[:512] * 20_000)
    with pytest.raises(ValueError, match=r"unpacks to more than|more than 10000 members"):
        read(tmp_path, endless)


def test_mangled_archives_end_soon_with_one_line(tmp_path):
    sound = tar([("a.json", b"{}"), (f"{'x' * 120}/{GRAPH}", CONTENT), ("b", b"1")])
    random = np.random.RandomState(0)
    outcomes = {"read": 0, "refused": 0}
    for number in range(200):
        content = bytearray(sound)
        for _ in range(random.randint(1, 8)):
            content[random.randint(3 * 1024)] = random.randint(256)
        if number % 3 == 0:
            content = content[: random.randint(len(content))]
        if number % 5 == 0:
            content[124:136] = struct.pack(">Q", random.randint(1 << 40)) + b"\0" * 4
        content = gzip.compress(bytes(content)) if number % 2 else bytes(content)
        try:
            read(tmp_path, content)
            outcomes["read"] += 1
        except ValueError as error:
            outcomes["refused"] += "model.tar.gz" in str(error) and str(error).isprintable()
    assert sum(outcomes.values()) == 200
    assert min(outcomes.values()) > 5


def test_unpacking_writes_every_file_and_no_link_device_or_macos_file(tmp_path):
    path, folder = tmp_path / "model.tar.gz", tmp_path / "folder"
    folder.mkdir()
    members = [("./a/x.json", b"{}"), ("a/._x.json", b"macOS"), ("a/b/empty", b""), ("c", CONTENT)]
    path.write_bytes(gzip.compress(tar(members)))
    assert archive.unpack(str(path), str(folder)) == ["a/x.json", "a/b/empty", "c"]
    found = {str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()}
    assert found == {"a/x.json", "a/b/empty", "c"}
    assert (folder / "c").read_bytes() == CONTENT
    device = tar([("device", b"")], type=tarfile.FIFOTYPE)
    path.write_bytes(device)
    assert archive.unpack(str(path), str(folder)) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda: tar([("../outside", b"1")]), r"has \.\./outside, which lies outside of it"),
        (lambda: tar([("a/../../outside", b"1")]), "which lies outside of it"),
        (lambda: tar([("/outside", b"1")]), "has /outside, which lies outside of it"),
        (lambda: tar([("a", b"")], type=tarfile.SYMTYPE, linkname=".."), "has a as a link"),
        (lambda: tar([("a", b"")], type=tarfile.LNKTYPE, linkname="/etc/passwd"), "as a link"),
        (lambda: tar([("a", b"1"), ("./a", b"2")]), r"has two members of the name \./a"),
        (lambda: tar([("a", b"1"), ("a/b", b"2")]), "has two members of the name a/b"),
        (lambda: gzip.compress(tar([("a", CONTENT)]))[:-20], "is truncated or not a tar archive"),
        (lambda: b"<html>sign in</html>" * 40, "is truncated or not a tar archive"),
    ],
)
def test_unpacking_refuses_what_is_damaged_or_leads_out_of_the_folder(tmp_path, content, message):
    path, folder = tmp_path / "model.tar.gz", tmp_path / "inside" / "folder"
    folder.mkdir(parents=True)
    path.write_bytes(content())
    with pytest.raises(ValueError, match=rf"model\.tar\.gz .*{message}"):
        archive.unpack(str(path), str(folder))
    assert sorted(os.listdir(tmp_path)) == ["inside", "model.tar.gz"]
    assert os.listdir(tmp_path / "inside") == ["folder"]


def test_a_link_that_an_archive_brings_is_never_followed(tmp_path):
    """The link is refused before the member that would go through it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as writer:
        link = tarfile.TarInfo("a")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        writer.addfile(link)
        info = tarfile.TarInfo("a/outside")
        info.size = 1
        writer.addfile(info, io.BytesIO(b"1"))
    path, folder = tmp_path / "model.tar", tmp_path / "folder"
    folder.mkdir()
    path.write_bytes(file.getvalue())
    with pytest.raises(ValueError, match="has a as a link"):
        archive.unpack(str(path), str(folder))
    assert not (tmp_path / "outside").exists()
