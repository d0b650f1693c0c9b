"""The parts of a dense prediction cell: reads and checks the JSON of research/deeplab.

Chen et al., "Searching for Efficient Multi-Scale Architectures for Dense Image Prediction", arXiv
1809.04184, section 3.2: a cell is a list of branches; each applies one operation to the encoder's
features or to an earlier branch, and all results are concatenated.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from common import json_files
from common.texts import printable, shorten

CONVOLUTION = "conv"
PYRAMID_POOLING = "pyramid_pooling"
# `input` of a branch that reads the encoder's features.
FEATURES = -1
# Of kernels, rates and grids; an encoder's feature map has no more rows.
_LARGEST_SIDE = 1 << 16


@dataclasses.dataclass(frozen=True)
class Branch:
    """One operation of a cell.

    Attributes:
      op: "conv" or "pyramid_pooling".
      input: number of an earlier branch, or -1 for the encoder's features.
      kernel: (height, width) of a convolution: (1, 1) is an ordinary one, a larger one separable.
      rate: (vertical, horizontal) atrous rate of a separable convolution at output stride 16.
      grid_size: (rows, columns) of cells of the image that pyramid pooling averages over.
    """

    op: str
    input: int
    kernel: tuple[int, int] = (1, 1)
    rate: tuple[int, int] = (1, 1)
    grid_size: tuple[int, int] = (1, 1)


def read_json(path: str) -> tuple[Mapping[str, Any], ...]:
    """Reads a cell from a JSON file, such as those that research/deeplab ships.

    Raises:
      ValueError: the file cannot be read or does not describe a cell; names the file.
    """
    try:
        config = json_files.read(path)
        parse(config)
    except (OSError, ValueError) as error:
        reason = f"{error.strerror}." if isinstance(error, OSError) else error
        raise ValueError(f"dense_prediction_cell_json {printable(path)}: {reason}") from None
    return json_files.check(config, tuple[Mapping[str, Any], ...], path, "")


def parse(config: Sequence[Mapping[str, Any]]) -> list[Branch]:
    """Returns the branches of a cell.

    Args:
      config: one mapping per branch, with "op", "input" and, by operation, "kernel" and "rate" or
        "grid_size". A single number stands for both directions.

    Raises:
      ValueError: names the branch and what is wrong with it.
    """
    if not isinstance(config, list | tuple) or not config:
        raise ValueError("a dense prediction cell is a list of one or more branches.")
    return [_parse_branch(number, fields) for number, fields in enumerate(config)]


def _parse_branch(number: int, fields: Mapping[str, Any]) -> Branch:
    where = f"branch {number} of the dense prediction cell"
    if not isinstance(fields, Mapping):
        raise ValueError(f"{where} is {_show(fields)}; expected a mapping with 'op' and 'input'.")
    known = sorted(field.name for field in dataclasses.fields(Branch))
    for name in fields:
        if name not in known:
            raise ValueError(f"{where} has {_show(name)}; expected {', '.join(known)}.")
    op, source = fields.get("op"), fields.get("input")
    if op not in (CONVOLUTION, PYRAMID_POOLING):
        raise ValueError(f"{where} has op {_show(op)}; expected 'conv' or 'pyramid_pooling'.")
    if type(source) is not int or not FEATURES <= source < number:
        raise ValueError(
            f"{where} has input {_show(source)}; expected -1 for the encoder's features, or the "
            "number of an earlier branch."
        )
    needed = {"grid_size"} if op == PYRAMID_POOLING else {"kernel"}
    kernel, rate, grid_size = (
        _pair(where, name, fields.get(name, 1)) for name in ("kernel", "rate", "grid_size")
    )
    if kernel != (1, 1):
        needed.add("rate")
    for name in sorted(needed - set(fields)):
        raise ValueError(f"{where} lacks {name!r}, which its operation needs.")
    return Branch(op, source, kernel, rate, grid_size)


def _pair(where: str, name: str, value: Any) -> tuple[int, int]:
    pair = value if isinstance(value, list | tuple) else (value, value)
    # The type is compared because true is an int, too.
    if len(pair) != 2 or not all(type(n) is int and 1 <= n <= _LARGEST_SIDE for n in pair):
        raise ValueError(
            f"{where} has {name} {_show(value)}; expected one or two numbers of 1 or more."
        )
    return tuple(pair)


def _show(value: Any) -> str:
    return shorten(repr(value), 60)
