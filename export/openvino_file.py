"""A model of OpenVINO → its files, `.xml` and `.bin`. Needs the package openvino, if it is used."""

import os
import tempfile

from common import export_names, files


def write(model, path: str, fingerprint: str | None = None) -> None:
    """Writes a model in float32, each file whole or not at all.

    Args:
      model: an `openvino.Model`.
      path: the `.xml` to write; the weights go beside it.
      fingerprint: of the export that it belongs to, for its `rt_info`; or None.
    """
    import openvino

    if fingerprint is not None:
        model.set_rt_info(fingerprint, export_names.FINGERPRINT_KEY)
    with tempfile.TemporaryDirectory() as folder:
        saved = os.path.join(folder, "model.xml")
        openvino.save_model(model, saved, compress_to_fp16=False)
        # OpenVINO finds the weights by the name of the `.xml`, which therefore comes last.
        for ending in (".bin", ".xml"):
            with open(os.path.splitext(saved)[0] + ending, "rb") as file:
                files.write(os.path.splitext(path)[0] + ending, file.read())
