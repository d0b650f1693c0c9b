"""Examines the image of an example, whatever its task."""

import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from datasets.images import jpeg_file
from datasets.images.decoding import DecodedImage
from datasets.images.jpeg_damage import DamageListener
from datasets.records.encoder import SampleT
from datasets.records.problems import ERROR, WARNING, Problem

_TRAIN = "train"


class Complaint(NamedTuple):
    """Something wrong with an image; see `problems.Problem`."""

    severity: str
    kind: str
    message: str


@dataclasses.dataclass(frozen=True)
class ImageFinding:
    """What the examination of an image found."""

    digest: bytes  # of its file
    is_suspect: bool  # libjpeg complained meanwhile, perhaps of another image
    complaints: tuple[Complaint, ...]


def examine(image: DecodedImage, listener: DamageListener, was_heard: bool = False) -> ImageFinding:
    """Says what is wrong with an image that can be read.

    Args:
      listener: decodes as training does.
      was_heard: whether libjpeg complained while the image was decoded.
    """
    complaints = []
    is_suspect = False
    if image.is_kept or image.is_jpeg:
        is_accepted, is_suspect = listener.accepts(
            image.data, image.is_jpeg, was_heard if image.is_read_by_opencv else None
        )
        if image.is_kept and not is_accepted:
            message = (
                "damaged: TensorFlow, with which training reads it, cannot decode it. Copy it "
                "again, or remove it."
            )
            complaints.append(Complaint(ERROR, "unreadable", message))
    zeros = jpeg_file.find_zeros(image.data) if image.is_jpeg else None
    if zeros is not None:
        is_suspect = False  # One warning is enough.
        complaints.append(damaged(f"{zeros} bytes of zeros in its data"))
    if image.mode != "RGB":
        message = f"is of mode {image.mode} and is converted to RGB."
        complaints.append(Complaint(WARNING, "converted", message))
    if image.num_bands is not None:
        message = f"has {image.num_bands} bands; the first three are taken as red, green and blue."
        complaints.append(Complaint(WARNING, "converted", message))
    digest = hashlib.blake2b(image.data, digest_size=16).digest()
    return ImageFinding(digest, is_suspect, tuple(complaints))


def damaged(damage: str) -> Complaint:
    """Returns the complaint of a JPEG that is damaged inside."""
    message = (
        f"damaged inside ({damage}): a part of the image is missing or wrong, and would be "
        "trained on as it is. Look at it, and copy it again or remove it."
    )
    return Complaint(WARNING, "damaged", message)


def describe_other(path: str) -> str | None:
    """Says what is at the path of a missing file; None if nothing is."""
    if os.path.isdir(path):
        return "this is a folder, not a file. Replace it by the file."
    if os.path.islink(path) and not os.path.exists(path):
        return f"a link to {os.readlink(path)}, which is not there. Bring that file, or copy it."
    return "this is not a regular file. Replace it by the file." if os.path.exists(path) else None


def compare(
    split: str,
    sample: SampleT,
    first_split: str,
    first: SampleT,
    place_of: Callable[[SampleT], str] = lambda sample: sample.paths[0],
) -> Iterator[Problem]:
    """Reports an image whose file is the same, byte for byte, as one that was met before.

    Args:
      split, sample: the image.
      first_split, first: the one that was met before.
      place_of: returns how messages name the image of a sample.
    """
    if sample is first or (split != first_split and _may_overlap(split, first_split)):
        return
    if split == first_split:
        message = f"the same image as {place_of(first)}. Remove one of them."
    else:
        message = (
            f"the same image as {place_of(first)} in split {first_split!r}: what is trained on "
            "says nothing when it is evaluated on. Remove it from one of the splits."
        )
    yield Problem(WARNING, "repeated", message, place_of(sample), split, sample.name)


def _may_overlap(split: str, other: str) -> bool:
    """Whether two splits share images by their names, as `trainval` does with `val`."""
    both_train = split.startswith(_TRAIN) and other.startswith(_TRAIN)
    return both_train or split in other or other in split
