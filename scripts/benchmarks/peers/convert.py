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
    with open(model_path, "rb") as file:
        graph_def = tf.compat.v1.GraphDef.FromString(file.read())
    _resize_floats(graph_def)
    if engine == "litert":
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            images = tf.compat.v1.placeholder(tf.uint8, shape)
            (result,) = tf.import_graph_def(graph_def, {_INPUT: images}, [f"{output}:0"])
            converter = tf.compat.v1.lite.TFLiteConverter.from_session(session, [images], [result])
            content = converter.convert()
        with open(file_path, "wb") as file:
            file.write(content)
        return
    sys.path.append(packages)  # At the end: what both have is the project's.
    import tf2onnx

    tf2onnx.convert.from_graph_def(
        graph_def,
        input_names=[f"{_INPUT}:0"],
        output_names=[f"{output}:0"],
        shape_override={f"{_INPUT}:0": shape},
        opset=18,
        output_path=file_path,
    )


def _resize_floats(graph_def) -> None:
    """Turns images into floats before they are resized: converters know no resizing of bytes."""
    import tensorflow as tf

    byte, number = tf.uint8.as_datatype_enum, tf.float32.as_datatype_enum
    for node in list(graph_def.node):
        if node.op != "ResizeBilinear" or node.attr["T"].type != byte:
            continue
        cast = graph_def.node.add(name=f"{node.name}/floats", op="Cast", input=[node.input[0]])
        cast.attr["SrcT"].type, cast.attr["DstT"].type = byte, number
        node.attr["T"].type = number
        node.input[0] = cast.name


if __name__ == "__main__":
    main()
