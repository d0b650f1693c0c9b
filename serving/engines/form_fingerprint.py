"""Whether a form of an export was made of its graph, and not of another export's.

The graph's description has a fingerprint, and each form for one engine has it in a place of its
own (`common.export_names`). It is not a digest of the form: it tells files that were mixed up, not
files that were changed on purpose.
"""

import json
import mmap
import os
import re

from common import export_names
from common.texts import printable
from serving.export_file import Export

_LITERT_END = re.compile(re.escape(export_names.LITERT_FINGERPRINT_MARK) + rb"([0-9a-f]+)\Z")
_OPENVINO_ENTRY = re.compile(rf'<{export_names.FINGERPRINT_KEY} value="([0-9a-f]+)"'.encode())
# More than the mark and a digest take.
_END_BYTES = 256


def check(export: Export, path: str) -> None:
    """Refuses (ValueError) a form that was made of another graph than that of an export.

    Forms of earlier versions have no fingerprint and are not refused.

    Args:
      export: the export.
      path: the form: a `.tflite`, `.xml` or `.onnx` file.

    Raises:
      OSError: it cannot be opened.
    """
    found = read(path)
    if found not in (None, export.metadata.fingerprint):
        raise ValueError(
            f"{printable(path)} was made of another graph than {printable(export.path)}: write it "
            "again with python export_model.py, or copy both from one export."
        )


def read(path: str) -> str | None:
    """Returns the fingerprint that a form carries; None where it has none, or is damaged."""
    ending = os.path.splitext(path)[1]
    with open(path, "rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return None
        if ending == export_names.ONNX_ENDING:
            return _read_onnx(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        if ending == export_names.LITERT_ENDING:
            file.seek(-min(_END_BYTES, os.fstat(file.fileno()).st_size), os.SEEK_END)
            match = _LITERT_END.search(file.read())
        else:
            match = _OPENVINO_ENTRY.search(file.read())
    return None if match is None else match[1].decode()


def _read_onnx(content: mmap.mmap) -> str | None:
    from serving.engines import onnx_parts  # A first mask with LiteRT does without it.

    try:
        description = json.loads(onnx_parts.read_metadata(content)[export_names.ONNX_METADATA_KEY])
        found = description.get(export_names.FINGERPRINT_KEY)
    except (ValueError, KeyError, AttributeError, RecursionError):
        return None  # What is damaged, the engine says.
    return found if isinstance(found, str) else None
