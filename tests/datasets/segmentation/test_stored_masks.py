"""Masks of other programs in records: the ids that are stored, or an error that says why not."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from datasets.records import tfrecords
from datasets.segmentation import record_format, stored_masks
from deeplab.data import input_errors, input_pipeline
from deeplab.options import InputOptions
from tests.support import tiny_dataset

IDS = np.array([[0, 1, 2], [2, 1, 0], [1, 1, 0], [2, 2, 2]], np.uint8)
BINARY = (IDS > 0).astype(np.uint8)


def png(rows: np.ndarray, bits: int, color_type: int, chunks=(), interlace: int = 0) -> bytes:
    """Encodes a PNG file by hand: `rows` are bytes [height, bytes of a row]."""

    def chunk(kind, data=b""):
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    head = struct.pack(">IIBBBBB", IDS.shape[1], len(rows), bits, color_type, 0, 0, interlace)
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", head),
            *(chunk(*each) for each in chunks),
            chunk(b"IDAT", zlib.compress(data)),
            chunk(b"IEND"),
        ]
    )


def gray(ids: np.ndarray, bits: int) -> bytes:
    """A gray PNG of few bits a pixel, the first pixel in the highest ones."""
    wide = np.zeros((len(ids), 8), np.uint8)
    wide[:, : ids.shape[1]] = ids
    spread = np.unpackbits(wide[..., np.newaxis], axis=-1)[..., -bits:]
    packed = np.packbits(spread.reshape(len(ids), -1), axis=-1)
    return png(packed[:, : -(-ids.shape[1] * bits // 8)], bits, 0)


def saved(values: np.ndarray, file_format: str = "PNG", mode: str | None = None) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values, mode).save(buffer, file_format)
    return buffer.getvalue()


def palette_png(ids: np.ndarray, colors: list[int], bits: int | None = None) -> bytes:
    image = Image.fromarray(ids, "P")
    image.putpalette(colors)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **({"bits": bits} if bits else {}))
    return buffer.getvalue()


def cv2_png(values: np.ndarray) -> bytes:
    return cv2.imencode(".png", values)[1].tobytes()


COLORS = [0, 0, 0, 128, 0, 0, 128, 0, 0]  # Two classes of one color.
WIDE = IDS.astype(np.uint16)
READ = {
    "8-bit gray": (saved(IDS), IDS),
    "palette": (palette_png(IDS, COLORS), IDS),
    "palette of 4 bits": (palette_png(IDS, COLORS, 4), IDS),
    "palette of 2 bits": (palette_png(IDS, COLORS, 2), IDS),
    "palette of 1 bit": (palette_png(BINARY, [0, 0, 0, 1, 1, 1], 1), BINARY),
    "inverted palette": (palette_png(IDS, [255, 255, 255, 9, 9, 9, 0, 0, 0]), IDS),
    "1-bit gray": (gray(BINARY, 1), BINARY),
    "2-bit gray": (gray(IDS, 2), IDS),
    "4-bit gray": (gray(IDS, 4), IDS),
    "16-bit gray": (cv2_png(WIDE), IDS),
    "RGB": (saved(np.stack([IDS] * 3, -1)), IDS),
    "16-bit RGB": (cv2_png(np.stack([WIDE] * 3, -1)), IDS),
    "opaque RGBA": (saved(np.stack([IDS, IDS, IDS, IDS * 0 + 255], -1)), IDS),
    "opaque gray with alpha": (saved(np.stack([IDS, IDS * 0 + 255], -1), mode="LA"), IDS),
    "16-bit gray with opaque alpha": (
        png(np.stack([WIDE, WIDE * 0 + 65535], -1).reshape(4, -1).byteswap().view(np.uint8), 16, 4),
        IDS,
    ),
    "gray with a transparent value": (png(IDS, 8, 0, [(b"tRNS", b"\0\1")]), IDS),
    "BMP": (saved(IDS, "BMP"), IDS),
    "GIF": (saved(IDS, "GIF"), IDS),
    "TIFF": (saved(IDS, "TIFF"), IDS),
}
DIFFERENT = np.stack([IDS, IDS, IDS * 2], -1)
REFUSED = {
    "JPEG": (saved(IDS, "JPEG"), "it is a JPEG file, which blurs ids"),
    "WebP": (saved(np.stack([IDS] * 3, -1), "WEBP"), "it is a lossy WebP file"),
    "16-bit ids": (cv2_png(WIDE * 200), "it holds the id 400; ids are 0..255"),
    "RGB colors": (saved(DIFFERENT), "it holds colors, and nothing says which class"),
    "16-bit RGB colors": (cv2_png(DIFFERENT.astype(np.uint16)), "it holds colors"),
    "transparent": (saved(np.stack([IDS, IDS], -1), mode="LA"), "mask with transparent pixels"),
    "text": (b"no image at all, but long enough", "not an image file that can be read"),
    "nothing": (b"", "the file is empty"),
    "truncated palette": (palette_png(IDS, COLORS)[:-30], "truncated or damaged"),
}


@pytest.fixture(scope="module")
def decode():
    """Returns a function of a mask's file that decodes it in one graph for all."""
    with tf.Graph().as_default() as graph:
        encoded = tf.placeholder(tf.string, [])
        label = stored_masks.decode(encoded, tf.constant("mine"))
    session = tf.Session(graph=graph)
    yield lambda mask_file: session.run(label, {encoded: mask_file})
    session.close()


