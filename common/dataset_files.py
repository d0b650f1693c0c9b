"""Where the records of datasets lie, the file that describes them, and what paths say of both."""

import os

# Folder of the folders of records.
DATASETS_ROOT = os.path.join("data", "tfrecords")
# Beside the shards of a dataset.
DATASET_FILE = "dataset.json"


def absolute(path: str | None) -> str:
    """Returns the absolute path of a folder as a JSON file can have it; "" where that fails."""
    if not path:
        return ""
    whole = os.path.abspath(path)
    try:
        whole.encode()
    except UnicodeEncodeError:  # Python keeps bytes that are not UTF-8 as lone surrogates.
        return ""
    return whole


def is_other(former: str, now: str) -> bool:
    """Returns whether two paths are known to be of different folders.

    A folder that is no longer where it was may have been moved: that is not another one.

    Args:
      former: absolute path; "" where it is not known.
      now: absolute path of a folder that exists; "" where it is not known.
    """
    if not former or not now or former == now:
        return False
    try:
        return not os.path.samefile(former, now)
    except OSError:
        return False
