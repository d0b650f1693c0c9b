"""Where the dataset of a training run lay: kept in its `options.json`, to find and recognize it."""

import dataclasses
import filecmp
import os
from typing import Protocol

from common import dataset_files
from common.dataset_files import DATASET_FILE


@dataclasses.dataclass(frozen=True)
class DatasetOrigin:
    """Where a dataset lies, and how much of it is trained on; "" and 0 where that is not known.

    Attributes:
      records_dir: absolute path of the folder of its records.
      data_dir: absolute path of the folder that these were built of.
      num_examples: in the split that is trained on.
    """

    records_dir: str = ""
    data_dir: str = ""
    num_examples: int = 0

    @property
    def place(self) -> str:
        """The folder that users know the dataset by."""
        return self.data_dir or self.records_dir

    def find_records(self) -> str | None:
        """Returns the folder of the records, if a dataset is still there."""
        if not self.records_dir or not os.path.isfile(os.path.join(self.records_dir, DATASET_FILE)):
            return None
        relative = os.path.relpath(self.records_dir)
        return self.records_dir if relative.startswith(os.pardir) else relative

    def is_other_than(self, former: "DatasetOrigin") -> bool:
        """Returns whether this is known to be another dataset than a former one.

        One that has moved, or that was built or copied into another folder, is the same.
        """
        if self.data_dir and former.data_dir:
            return dataset_files.is_other(former.data_dir, self.data_dir)
        if not dataset_files.is_other(former.records_dir, self.records_dir):
            return False
        here, there = (os.path.join(each.records_dir, DATASET_FILE) for each in (self, former))
        return os.path.isfile(there) and not filecmp.cmp(here, there, shallow=False)


class Trained(Protocol):
    """What the description of a training run says of its dataset; the name may be ""."""

    @property
    def dataset_name(self) -> str: ...

    @property
    def dataset_origin(self) -> DatasetOrigin: ...
