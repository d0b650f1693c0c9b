"""Imports OpenVINO without its converter of models, which takes longer to import than the rest."""

import importlib
import sys
import types

_CONVERTER = "openvino.tools.ovc"


def load() -> types.ModuleType:
    """Returns the package `openvino`.

    Where this is its first import, it has no `convert_model`, which nothing here calls; importing
    `openvino.tools.ovc` by name brings it still.

    Raises:
      ImportError: it is not installed.
    """
    if "openvino" in sys.modules or _CONVERTER in sys.modules:
        return importlib.import_module("openvino")
    # With a None here an import fails, which the package takes for "not installed".
    sys.modules[_CONVERTER] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("openvino")
    finally:
        del sys.modules[_CONVERTER]
