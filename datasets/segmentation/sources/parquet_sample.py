"""A sample that is a row of a parquet file, and the reading of such files with pyarrow."""

import dataclasses
import functools
import importlib.util
import threading
from typing import Any

from common.texts import printable
from datasets.segmentation.masks import raw_mask
from datasets.segmentation.masks.raw_mask import RawMask
from datasets.segmentation.sources.source import Sample

# Rows are read in their order, by several threads: hardly ever from more groups than two.
_MAX_GROUPS = 2
_LOCK = threading.Lock()


@dataclasses.dataclass(frozen=True)
class ParquetSample(Sample):
    """A row, whose image and mask are files in two of its columns.

    Attributes:
      row: number in the file.
      group, row_in_group: where the row is: files are read by groups of rows.
      columns: of the image and of the mask.
    """

    row: int
    group: int
    row_in_group: int
    columns: tuple[str, str]

    @property
    def places(self) -> tuple[str, str]:
        image, mask = (f"{self.image_path}, row {self.row}, {column}" for column in self.columns)
        return image, mask

    def read_image_file(self) -> bytes:
        return self._read(0)

    def read_mask(self) -> RawMask:
        return raw_mask.decode(self._read(1), self.places[1])

    def mask_state(self) -> str:
        return f"{self.row} {' '.join(self.columns)}"

    def _read(self, column: int) -> bytes:
        with _LOCK:
            images_and_masks = _read_group(self.image_path, self.group, self.columns)
        cell = images_and_masks[column][self.row_in_group].as_py()
        data = cell["bytes"] if isinstance(cell, dict) else cell
        if not data:
            name = cell.get("path") if isinstance(cell, dict) else None
            named = f", only the path {printable(name)!r}" if name else ""
            raise ValueError(
                f"{self.places[column]}: there is no file{named}. Write the dataset with the files "
                "in it (push_to_hub does so, or embed_external_files)."
            )
        return data


def open_file(path: str) -> Any:
    """Opens a parquet file; returns pyarrow's `ParquetFile`.

    Raises:
      ValueError: it is none, or pyarrow is not installed.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise ValueError(
            f"{printable(path)}: parquet files need pyarrow: make setup-parquet installs it."
        )
    import pyarrow
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(path)
    except pyarrow.ArrowException as error:
        raise ValueError(_describe(path, error)) from None


@functools.lru_cache(maxsize=_MAX_GROUPS)
def _read_group(path: str, group: int, columns: tuple[str, str]) -> tuple[Any, Any]:
    """Returns the columns of a group of rows."""
    import pyarrow

    with open_file(path) as file:
        try:
            table = file.read_row_group(group, columns=[*columns])
        except (pyarrow.ArrowException, OSError) as error:
            raise ValueError(_describe(path, error)) from None
    return table.column(columns[0]), table.column(columns[1])


def _describe(path: str, error: Exception) -> str:
    reason = printable(" ".join(str(error).split()))
    return f"{printable(path)}: no parquet file, or a damaged one ({reason}). Download it again."
