"""The wire format of protocol buffers, against protobuf itself."""

import pytest
import tensorflow.compat.v1 as tf

from common import wire


def graph() -> tf.GraphDef:
    graph_def = tf.GraphDef()
    node = graph_def.node.add(name="Größe", op="Const", input=["a", "b"])
    node.attr["number"].i = -5
    node.attr["flag"].b = True
    node.attr["ratio"].f = 0.5
    node.attr["text"].s = bytes(range(256)) * 3
    graph_def.versions.producer = 1 << 20
    return graph_def


def test_fields_are_those_that_protobuf_wrote():
    content = memoryview(graph().SerializeToString())
    node = wire.first(content, 1).content
    assert wire.text(node, 1) == "Größe"
    assert [each.text for each in wire.select(node, 3)] == ["a", "b"]
    assert b"".join(each.raw for each in wire.fields(content)) == content
    values = {}
    for entry in wire.select(node, 5):
        value = wire.first(entry.content, 2).content
        values[wire.text(entry.content, 1)] = next(wire.fields(value))
    assert values["number"][:2] == (3, (1 << 64) - 5)
    assert values["flag"][:2] == (5, 1)
    assert values["ratio"].content == b"\0\0\0\x3f"
    assert values["text"].content == bytes(range(256)) * 3
    assert wire.first(content, 9) is None
    assert wire.text(content, 9) == ""
    with pytest.raises(ValueError, match="field 3 is a number instead of a message"):
        _ = values["number"].content


def test_protobuf_reads_what_is_encoded():
    value = wire.encode_bytes(2, wire.encode_varint(3, -5))
    node = wire.encode_bytes(1, "Größe") + wire.encode_bytes(
        5, wire.encode_bytes(1, "number") + value
    )
    versions = wire.encode_varint(1, 1 << 20)
    read = tf.GraphDef.FromString(wire.encode_bytes(1, node) + wire.encode_bytes(4, versions))
    assert read.node[0].name == "Größe"
    assert read.node[0].attr["number"].i == -5
    assert read.versions.producer == 1 << 20


def test_damaged_messages_are_refused():
    content = graph().SerializeToString()
    for damaged in (content[:-1], content[:3], b"text", b"\x00\x01", b"\x0f", b"\x80" * 11):
        with pytest.raises(ValueError, match=r"it is (truncated|damaged)"):
            list(wire.fields(memoryview(damaged)))
