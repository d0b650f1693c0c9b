"""What `python -m datasets.records.raw_images` does: writes, reads and shows records."""

import csv
import itertools
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from PIL import Image

from commands import error_messages
from commands.flags import Flags
from common import files, image_files
from common.texts import first_few, printable
from datasets.images import channels, image_folders
from datasets.records import feature_listing, raw_pixels, tfrecords
from datasets.records.raw_images import RawImagesOptions

LABELS_FILE = "labels.csv"

_WRONG_USAGE = 2
_EXPECTED = f"images in a folder for each class, or images and {LABELS_FILE} with lines FILE,LABEL"
_MAX_LABEL = 2**63 - 1
_MAX_NAME_BYTES = 200  # File systems allow 255.


class _ImageFiles:
    """Names for the images of records, none of them twice; a folder of None takes none."""

    def __init__(self, folder: str | None):
        self._folder = folder
        self._names: set[str] = set()

    def __bool__(self) -> bool:
        return self._folder is not None

    def name(self, path: str, number: int, what: str, ending: str) -> str:
        """Returns the path for an image: of which file, record and feature it is."""
        assert self._folder is not None
        os.makedirs(self._folder, exist_ok=True)
        stem = os.path.basename(path).removesuffix(tfrecords.SHARD_ENDING)
        name = re.sub(r'[\x00-\x1f/\\:*?"<>|]', "_", f"{stem}-{number:05d}-{what}")
        name = name.encode(errors="replace")[:_MAX_NAME_BYTES].decode(errors="ignore")
        numbered = (f"{name}-{count}" for count in itertools.count(2))
        name = next(
            each for each in itertools.chain([name], numbered) if each + ending not in self._names
        )
        self._names.add(name + ending)
        return os.path.join(self._folder, name + ending)


def main(flags: Flags, arguments: list[str]) -> int:
    """Does what the first argument says; returns the exit status."""
    options = flags.options(RawImagesOptions)
    action, *paths = arguments or [""]
    if action == "write" and len(paths) == 2:
        write(paths[0], paths[1])
    elif action in ("read", "show") and paths:
        return _tell(_read if action == "read" else _show, paths, options)
    else:
        given = " ".join(map(printable, arguments)) or "no argument"
        print(
            f"error: {given}: expected write FOLDER FILE, read FILE… or show FILE….",
            file=sys.stderr,
        )
        return _WRONG_USAGE
    return 0


def write(data_dir: str, path: str, report: Callable[[str], None] = print) -> None:
    """Writes the images of a folder and their labels as records of raw pixels.

    Raises:
      OSError: a file cannot be read or written.
      ValueError: the folder has no images, or other labels than expected; an image cannot be read.
    """
    image_folders.require_folder(data_dir, _EXPECTED)
    labeled, names, empty = _labeled(data_dir)
    read = [os.path.join(data_dir, name) for name, _ in labeled]
    if os.path.exists(path) and any(
        os.path.samefile(path, each)
        for each in (*read, os.path.join(data_dir, LABELS_FILE))
        if os.path.exists(each)
    ):
        raise ValueError(f"{printable(path)} is a file to read; give another name for the records.")
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with tfrecords.write_shard(path) as writer:
        for image, (_, label) in zip(read, labeled, strict=True):
            pixels = channels.read(image)
            writer.write(raw_pixels.serialize(pixels, label))
    for label, name in enumerate(names):
        report(f"label {label}: {printable(name)}")
    if empty:
        report(f"folders without images: {first_few(empty)}")
    report(f"{printable(path)}: {len(labeled)} images, {os.path.getsize(path):,} bytes")


def _labeled(data_dir: str) -> tuple[list[tuple[str, int]], list[str], list[str]]:
    """Returns images and their labels, and folders with images, the classes, and without."""
    path = os.path.join(data_dir, LABELS_FILE)
    if os.path.isfile(path):
        listed = list(_listed(path))
        if not listed:
            raise ValueError(f"{printable(path)} has no lines FILE,LABEL.")
        return listed, [], []
    labeled: list[tuple[str, int]] = []
    names: list[str] = []
    empty: list[str] = []
    for folder in image_folders.subfolders(data_dir):
        found = image_folders.walk(os.path.join(data_dir, folder))
        images = [name for name in found if name.lower().endswith(image_files.ENDINGS)]
        labeled += [(os.path.join(folder, name), len(names)) for name in images]
        (names if images else empty).append(folder)
    if not labeled:
        raise ValueError(
            f"{printable(data_dir)} holds {image_folders.name_entries(data_dir)}; expected "
            f"{_EXPECTED}."
        )
    return labeled, names, empty


