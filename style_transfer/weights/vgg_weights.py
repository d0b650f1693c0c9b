"""Weights of a VGG, from whichever file people have them.

* imagenet-vgg-verydeep-16.mat or -19.mat of MatConvNet, of both of its forms. Kernels lie in it as
  [height, width, in, out], upright: programs that swap height and width turn each kernel over its
  diagonal.
* a checkpoint of research/slim's vgg_16 or vgg_19, or one of a classifier of this project,
* an .npz file with the variables' names of research/slim.

All take RGB of 0..255 minus a mean color.
"""

import dataclasses
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from common import checkpoint_reader
from common.texts import first_few, printable
from nets import vgg
from published import cache
from style_transfer.weights import mat_file
from training import published_checkpoints
from training.validation import find_chosen

# Of ImageNet, RGB.
MEAN_COLOR = (123.68, 116.779, 103.939)

_NAME = re.compile(r"conv(?P<block>\d)_(?P<number>\d)")
_VARIABLE = re.compile(
    r"(?:(?P<scope>.+)/)?conv\d/(?P<layer>conv\d_\d)/(?P<kind>weights|biases)(?::0)?"
)
_SIDE = 3


@dataclasses.dataclass(frozen=True)
class VggWeights:
    """Weights of the convolutions of a VGG.

    Attributes:
      variant: a name of `vgg.NUM_CONVOLUTIONS`.
      layers: by name, such as "conv1_1": the kernel, float32 [3, 3, in, out], and the biases,
        float32 [out].
      mean_color: RGB, 0..255.
      source: the file, for messages.
    """

    variant: str
    layers: Mapping[str, tuple[np.ndarray, np.ndarray]]
    mean_color: tuple[float, float, float]
    source: str

    @property
    def depths(self) -> tuple[int, ...]:
        """Channels of each block."""
        return tuple(
            self.layers[name][0].shape[-1]
            for name in (f"conv{block}_1" for block in range(1, 6))
            if name in self.layers
        )

    def digest(self) -> str:
        """Returns what tells these weights from others."""
        found = hashlib.sha256(self.variant.encode())
        for name in sorted(self.layers):
            for values in self.layers[name]:
                found.update(values.tobytes())
        return found.hexdigest()[:16]


def read(path: str) -> VggWeights:
    """Reads weights from a file, a checkpoint (or the folder of one), or published ones by name.

    Raises:
      OSError: it cannot be opened.
      ValueError: it holds no VGG, or a damaged one; names the file and the layer.
    """
    published = published_checkpoints.named(path)
    if published is not None and not published.is_archive:
        cache.ensure(published)
        path = cache.file_path(published)
    if path.lower().endswith(".mat"):
        return _of_matconvnet(path)
    if path.lower().endswith(".npz"):
        return _of_npz(path)
    return _of_checkpoint(path)


def _of_matconvnet(path: str) -> VggWeights:
    content = mat_file.read(path)
    layers = {}
    for layer in content.get("layers", []):
        name = layer.get("name") if isinstance(layer, dict) else None
        if isinstance(name, str) and _NAME.fullmatch(name):
            # The first form has filters and biases, the others a list of both.
            weights = layer.get("weights") or [layer.get("filters"), layer.get("biases")]
            layers[name] = (weights[0], np.reshape(weights[1], -1))
    meta = content.get("meta", content)
    mean = meta.get("normalization", {}).get("averageImage") if isinstance(meta, dict) else None
    if mean is None:
        raise ValueError(
            f"{printable(path)} has no normalization.averageImage, the mean color; expected "
            "imagenet-vgg-verydeep-19.mat or -16.mat of MatConvNet."
        )
    color = np.mean(np.reshape(mean, [-1, np.shape(mean)[-1]]), axis=0)
    return _checked(layers, path, tuple(color.tolist()))


def _of_npz(path: str) -> VggWeights:
    try:
        with np.load(path) as arrays:
            return _of_variables(list(arrays), lambda name: arrays[name], path)
    except (OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError) or printable(path) in str(error):
            raise
        raise ValueError(f"{printable(path)} is no .npz file, or damaged. Copy it again.") from None


def _of_checkpoint(path: str) -> VggWeights:
    reader = checkpoint_reader.Reader(find_chosen(path))
    return _of_variables(list(reader.shapes), reader.value, path)


def _of_variables(
    names: Iterable[str], value: Callable[[str], np.ndarray], path: str
) -> VggWeights:
    """Returns the weights of variables with the names of research/slim."""
    pairs: dict[str, dict[str, np.ndarray]] = {}
    variant = None
    for name in names:
        found = _VARIABLE.fullmatch(name)
        if found and found["scope"] in (None, *vgg.NUM_CONVOLUTIONS):
            pairs.setdefault(found["layer"], {})[found["kind"]] = value(name)
            variant = found["scope"]
    layers = {
        name: (pair.get("weights"), pair.get("biases")) for name, pair in sorted(pairs.items())
    }
    return _checked(layers, path, MEAN_COLOR, variant)


def _checked(
    layers: Mapping[str, tuple[Any, Any]], path: str, mean: tuple, variant: str | None = None
) -> VggWeights:
    """Returns weights of which each layer fits the one before, up to the last one.

    Raises:
      ValueError: it does not.
    """
    variant = variant or ("vgg_19" if "conv3_4" in layers else "vgg_16")
    kept: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    depth = _SIDE
    for name in vgg.layer_names(variant):
        if name not in layers:
            break
        kernel, biases = layers[name]
        shape, length = np.shape(kernel), np.shape(biases)
        if len(shape) != 4 or shape[:3] != (_SIDE, _SIDE, depth) or length != shape[3:]:
            raise ValueError(
                f"{printable(path)}: layer {name} has weights {_sizes(shape)} and biases "
                f"{_sizes(length)}; expected weights 3x3x{depth}xN and N biases."
            )
        kept[name] = (np.asarray(kernel, np.float32), np.asarray(biases, np.float32))
        depth = shape[3]
    unused = [name for name in layers if name not in kept]
    if not kept or unused:
        missing = next(name for name in vgg.layer_names(variant) if name not in kept)
        there = f"it has {first_few(layers, 20)}" if layers else "it has no layer of a VGG"
        raise ValueError(
            f"{printable(path)} has no layer {missing}: {there}. Expected VGG-16 or VGG-19: "
            "imagenet-vgg-verydeep-19.mat of MatConvNet, a checkpoint of research/slim, or an .npz "
            "file with its names, such as vgg_16/conv1/conv1_1/weights."
        )
    if len(mean) != _SIDE:
        raise ValueError(f"{printable(path)}: the mean color has {len(mean)} values; expected 3.")
    return VggWeights(variant, kept, mean, path)


def _sizes(shape: Iterable[int]) -> str:
    return "x".join(map(str, shape)) or "none"
