"""A VGG of few channels with random weights, and the files that hold it."""

import struct
import zlib

import numpy as np

from nets import vgg
from style_transfer.weights.vgg_weights import MEAN_COLOR, VggWeights

DEPTHS = (4, 6, 8, 8, 8)


def layers(variant: str = "vgg_16", seed: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Returns kernels and biases by layer."""
    random = np.random.RandomState(seed)
    found, depth = {}, 3
    for name in vgg.layer_names(variant):
        filters = DEPTHS[int(name[len("conv")]) - 1]
        kernel = random.normal(0, (2 / (9 * depth)) ** 0.5, (3, 3, depth, filters))
        biases = random.normal(0, 0.1, filters)
        found[name] = (kernel.astype(np.float32), biases.astype(np.float32))
        depth = filters
    return found


def weights(variant: str = "vgg_16") -> VggWeights:
    return VggWeights(variant, layers(variant), MEAN_COLOR, "tiny.npz")


def save_npz(path, variant: str = "vgg_16", **changed: np.ndarray) -> str:
    """Writes the variables under the names of research/slim."""
    arrays = {
        f"{variant}/{name[:5]}/{name}/{kind}": value
        for name, pair in layers(variant).items()
        for kind, value in zip(("weights", "biases"), pair, strict=True)
    }
    np.savez(path, **{**arrays, **changed})
    return str(path)


def save_mat(path, variables: dict, order: str = "<", compresses: bool = True) -> str:
    """Writes a MATLAB file of level 5: numbers, texts, lists (cells) and dictionaries."""
    content = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(order + "H", 0x0100)
    content += b"IM" if order == "<" else b"MI"
    for name, value in variables.items():
        element = _matrix(value, name, order)
        if compresses:
            packed = zlib.compress(element)
            element = struct.pack(order + "II", 15, len(packed)) + packed
        content += element
    path.write_bytes(content)
    return str(path)


def _element(kind: int, data: bytes, order: str) -> bytes:
    if 0 < len(data) <= 4:
        word = struct.pack(order + "I", len(data) << 16 | kind)
        return word + data.ljust(4, b"\0")
    return struct.pack(order + "II", kind, len(data)) + data + b"\0" * (-len(data) % 8)


def _matrix(value, name: str, order: str) -> bytes:
    kinds = {"float32": (7, 7), "float64": (6, 9), "uint8": (9, 2), "int32": (12, 5)}
    if isinstance(value, str):
        shape, kind = (1, len(value)), 4
        body = _element(4, value.encode("utf-16-le" if order == "<" else "utf-16-be"), order)
    elif isinstance(value, list):
        shape, kind = (1, len(value)), 1
        body = b"".join(_matrix(each, "", order) for each in value)
    elif isinstance(value, dict):
        shape, kind = (1, 1), 2
        names = b"".join(key.encode().ljust(32, b"\0") for key in value)
        body = _element(5, struct.pack(order + "i", 32), order) + _element(1, names, order)
        body += b"".join(_matrix(each, "", order) for each in value.values())
    else:
        array = np.asarray(value)
        shape, (kind, stored) = array.shape, kinds[array.dtype.name]
        stored_bytes = array.astype(array.dtype.newbyteorder(order)).tobytes(order="F")
        body = _element(stored, stored_bytes, order)
    head = _element(6, struct.pack(order + "II", kind, 0), order)
    head += _element(5, struct.pack(f"{order}{len(shape)}i", *shape), order)
    head += _element(1, name.encode(), order)
    return struct.pack(order + "II", 14, len(head + body)) + head + body
