"""The folder that keeps published weights, each downloaded once.

    CACHE/NAME/FILE.tar.gz         as it was published, or as a user has copied it there
    CACHE/NAME/FILE.tar.gz.part    what has arrived of it so far (`published.download`)
    CACHE/NAME/files/              what is in it
    CACHE/NAME/received.json       sizes and SHA-256 of the file, and of what is in it

No checksums were published. Those of the file that came first are recorded, and a file that comes
later has to have the same. Without its archive, `files` is used as it is.
"""

import contextlib
import dataclasses
import hashlib
import os
import sys
import time
from collections.abc import Iterator, Mapping

from common import archive, files, json_files, locks
from common.texts import first_few, printable
from published import catalogue
from published.catalogue import Weights

# Folder of the cache, and an address that has the files instead of those in the catalogue.
CACHE_VARIABLE = "DEEPLAB_WEIGHTS_CACHE"
MIRROR_VARIABLE = "DEEPLAB_WEIGHTS_MIRROR"
RECORD_FILE = "received.json"

_FILES = "files"
# How files end that are a network: a checkpoint, one of a single file, and a graph.
_OF_NETWORKS = (".index", ".ckpt", ".pb")
_FORMAT_VERSION = 1
_CHUNK_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class _Content:
    """What a file holds."""

    num_bytes: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class _Record:
    """What was received of published weights: `received.json`.

    Attributes:
      source: the address that it came from, or "copied" for a file that a user put there.
      received: when.
      file: the file as it was published.
      files: of an archive, what is in it, by name.
    """

    source: str
    received: str
    file: _Content
    files: Mapping[str, _Content]
    format_version: int = _FORMAT_VERSION


