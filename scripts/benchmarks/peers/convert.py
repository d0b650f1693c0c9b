"""Turns a frozen graph into what other engines read: ENGINE MODEL FILE OUTPUT SHAPE PACKAGES.

OUTPUT is the node that is computed, SHAPE that of the images: batch,height,width,3.

Runs in the project's environment, for its TensorFlow; tf2onnx comes from PACKAGES, the folder of
the peers' packages.
"""

import sys

from commands import tensorflow_start

_INPUT = "ImageTensor"


def main() -> None:
    tensorflow_start.import_quietly()
    import tensorflow as tf

    engine, model_path, file_path, output, sides, packages = sys.argv[1:]
    shape = [int(side) for side in sides.split(",")]
    if engine == "litert":
        converter = tf.compat.v1.lite.TFLiteConverter.from_frozen_graph(
            model_path, [_INPUT], [output], {_INPUT: shape}
        )
        content = converter.convert()
        with open(file_path, "wb") as file:
            file.write(content)
        return
    sys.path.append(packages)  # At the end: what both have is the project's.
    import tf2onnx

    with open(model_path, "rb") as file:
        graph_def = tf.compat.v1.GraphDef.FromString(file.read())
    tf2onnx.convert.from_graph_def(
        graph_def,
        input_names=[f"{_INPUT}:0"],
        output_names=[f"{output}:0"],
        shape_override={f"{_INPUT}:0": shape},
        opset=18,
        output_path=file_path,
    )


if __name__ == "__main__":
    main()
