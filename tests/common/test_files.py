import contextlib
import errno
import os
import pathlib

import pytest

from common import files


def write_to_a_full_disk(path: str) -> None:
    pathlib.Path(path).write_bytes(b"half")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_write_replaces_a_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    files.write(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_keeps_the_old_file_and_names_it(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    with (
        pytest.raises(OSError, match=r"a.txt cannot be written: No space left on device"),
        files.replacing(str(path)) as temporary,
    ):
        write_to_a_full_disk(temporary)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_folder_takes_the_place_of_another(tmp_path):
    path = tmp_path / "model"
    for content in ("first", "second"):
        with files.replacing_folder(str(path)) as temporary:
            (pathlib.Path(temporary) / content).mkdir()
            (pathlib.Path(temporary) / content / "file").write_text(content)
        assert [each.name for each in path.iterdir()] == [content]
        assert (path / content / "file").read_text() == content
    assert os.listdir(tmp_path) == ["model"]


def test_an_error_keeps_the_old_folder(tmp_path, monkeypatch):
    path = tmp_path / "model"
    path.mkdir()
    (path / "old").touch()

    def write() -> None:
        with files.replacing_folder(str(path)) as temporary:
            write_to_a_full_disk(os.path.join(temporary, "file"))

    with pytest.raises(OSError, match="No space left on device"):
        write()
    original = os.replace

    def replace(source: str, target: str) -> None:
        if target == str(path) and "new" in os.listdir(source):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        original(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with (
        pytest.raises(OSError, match=r"model cannot be written: Invalid cross-device link"),
        files.replacing_folder(str(path)) as temporary,
    ):
        (pathlib.Path(temporary) / "new").touch()
    assert os.listdir(tmp_path) == ["model"]
    assert os.listdir(path) == ["old"]


def test_whole_folders_are_set_aside(tmp_path):
    path = tmp_path / "model"
    (path / "inside").mkdir(parents=True)

    def fail() -> None:
        with files.set_aside([str(path)]):
            assert not path.exists()
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert (path / "inside").is_dir()
    with files.set_aside([str(path)]) as removed:
        pass
    assert removed == [str(path)]
    assert os.listdir(tmp_path) == []


def test_an_error_about_another_file_stays_as_it_is(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match="elsewhere"),
        files.replacing(str(tmp_path / "a.txt")),
    ):
        raise FileNotFoundError(errno.ENOENT, "No such file", "elsewhere")
    with (
        pytest.raises(OSError, match=r"^[^ ]*/b\.txt cannot be written: No space left on device$"),
        files.replacing(str(tmp_path / "a.txt")),
        files.replacing(str(tmp_path / "b.txt")) as temporary,
    ):
        write_to_a_full_disk(temporary)


@pytest.mark.parametrize("name", ["x" * 255, "ß" * 127, os.fsdecode(b"\xff" * 255)])
def test_names_may_be_as_long_as_the_system_allows(tmp_path, name):
    files.write(str(tmp_path / name), b"content")
    assert (tmp_path / name).read_bytes() == b"content"


def test_leftovers_of_processes_that_ended_are_removed(tmp_path):
    pid = os.fork()
    if pid == 0:
        path = str(tmp_path / "of a killed process")
        with files.replacing(path) as plain, files.replacing(path, ".mp4") as video:
            pathlib.Path(plain).write_bytes(b"half")
            pathlib.Path(video).write_bytes(b"half")
            os._exit(0)
    os.waitpid(pid, 0)
    (tmp_path / "mine.tmp").write_bytes(b"a user's own file")
    (tmp_path / ".x.otherhost-1-1.tmp").write_bytes(b"another host's, new")
    old = tmp_path / ".y.otherhost-1-1.tmp"
    old.write_bytes(b"another host's, old")
    os.utime(old, (0, 0))
    with files.replacing(str(tmp_path / "in progress"), ".mp4") as temporary:
        assert temporary.endswith(".tmp.mp4")
        pathlib.Path(temporary).write_bytes(b"")
        assert len(files.remove_leftovers(str(tmp_path))) == 3
        assert os.path.exists(temporary)
    assert sorted(os.listdir(tmp_path)) == [".x.otherhost-1-1.tmp", "in progress", "mine.tmp"]


def test_leftovers_of_an_earlier_process_of_the_same_number_are_removed(tmp_path):
    with files.replacing(str(tmp_path / "a")) as temporary:
        name = os.path.basename(temporary)
        pathlib.Path(temporary).write_bytes(b"")
    (tmp_path / name).write_bytes(b"of a run in a container before")
    assert files.remove_leftovers(str(tmp_path)) == [str(tmp_path / name)]


def test_a_folder_that_is_not_there_has_no_leftovers(tmp_path):
    assert files.remove_leftovers(str(tmp_path / "nothing")) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_of_any_unicode_encoding_is_read(tmp_path, encoding):
    path = tmp_path / "a.txt"
    path.write_bytes("Öl\n道".encode(encoding))
    assert files.read_text(str(path)) == "Öl\n道"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a\nÖl".encode("latin-1"), "byte 0xd6 in line 2 is not UTF-8"),
        ("Öl".encode("utf-16-le"), "byte 0xd6 in line 1"),
        ("ab".encode("utf-16-be"), "it holds zero bytes"),
        (b"\xff\xfea", "it is cut off"),
    ],
)
def test_text_of_another_encoding_is_named(tmp_path, content, reason):
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"a\.txt: not a text file in UTF-8 \({reason}.*Save it"):
        files.read_text(str(path))


def test_files_set_aside_go_for_good_or_come_back(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)
    paths = [str(tmp_path / name) for name in ("a", "b", "missing")]
    with contextlib.suppress(KeyboardInterrupt), files.set_aside(paths) as moved:
        assert moved == paths[:2]
        assert not os.path.exists(paths[0])
        raise KeyboardInterrupt
    assert {name: (tmp_path / name).read_text() for name in os.listdir(tmp_path)} == {
        name: name for name in "abc"
    }
    with files.set_aside(paths):
        pass
    assert os.listdir(tmp_path) == ["c"]


def test_of_files_that_are_replaced_together_the_one_that_fails_is_named(tmp_path):
    with (
        pytest.raises(OSError, match=r"^\S*/inner cannot be written: No space left") as raised,
        files.replacing(str(tmp_path / "outer")),
        files.replacing(str(tmp_path / "inner")),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert raised.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path) == []


def test_what_keeps_a_folder_from_being_written_to_is_found(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("nowhere")
    assert files.find_obstacle(str(tmp_path)) is None
    assert files.find_obstacle(str(tmp_path / "new" / "folder")) is None
    for name in ("file", "link"):
        expected = (str(tmp_path / name), "is not a folder")
        assert files.find_obstacle(str(tmp_path / name / "below")) == expected
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    expected = (str(tmp_path), "cannot be written to")
    assert files.find_obstacle(str(tmp_path / "new" / "folder")) == expected


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
def test_a_folder_is_tried_where_access_rights_promise_too_much(monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: True)
    path, problem = files.find_obstacle("/proc/new/folder")
    assert path == "/proc"
    assert problem.startswith("cannot be written to (")
