"""What a labelling tool says of a set of images: regions with labels, in its own words."""

import dataclasses
from collections.abc import Mapping, Sequence

from datasets.records.problems import Problem
from datasets.segmentation.annotations.shapes import Shape, Size
from datasets.segmentation.masks.mask_format import Color


@dataclasses.dataclass(frozen=True)
class Region:
    """A labeled part of an image."""

    label: str
    shape: Shape


@dataclasses.dataclass(frozen=True)
class LabeledImage:
    """An image and its regions.

    Attributes:
      name: unique within its split; usually the stem of the image's file.
      image_path: of the image, which need not exist: the check says so.
      annotation_path: the file that has the regions.
      regions: in the order of the file.
      size: height and width of the image as it was labeled; None where the file does not say.
      damage: why the regions cannot be read, if so: an error of this image alone.
      image_key: of the annotation file's JSON object, which has the image's file in base64 there,
        if that file is the only one that has it.
    """

    name: str
    image_path: str
    annotation_path: str
    regions: Sequence[Region]
    size: Size | None = None
    damage: str | None = None
    image_key: str | None = None


@dataclasses.dataclass(frozen=True)
class Annotations:
    """The labeled images of an export.

    Attributes:
      splits: images by the names of splits, which may be those that people gave.
      labels: all that the export names, in its order, whether they occur or not.
      colors: of labels that have one.
      background: the label of what no region covers, if the export has one.
      ignored: labels of pixels that are never trained on or scored.
      is_complete: whether regions are to cover everything: what none covers is ignored then,
        instead of background.
      problems: what was wrong while the export was read.
    """

    splits: Mapping[str, Sequence[LabeledImage]]
    labels: Sequence[str]
    colors: Mapping[str, Color] = dataclasses.field(default_factory=dict)
    background: str | None = None
    ignored: frozenset[str] = frozenset()
    is_complete: bool = False
    problems: Sequence[Problem] = ()