def _listed(path: str) -> Iterator[tuple[str, int]]:
    """Yields the lines of a list of images and labels; the first may be a heading."""
    folder = os.path.dirname(path)
    missing = []
    rows = csv.reader(files.read_text(path).splitlines())
    for number, row in enumerate(rows, start=1):
        if not any(field.strip() for field in row):
            continue
        name, label = (row[0].strip(), row[-1].strip()) if len(row) == 2 else ("", "")
        if not name or not label.isdecimal() or int(label) > _MAX_LABEL:
            if number == 1 and name and not name.lower().endswith(image_files.ENDINGS):
                continue
            raise ValueError(
                f"{printable(path)}, line {number}: {printable(','.join(row))!r} is not FILE,LABEL "
                "with a label of 0, 1, 2, …"
            )
        if not os.path.isfile(os.path.join(folder, name)):
            missing.append(name)
        yield name, int(label)
    if missing:
        raise ValueError(
            f"{printable(path)} names images that are not there: {first_few(missing)}. Names are "
            "relative to its folder."
        )


def _tell(
    tell: Callable[[str, RawImagesOptions, _ImageFiles], None],
    paths: Sequence[str],
    options: RawImagesOptions,
) -> int:
    """Tells about each file; one that is damaged does not hide the others. Returns the status."""
    images = _ImageFiles(options.output)
    status = 0
    for path in paths:
        try:
            tell(path, options, images)
        except (OSError, ValueError) as error:
            if len(paths) == 1:
                raise
            print(f"error: {error_messages.describe(error)}", file=sys.stderr)
            status = 1
    return status


def _read(path: str, options: RawImagesOptions, images: _ImageFiles) -> None:
    """Reads records of raw pixels as a training program would."""
    for number, (pixels, label) in enumerate(raw_pixels.read(path)):
        if options.num_records and number == options.num_records:
            print("…")
            return
        height, width, num_channels = pixels.shape
        print(
            f"{printable(path)}, record {number}: label {label}, {width}x{height}, channels: "
            f"{num_channels}, values {pixels.min()} to {pixels.max()}, mean {pixels.mean():.1f}"
        )
        if images:
            _save(pixels, images.name(path, number, f"label_{label}", ".png"))


def _show(path: str, options: RawImagesOptions, images: _ImageFiles) -> None:
    """Lists the features of a file's records."""
    damage = None
    compression = tfrecords.compression_of(path)
    try:
        if compression:  # It would have to be read as a whole to count them.
            records = f"compressed with {compression.lower()}"
        else:
            records = f"records: {tfrecords.count_records(path):,}"
    except ValueError as error:  # What is before it may tell what it was.
        damage, records = error, "damaged"
    print(f"{printable(path)}: {os.path.getsize(path):,} bytes, {records}")
    for number, record in enumerate(tfrecords.read_records(path, compression, is_whole=False)):
        if options.num_records and number == options.num_records:
            print("…")
            break
        print(f"record {number}: {len(record):,} bytes")
        for line in feature_listing.describe(record):
            print(f"  {line}")
        if images:
            for image in feature_listing.images(record):
                name = images.name(path, number, image.key, image.ending)
                files.write(name, image.content)
                print(f"  -> {printable(name)}")
    if damage is not None:
        raise damage


def _save(pixels: np.ndarray, path: str) -> None:
    if pixels.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"no image file has {pixels.shape[-1]} channels: read without --output, or from Python "
            "(docs/records.md)."
        )
    with files.replacing(path) as temporary:
        shown = pixels if pixels.shape[-1] > 1 else pixels[..., 0]
        Image.fromarray(shown).save(temporary, "PNG")