@pytest.mark.parametrize("kind", READ)
def test_the_ids_that_are_stored_are_read(decode, kind):
    mask_file, expected = READ[kind]
    found = decode(mask_file)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[..., 0], expected)


@pytest.mark.parametrize("kind", REFUSED)
def test_what_holds_no_ids_is_refused(decode, kind):
    mask_file, message = REFUSED[kind]
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        decode(mask_file)
    assert f"the mask of image mine: {message}" in caught.value.message


def record_of(name: str, mask_file: bytes, **changes: bytes) -> bytes:
    """Returns a record whose mask is this file."""
    image = tiny_dataset.random_image(0, *IDS.shape)[0]
    example = tf.train.Example.FromString(tiny_dataset.encode(name, image, image[..., 0]))
    tfrecords.put_bytes(example, "image/segmentation/class/encoded", mask_file)
    for key, value in changes.items():
        tfrecords.put_bytes(example, key.replace("__", "/"), value)
    return example.SerializeToString()


def dataset_of(tmp_path, records: list[bytes]):
    image, _ = tiny_dataset.random_image(0, *IDS.shape)
    spec = tiny_dataset.write(tmp_path, [("", image, IDS)] * len(records))
    with tfrecords.write_shard(spec.shard_paths("train")[0]) as writer:
        for record in records:
            writer.write(record)
    return spec


def batches_of(spec, make, **more):
    """Returns all batches of whole images, or the explanation of the error that ends them."""
    options = InputOptions(crop_size=IDS.shape, min_scale_factor=1.0, max_scale_factor=1.0)
    arguments = {"batch_size": 1, "mean_pixel": (127.5,) * 3, "with_laplacian": False, **more}
    dataset = make(spec, "train", options, **arguments).take(spec.split("train").num_examples)
    following = tf.data.make_one_shot_iterator(dataset).get_next()
    batches = []
    with tf.Session() as session:
        while True:
            try:
                batches.append(session.run(following))
            except tf.errors.OutOfRangeError:
                return batches
            except tf.errors.OpError as error:
                return str(input_errors.explain(error, spec, "train", False))


def test_training_and_evaluation_see_the_ids(tmp_path):
    records = [record_of(kind, mask_file) for kind, (mask_file, _) in READ.items()]
    spec = dataset_of(tmp_path, records)
    evaluated = batches_of(spec, input_pipeline.evaluation_batches)
    trained = batches_of(spec, input_pipeline.training_batches, seed=0)
    for batches in (evaluated, trained):
        assert {batch["image_name"][0].decode() for batch in batches} == set(READ)
        for batch in batches:
            _, expected = READ[batch["image_name"][0].decode()]
            found = batch["label"][0, ..., 0]
            # A training crop may be mirrored.
            assert np.array_equal(found, expected) or np.array_equal(found, expected[:, ::-1])


def test_training_and_evaluation_name_the_image(tmp_path):
    spec = dataset_of(
        tmp_path, [record_of("good", saved(IDS)), record_of("bad", REFUSED["JPEG"][0])]
    )
    expected = (
        "the mask of image bad: it is a JPEG file, which blurs ids. Store class ids as an 8-bit "
        "gray PNG."
    )
    for make in (input_pipeline.evaluation_batches, input_pipeline.training_batches):
        assert batches_of(spec, make) == expected


def test_what_is_said_of_the_format_is_not_believed(tmp_path):
    said = {"image__format": b"jpeg", "image__segmentation__class__format": b"raw"}
    spec = dataset_of(tmp_path, [record_of("mine", READ["palette"][0], **said)])
    (batch,) = batches_of(spec, input_pipeline.evaluation_batches)
    np.testing.assert_array_equal(batch["label"][0, ..., 0], IDS)


def test_a_mask_of_another_size_and_a_image_of_another_kind_are_named(tmp_path):
    narrow = record_of("narrow", palette_png(IDS[:, :2].copy(), COLORS))
    bmp = record_of("bmp", saved(IDS), image__encoded=saved(DIFFERENT, "BMP"))
    for record, message in ((narrow, "differ in size"), (bmp, "image bmp, record 0 of")):
        explained = batches_of(dataset_of(tmp_path, [record]), input_pipeline.evaluation_batches)
        assert message in explained
        assert "narrow" in explained or "bmp" in explained
    explained = batches_of(dataset_of(tmp_path, [bmp]), input_pipeline.training_batches)
    assert "neither a JPEG nor a PNG file in this example: bmp" in explained


def test_our_own_masks_are_decoded_as_before():
    """The kinds are told apart by the file's head, for the one that the conversion writes too."""
    _, mask = tiny_dataset.random_image(3, 30, 41, num_classes=200)
    record = record_format.parse_record(
        tf.constant(tiny_dataset.encode("ours", np.stack([mask] * 3, -1), mask)), False
    )
    with tf.Session() as session:
        label, plain = session.run(
            [
                record_format.decode_label(record, tf.constant(mask.shape)),
                tf.io.decode_png(record.label, channels=1),
            ]
        )
    np.testing.assert_array_equal(label, plain)
    np.testing.assert_array_equal(label[..., 0], mask)
