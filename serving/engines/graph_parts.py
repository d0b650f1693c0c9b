"""Cuts an exported graph into what comes before the network, the network, and what follows.

A resize, padding to the crop and the Laplacian come before it, or what a classifier cuts out;
classes and probabilities follow. Both parts may depend on the image's size and are cheap in
TensorFlow. The network in between has one size, and other engines run it faster.
"""

from collections.abc import Mapping, Sequence

import tensorflow.compat.v1 as tf

from serving.export_file import Export


def network(export: Export) -> tf.GraphDef:
    """Returns the network alone, its inputs float32 placeholders [batch, height, width, depth]."""
    return _cut(export.graph_def, input_shapes(export), export.network_outputs)


def around_network(export: Export) -> tf.GraphDef:
    """Returns the graph without the network, with placeholders in place of its outputs."""
    outputs = {name: tf.TensorShape(None) for name in export.network_outputs}
    signature = export.signature
    wanted = [*export.network_inputs, signature.predictions, signature.probabilities]
    return _cut(export.graph_def, outputs, wanted)


def input_shapes(export: Export) -> dict[str, tf.TensorShape]:
    """Returns the shape of each input of the network: [None, crop height, crop width, depth]."""
    return {
        name: export.graph.get_tensor_by_name(f"{name}:0").shape for name in export.network_inputs
    }


def _cut(
    graph_def: tf.GraphDef, placeholders: Mapping[str, tf.TensorShape], wanted: Sequence[str]
) -> tf.GraphDef:
    cut = tf.GraphDef(versions=graph_def.versions, library=graph_def.library)
    for node in graph_def.node:
        if node.name in placeholders:
            new = cut.node.add(name=node.name, op="Placeholder")
            new.attr["dtype"].type = tf.float32.as_datatype_enum
            new.attr["shape"].shape.CopyFrom(placeholders[node.name].as_proto())
        else:
            cut.node.add().CopyFrom(node)
    part = tf.graph_util.extract_sub_graph(cut, list(wanted))
    part.versions.CopyFrom(graph_def.versions)
    return part
