"""Forms of an export that hold its network alone, for the engines of `serving`."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from commands.exported_task import ExportedTask
from common import export_names
from export import openvino_file, openvino_int8, tflite
from serving import engines, image_reading
from serving.engines import graph_parts
from serving.export_file import Export
from serving.processing import choice


def write_int8(
    task: ExportedTask, export: Export, calibration_images: Sequence[str], *, with_tflite: bool
) -> None:
    """Writes the 8-bit forms of an export.

    Args:
      task: what it is of.
      export: the export.
      calibration_images: files that the forms are fitted to.
      with_tflite: whether LiteRT's is among them.
    """
    examples = list(_network_inputs(task, export, calibration_images))
    if with_tflite:
        write_tflite(export, engines.INT8, examples)
    if engines.why_not(export, engines.OPENVINO) is None:
        model = _openvino_model(export)
        path = engines.form_path(export.path, engines.OPENVINO, engines.INT8)
        openvino_int8.quantize(
            model,
            examples,
            path,
            fingerprint=export.metadata.fingerprint,
            is_thorough=task.is_calibrated_thoroughly,
        )
        print(f"  {path}")


def write_openvino(export: Export) -> None:
    """Writes the network of an export for OpenVINO, which must be installed."""
    path = export_names.beside(export.path, export_names.OPENVINO_ENDING)
    openvino_file.write(_openvino_model(export), path, export.metadata.fingerprint)
    print(f"  {path}")


def _openvino_model(export: Export):
    import openvino

    from serving.engines.openvino_network import read_network

    return read_network(export, choice.input_shapes(export), openvino.Core())


def write_tflite(
    export: Export, precision: str, examples: Sequence[Mapping[str, np.ndarray]] | None
) -> None:
    """Writes the network of an export for LiteRT; examples of its inputs make it an 8-bit one."""
    path = engines.form_path(export.path, engines.LITERT, precision)
    shapes = choice.input_shapes(export)
    tflite.convert(
        tf.GraphDef.FromString(graph_parts.network(export, shapes)),
        {name: [1, *shapes[name]] for name in export.network_inputs},
        export.network_outputs,
        path,
        export.metadata.fingerprint,
        None if examples is None else lambda: examples,
    )
    print(f"  {path}  ({os.path.getsize(path) / 1e6:.1f} MB)")


def _network_inputs(
    task: ExportedTask, export: Export, paths: Sequence[str]
) -> Iterator[dict[str, np.ndarray]]:
    """Yields what the network sees of each image, by name: [1, height, width, depth]."""
    with (
        contextlib.closing(choice.create(export, None)) as processing,
        task.model(export.path, engines.TENSORFLOW) as model,
    ):
        for path in paths:
            image = task.as_input(model, image_reading.read_image(path))
            yield processing.prepare(image)
