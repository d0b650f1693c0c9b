"""A frozen graph → a LiteRT file (`.tflite`), float32 or 8-bit. Knows no task."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from common import export_names, files


def convert(
    graph_def: tf.GraphDef,
    inputs: Mapping[str, Sequence[int]],
    outputs: Sequence[str],
    path: str,
    fingerprint: str | None = None,
    calibration: Callable[[], Iterable[Mapping[str, np.ndarray]]] | None = None,
) -> None:
    """Writes a graph as a LiteRT file, whole or not at all.

    Args:
      graph_def: a frozen graph.
      inputs: shape of each placeholder, batch included.
      outputs: names of the output nodes.
      path: the `.tflite` to write.
      fingerprint: of the export that it belongs to, which goes behind what LiteRT reads; or None.
      calibration: returns examples of the inputs by name; weights and activations then become 8-bit
        integers, with float32 inputs and outputs. None for float32.

    Raises:
      ValueError: the converter refuses the graph.
    """
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(graph_def, name="")
        fed, fetched = (
            [session.graph.get_tensor_by_name(f"{name}:0") for name in names]
            for names in (inputs, outputs)
        )
        for tensor, shape in zip(fed, inputs.values(), strict=True):
            tensor.set_shape(shape)
        converter = tf.lite.TFLiteConverter.from_session(session, fed, fetched)
        if calibration is not None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.representative_dataset = lambda: (
                [np.asarray(example[name], np.float32) for name in inputs]
                for example in calibration()
            )
        try:
            content = converter.convert()
        except Exception as error:  # The converter raises types of its own.
            raise ValueError(f"{path} cannot be made: {str(error).splitlines()[0]}") from error
    if fingerprint is not None:
        content += export_names.LITERT_FINGERPRINT_MARK + fingerprint.encode()
    files.write(path, content)
