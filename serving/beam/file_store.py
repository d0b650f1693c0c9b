"""Files in folders, and in the buckets that Apache Beam's file systems know: `gs://`, `s3://` …

An address with `://` is in a bucket. Beam is imported for these only.
"""

import contextlib
import os
import posixpath
import shutil
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from common import files, image_files
from common.texts import printable
from serving import image_search

_SCHEME = "://"
_MAX_STATE_BYTES = 1 << 26


class FoundImage(NamedTuple):
    """An image, and its state: what tells whether it has changed."""

    path: str
    state: str


class FoundImages(NamedTuple):
    """See `image_search.Search`."""

    images: list[FoundImage]
    problems: list[str]
    notes: list[str]


def is_remote(path: str) -> bool:
    """Whether a path is an address in a bucket."""
    return _SCHEME in path


def join(folder: str, name: str) -> str:
    """Returns the path of a file in a folder or bucket."""
    return posixpath.join(folder, name) if is_remote(folder) else os.path.join(folder, name)


def find_images(arguments: Sequence[str], skipped_endings: Sequence[str]) -> FoundImages:
    """Finds images as `image_search.search` does; addresses may end in `/` or be patterns.

    Raises:
      ValueError: a bucket cannot be listed.
    """
    found = FoundImages([], [], [])
    local = [argument for argument in arguments if not is_remote(argument)]
    if local:
        search = image_search.search(local, skipped_endings)
        found.images.extend(FoundImage(path, _local_state(path)) for path in search.paths)
        found.problems.extend(search.problems)
        found.notes.extend(search.notes)
    for address in arguments:
        if not is_remote(address):
            continue
        images = [
            FoundImage(each.path, _remote_state(each))
            for each in _match(address + "*" if address.endswith("/") else address)
            if each.path.lower().endswith(image_files.ENDINGS)
            and not each.path.endswith(tuple(skipped_endings))
        ]
        found.images.extend(images)
        if not images:
            found.problems.append(f"no image matches {printable(address)}")
    return found


def fetch(path: str, folder: str) -> str:
    """Returns the local path of a file; one of a bucket is copied into a folder of its own.

    Raises:
      OSError: it cannot be read.
    """
    if not is_remote(path):
        return path
    own = os.path.join(folder, uuid.uuid4().hex)
    os.mkdir(own)
    local = os.path.join(own, posixpath.basename(path))
    with _open(path) as source, open(local, "wb") as target:
        shutil.copyfileobj(source, target)
    return local


def fetch_all(path: str, folder: str) -> str:
    """Returns the local path of a file or folder; all files of one in a bucket are copied.

    Raises:
      ValueError: a bucket has no such files.
      OSError: they cannot be read.
    """
    if not is_remote(path):
        return path
    found = _match_all(path)
    for each in found:
        with (
            _open(each.path) as source,
            open(os.path.join(folder, posixpath.basename(each.path)), "wb") as target,
        ):
            shutil.copyfileobj(source, target)
    is_file = len(found) == 1 and found[0].path == path
    return os.path.join(folder, posixpath.basename(path)) if is_file else folder


def state_of_all(address: str) -> str:
    """Returns what tells whether a file or folder in a bucket has changed (ValueError: no such)."""
    return ", ".join(f"{each.path} {_remote_state(each)}" for each in _match_all(address))


def states(folder: str, names: Sequence[str] | None = None) -> dict[str, str]:
    """Returns the states of the files of a folder, by name.

    Args:
      folder: that may not exist yet.
      names: only of these, as far as they exist; None for all.

    Raises:
      ValueError: a bucket cannot be listed.
    """
    if is_remote(folder):
        found = _match(join(folder, "*")) if names is None else _find_all(folder, names)
        return {posixpath.basename(each.path): _remote_state(each) for each in found}
    if names is None:
        names = os.listdir(folder) if os.path.isdir(folder) else []
    paths = {name: os.path.join(folder, name) for name in names}
    return {name: _local_state(path) for name, path in paths.items() if os.path.isfile(path)}


def publish(folder: str, names: Iterable[str], target: str) -> None:
    """Copies files of a folder into a bucket, each whole or not at all.

    Raises:
      OSError: one cannot be written.
    """
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            write(join(target, name), file.read())


def read(path: str) -> bytes | None:
    """Returns the content of a small file; None where there is none.

    Raises:
      OSError: it cannot be read.
    """
    if is_remote(path):
        from apache_beam.io.filesystems import FileSystems

        if not FileSystems.exists(path):
            return None
        with _open(path) as file:
            return file.read(_MAX_STATE_BYTES)
    if not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        return file.read(_MAX_STATE_BYTES)


def write(path: str, content: bytes) -> None:
    """Writes a file, whole or not at all.

    Raises:
      OSError: it cannot be written.
    """
    if not is_remote(path):
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        files.write(path, content)
        return
    from apache_beam.io.filesystems import FileSystems

    # Stores of objects show a file once it is whole, others its temporary name.
    temporary = f"{path}.{uuid.uuid4().hex}.tmp"
    with FileSystems.create(temporary) as file:
        file.write(content)
    if FileSystems.exists(path):
        FileSystems.delete([path])
    FileSystems.rename([temporary], [path])


def remove(path: str) -> None:
    """Removes a file, if it is there."""
    if is_remote(path):
        from apache_beam.io.filesystems import FileSystems

        if FileSystems.exists(path):
            FileSystems.delete([path])
    elif os.path.exists(path):
        os.remove(path)


def _local_state(path: str) -> str:
    status = os.stat(path)
    return f"{status.st_size} {status.st_mtime_ns}"


def _remote_state(metadata: Any) -> str:
    return f"{metadata.size_in_bytes} {metadata.last_updated_in_seconds}"


def _match_all(address: str) -> list:
    """Returns the files of a folder, or the one file (ValueError: there is none)."""
    found = _match(address.rstrip("/") + "/*") or _match(address)
    if not found:
        raise ValueError(f"{printable(address)}: no such file or folder.")
    return found


def _find_all(folder: str, names: Sequence[str]) -> list:
    """Returns those files of a folder that exist; in their names nothing is a pattern."""
    from apache_beam.io.filesystem import BeamIOError
    from apache_beam.io.filesystems import FileSystems

    found = []
    for name in names:
        with contextlib.suppress(BeamIOError):
            found.append(FileSystems.get_filesystem(folder).metadata(join(folder, name)))
    return found


def _match(pattern: str) -> list:
    from apache_beam.io.filesystem import BeamIOError
    from apache_beam.io.filesystems import FileSystems

    try:
        (result,) = FileSystems.match([pattern])
    except (BeamIOError, ValueError) as error:
        raise ValueError(f"{printable(pattern)} cannot be listed: {error}") from None
    return sorted(result.metadata_list, key=lambda each: each.path)


def _open(path: str):
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