def root() -> str:
    """Returns the folder of the cache, which need not exist."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return os.path.abspath(os.path.expanduser(given))
    data = os.environ.get("XDG_CACHE_HOME", "")
    # The specification has relative paths ignored.
    base = data if os.path.isabs(data) else os.path.expanduser("~/.cache")
    return os.path.join(base, "deeplab", "weights")


def folder_of(weights: Weights) -> str:
    """Returns the folder of some weights in the cache, which need not exist."""
    return os.path.join(root(), weights.name)


def file_path(weights: Weights) -> str:
    """Returns where the published file is kept."""
    return os.path.join(folder_of(weights), weights.file)


def address(weights: Weights) -> str:
    """Returns where the file is downloaded from: the mirror, if one is given.

    Raises:
      ValueError: the mirror is not an address.
    """
    mirror = os.environ.get(MIRROR_VARIABLE)
    if not mirror:
        return weights.address
    if not mirror.startswith(("http://", "https://")):
        raise ValueError(
            f"{MIRROR_VARIABLE} is {printable(mirror)!r}; expected an address that begins with "
            "http:// or https:// and has the files in it."
        )
    return f"{mirror.rstrip('/')}/{weights.file}"


def weights_at(path: str) -> Weights | None:
    """Returns the weights to which a path in the cache belongs; None for other paths."""
    relative = os.path.relpath(os.path.abspath(path), root())
    return catalogue.CATALOGUE.get(relative.split(os.sep)[0])


def has(weights: Weights) -> bool:
    """Returns whether the weights are there, so that nothing has to be downloaded or unpacked."""
    try:
        record = _read_record(weights)
    except ValueError:
        return False
    return record is not None and _is_complete(weights, record)


def file_size(weights: Weights) -> int | None:
    """Returns the bytes of the file, as it was published or received; None where nobody knows."""
    if weights.num_bytes is not None:
        return weights.num_bytes
    try:
        record = _read_record(weights)
    except ValueError:
        return None
    return record.file.num_bytes if record is not None else None


def has_record(weights: Weights) -> bool:
    """Returns whether weights have been received, at any time."""
    return os.path.isfile(_record_path(weights))


def ensure(weights: Weights) -> str:
    """Downloads and unpacks weights, unless they are there.

    Other processes that want the same weights wait meanwhile. What happens is told on standard
    error.

    Returns:
      The folder that holds what is in the archive; for a file that is not an archive, its path.

    Raises:
      ValueError: they cannot be downloaded, are damaged, or are others than those that were
        received first; says what to do.
      OSError: the cache cannot be written to; names the file.
    """
    found = _content_path(weights)
    if has(weights):
        return found
    folder = folder_of(weights)
    obstacle = files.find_obstacle(folder)
    if obstacle is not None:
        where, problem = obstacle
        raise ValueError(
            f"{weights.name} cannot be kept in {printable(folder)}: {printable(where)} {problem}; "
            f"name another folder with ${CACHE_VARIABLE}."
        )
    os.makedirs(folder, exist_ok=True)
    with writing(weights):
        files.remove_leftovers(folder)
        if not has(weights):
            _fetch(weights)
    return found


def files_in(weights: Weights) -> list[str]:
    """Returns the paths of the files in the archive of weights that are there, sorted."""
    folder = _content_path(weights)
    return sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)


def find_file(weights: Weights, name: str) -> str | None:
    """Returns the path of that file of a name that lies in the fewest folders; None for no such."""
    found = [path for path in files_in(weights) if os.path.basename(path) == name]
    return min(found, key=lambda path: (path.count(os.sep), path), default=None)


def describe_files(weights: Weights) -> str:
    """Names the files in the archive of weights that are there."""
    folder = _content_path(weights)
    return first_few(os.path.relpath(path, folder) for path in files_in(weights))


@contextlib.contextmanager
def writing(weights: Weights) -> Iterator[None]:
    """Lets no other process write into the folder of some weights while a block runs."""
    with locks.sole_writer_in_turn(folder_of(weights), "a download", _tell):
        yield


def verify(weights: Weights) -> list[str]:
    """Compares what is in the cache with what was received; returns what differs.

    Raises:
      ValueError: nothing was received, or its record is damaged.
    """
    record = _read_record(weights)
    if record is None:
        raise ValueError(
            f"{weights.name} has not been received yet: python -m scripts.weights get "
            f"{weights.name} downloads it."
        )
    wanted = {os.path.join(_FILES, name): content for name, content in record.files.items()}
    if not weights.is_archive or os.path.exists(file_path(weights)):
        wanted[weights.file] = record.file
    return [
        difference
        for name, content in wanted.items()
        if (difference := _difference(os.path.join(folder_of(weights), name), content))
    ]


def explain_mending(weights: Weights) -> str:
    """Returns what to do where `verify` has found differences.

    The record stays, so that what comes instead has to be what was received first.
    """
    record = _read_record(weights)
    kept = {RECORD_FILE, locks.LOCK_FILE}
    if record is not None and _difference(file_path(weights), record.file) is None:
        kept.add(weights.file)
    folder = folder_of(weights)
    others = [os.path.join(folder, name) for name in sorted({*os.listdir(folder)} - kept)]
    removal = f"remove {' and '.join(map(printable, others))}, then " if others else ""
    return f"{removal}run python -m scripts.weights get {weights.name}"


def _fetch(weights: Weights) -> None:
    """Brings weights into the cache; this process holds its lock."""
    from published import download  # It needs http.client, which takes a while to import.

    path, part = file_path(weights), f"{file_path(weights)}.part"
    record = _read_record(weights)
    is_copied = os.path.exists(path)
    source = "copied" if is_copied else address(weights)
    if not is_copied:
        _download(weights, source, part)
    received = path if is_copied else part
    try:
        if weights.num_bytes not in (None, os.path.getsize(received)):
            raise ValueError(
                f"{printable(path)} has {os.path.getsize(received)} bytes; "
                f"{weights.num_bytes} were published. "
                + ("Copy it again." if is_copied else "Try again later.")
            )
        content = _content(received)
        if record is not None and content != record.file:
            raise ValueError(_describe_change(weights, source, record, content))
        unpacked = _unpack(weights, received, source) if weights.is_archive else {}
    except ValueError:
        if not is_copied:
            download.forget(part)  # To go on with it would bring the same.
        raise
    if not is_copied:
        os.replace(part, path)
    if record is None or record.files != unpacked:
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        new = _Record(source, now, content, unpacked)
        json_files.write(_record_path(weights), dataclasses.asdict(new))
        _tell(f"{weights.name}: {weights.license}; SHA-256 {content.sha256}, recorded")


def _download(weights: Weights, source: str, part: str) -> None:
    from published import download

    begun = os.path.getsize(part) if os.path.exists(part) else 0
    before = f", {begun / 1e6:.1f} MB of which came before" if begun else ""
    _tell(f"downloading {source}{before}, to {folder_of(weights)}")
    try:
        download.download(source, part, weights.num_bytes, sys.stderr.isatty())
    except download.DownloadError as error:
        if isinstance(error, download.RefusedError):
            advice = "Copy"
        elif os.path.exists(part) and os.path.getsize(part):
            advice = "The same command goes on with it later; or copy"
        else:
            advice = "Try again later, or copy"
        raise ValueError(
            f"{source} cannot be downloaded: {error}. {advice} {weights.file} from a machine that "
            f"has it into {printable(folder_of(weights))}. ${MIRROR_VARIABLE} names another server."
        ) from None


def _unpack(weights: Weights, received: str, source: str) -> dict[str, _Content]:
    """Unpacks an archive into `files`; returns what is in it."""
    with files.replacing_folder(_content_path(weights)) as folder:
        try:
            names = archive.unpack(received, folder)
            if not any(name.endswith(_OF_NETWORKS) for name in names):
                raise ValueError(f"holds no network: {first_few(names)}.")
        except OSError as error:
            raise files.cannot_write(printable(_content_path(weights)), error) from error
        except ValueError as error:
            what = str(error).removeprefix(printable(received)).strip()
            where = printable(received) if source == "copied" else f"what {source} sends"
            advice = "Copy it again." if source == "copied" else "Is there a proxy in between?"
            raise ValueError(f"{where} {what} {advice}") from None
        return {name: _content(os.path.join(folder, name)) for name in names}


def _describe_change(weights: Weights, source: str, record: _Record, content: _Content) -> str:
    where = printable(file_path(weights)) if source == "copied" else f"what {source} sends now"
    return (
        f"{where} is not the file that was received on {record.received} from {record.source}: its "
        f"SHA-256 is {content.sha256}, that one's was {record.file.sha256}. Find out which of them "
        f"is right; to take this one, remove {printable(folder_of(weights))} first."
    )


def _content_path(weights: Weights) -> str:
    return os.path.join(folder_of(weights), _FILES) if weights.is_archive else file_path(weights)


def _is_complete(weights: Weights, record: _Record) -> bool:
    """Returns whether all that was received is there, by its size."""
    if not weights.is_archive:
        sizes = {file_path(weights): record.file.num_bytes}
    else:
        folder = _content_path(weights)
        sizes = {os.path.join(folder, name): each.num_bytes for name, each in record.files.items()}
    return all(os.path.isfile(path) and os.path.getsize(path) == sizes[path] for path in sizes)


def _content(path: str) -> _Content:
    digest, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            size += len(chunk)
    return _Content(size, digest.hexdigest())


def _difference(path: str, content: _Content) -> str | None:
    if not os.path.isfile(path):
        return f"{printable(path)} is missing"
    found = _content(path)
    if found == content:
        return None
    return (
        f"{printable(path)} has {found.num_bytes} bytes and the SHA-256 {found.sha256}; received "
        f"were {content.num_bytes} bytes and {content.sha256}"
    )


def _read_record(weights: Weights) -> _Record | None:
    """Reads what was received; None if nothing was.

    Raises:
      ValueError: the record is damaged.
    """
    path = _record_path(weights)
    try:
        content = json_files.read_object(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return json_files.to_record(_Record, content, path)


def _record_path(weights: Weights) -> str:
    return os.path.join(folder_of(weights), RECORD_FILE)


def _tell(line: str) -> None:
    print(printable(line), file=sys.stderr, flush=True)
