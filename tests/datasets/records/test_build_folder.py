"""The folder of a build: its lock, its notes, and what of earlier builds goes."""

import dataclasses
import os

import pytest

from common import locks
from common.dataset_files import DATASET_FILE
from datasets.records import build_folder, tfrecords
from tests.support import command_runs


@dataclasses.dataclass(frozen=True)
class Note:
    """What these tests remember of a shard."""

    digest: str
    sizes: tuple[int, ...]


NOTE = Note("abc", (1, 2))


def write_shards(folder, count: int) -> list[str]:
    """Writes shards that only have their names, and a note for each."""
    paths = [tfrecords.shard_path(str(folder), "train", index, count) for index in range(count)]
    for path in paths:
        with open(path, "w"):
            build_folder.remember(path, NOTE)
    return paths


@pytest.fixture
def folder(tmp_path):
    """A folder in which a build has begun."""
    with build_folder.sole_build(str(tmp_path)):
        pass
    return tmp_path


def names(folder) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.name != locks.LOCK_FILE
    }


def test_only_the_build_that_holds_the_lock_removes_folders_that_were_of_no_use(
    tmp_path, monkeypatch
):
    output = tmp_path / "new" / "records"
    # Another build that saw no folder before the first one made it.
    made = build_folder._missing_folders(str(output))
    monkeypatch.setattr(build_folder, "_missing_folders", lambda folder: made)
    first = build_folder.sole_build(str(output))
    first.__enter__()
    for _ in range(2):
        with pytest.raises(locks.FolderInUseError), build_folder.sole_build(str(output)):
            pass
    assert not first.__exit__(KeyError, KeyError(), None)
    assert list(tmp_path.iterdir()) == []


def test_a_build_makes_its_folder_and_is_the_only_one(tmp_path):
    output = tmp_path / "new" / "records"
    assert not build_folder.was_begun(str(output))
    with build_folder.sole_build(str(output)):
        assert build_folder.was_begun(str(output))
        code = "import sys; from datasets.records import build_folder\n"
        code += "with build_folder.sole_build(sys.argv[1]): print('taken')"
        second = command_runs.run_program(code, str(output), cwd=tmp_path)
    assert second.stdout == ""
    assert "another build of a dataset" in second.stderr
    assert "Wait until that one has ended, or choose another output_dir." in second.stderr
    with build_folder.sole_build(str(output)):
        pass


def test_what_stands_in_the_way_of_a_folder_is_named_and_nothing_is_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match=rf"^output_dir {tmp_path}/file/x: {tmp_path}/fil"):
        build_folder.check_writable(str(tmp_path / "file" / "x"))
    build_folder.check_writable(str(tmp_path / "new"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_note_comes_back_as_it_was_and_a_damaged_one_is_an_error(folder):
    first, second = write_shards(folder, 2)
    assert build_folder.recall(first, Note) == NOTE
    (note,) = [name for name in names(folder) if "00001" in name and name.endswith(".json")]
    (folder / note).write_text('{"digest": "abc"}')
    with pytest.raises(ValueError, match=r"train-00001-of-00002\.json"):
        build_folder.recall(second, Note)
    build_folder.discard(first)
    build_folder.discard(first)  # Nothing is left, which is no error.
    with pytest.raises(FileNotFoundError):
        build_folder.recall(first, Note)
    assert not os.path.exists(first)
    assert os.path.exists(second)


def test_a_failure_is_remembered_until_the_next_build(folder):
    paths = write_shards(folder, 1)
    assert build_folder.recall_failure(paths[0]) is None
    build_folder.remember_failure(paths[0], "a\udcff.jpg: größer")
    assert build_folder.recall_failure(paths[0]) == "a\\udcff.jpg: größer"
    build_folder.prepare(str(folder), paths, is_finished=True)
    assert build_folder.recall_failure(paths[0]) is None
    assert build_folder.recall(paths[0], Note) == NOTE


@pytest.mark.parametrize(
    ("is_finished", "stale", "is_kept"),
    [(True, False, True), (False, False, False), (True, True, False)],
)
def test_the_description_stays_only_where_all_shards_do(folder, is_finished, stale, is_kept):
    (folder / DATASET_FILE).write_text("{}")
    if stale:
        write_shards(folder, 3)
    paths = write_shards(folder, 2)
    build_folder.prepare(str(folder), paths, is_finished=is_finished)
    expected = {os.path.basename(path) for path in paths}
    expected |= {f".build/train-0000{index}-of-00002.json" for index in range(2)}
    expected |= {DATASET_FILE} if is_kept else set()
    assert names(folder) == expected


def test_files_that_are_no_shards_are_left_alone(folder):
    paths = write_shards(folder, 1)
    (folder / "README").write_text("mine")
    (folder / "train.tfrecord").write_text("mine")
    build_folder.prepare(str(folder), paths, is_finished=False)
    assert {"README", "train.tfrecord"} < names(folder)
