"""The graph of a style transfer: features of a window of an image, their losses and gradient.

Gatys, Ecker & Bethge, "A neural algorithm of artistic style", arXiv 1508.06576. The weights of the
network are fixed; what is optimized is the image, outside the graph.

The loss of the style depends on Gram matrices G of the whole image, which are sums over its
windows. Its gradient is that of sum(K * G), where the matrix K = d loss / d G is held fixed, so it
can be had one window after the other once G is known. Where the image is one window, one run of
the graph does both.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from common import checkpoint_reader
from nets import vgg
from style_transfer import layers
from style_transfer.weights.vgg_weights import VggWeights
from style_transfer.windows import Window

_OUTPUT_STRIDE = 32  # Of a VGG as it was trained.
_GRADIENTS_AT_ONCE = 3


class StyleTarget(NamedTuple):
    """What a layer of the style is compared with; loss = factor * (sum((G - gram)^2) + constant).

    Attributes:
      gram: float32 [N, N]: products of N channels, in the mean over pixels.
      constant: what no image can do away with, where styles are mixed.
      factor: weight of the layer, and what its scale multiplies with.
    """

    gram: np.ndarray
    constant: float
    factor: float


class ContentTarget(NamedTuple):
    """What a layer of the content is compared with; loss = factor * sum((F - features)^2).

    Attributes:
      features: float32 [height, width, N], of the whole image.
      factor: as of the style.
    """

    features: np.ndarray
    factor: float


class _StyleNodes(NamedTuple):
    sums: tf.Tensor  # Products of channels, summed over the inner part.
    gram: tf.Tensor  # Their mean over the image; fed where it has several windows.
    kernel: tf.Tensor  # Gradient of the loss with respect to the sums; fed likewise.
    loss: tf.Tensor
    target: tuple[tf.Tensor, ...]  # As in `StyleTarget`.
    num_pixels: tf.Tensor


class _ContentNodes(NamedTuple):
    features: tf.Tensor
    loss: tf.Tensor
    target: tuple[tf.Tensor, ...]  # As in `ContentTarget`.


class Network:
    """A VGG with its session, and losses at some of its layers.

    Attributes:
      style_layers, content_layers: their names.
      stride: of the coarsest of them, in pixels.
      reach: pixels to each side on which they depend.
      mean_color: RGB, of the images that the weights were trained on.
      bytes_per_pixel: of memory that a step takes for each pixel of a window.
      kept_bytes_per_pixel: that the features of the whole content take for each of its pixels.
    """

    def __init__(
        self,
        weights: VggWeights,
        pooling: str,
        content_layers: Iterable[str],
        style_layers: Iterable[str],
    ):
        """Builds the graph.

        Args:
          pooling: "average" or "max".

        Raises:
          ValueError: the weights do not have a layer.
        """
        self.content_layers, self.style_layers = tuple(content_layers), tuple(style_layers)
        used = sorted({*self.content_layers, *self.style_layers})
        missing = [name for name in used if name not in weights.layers]
        if missing:
            raise ValueError(
                f"{weights.source} has no layer {missing[0]}; it has {', '.join(weights.layers)}."
            )
        self.stride = max(map(layers.stride, used))
        self.reach = max(layers.reach(name, weights.variant) for name in used)
        self.mean_color = weights.mean_color
        self.bytes_per_pixel = _bytes_per_pixel(weights, used)
        self.kept_bytes_per_pixel = sum(
            4.0 * weights.layers[name][0].shape[-1] / layers.stride(name) ** 2
            for name in self.content_layers
        )
        with tf.Graph().as_default() as graph:
            self._pixels = tf.placeholder(tf.float32, [None, None, 3])
            self._inner = tf.placeholder(tf.int32, [4])
            features = self._build_features(weights, pooling, used)
            self._style = {name: _style_nodes(features[name]) for name in self.style_layers}
            self._content = {name: _content_nodes(features[name]) for name in self.content_layers}
            terms = [_with_gradient(features[name], self._style[name]) for name in self._style]
            terms += [nodes.loss for nodes in self._content.values()]
            [self._gradient] = tf.gradients(terms, [self._pixels])
            variables = {each.op.name: each for each in tf.global_variables()}
        self._session = tf.Session(graph=graph)
        checkpoint_reader.assign(
            self._session,
            (
                (variables[f"{weights.variant}/{name[:5]}/{name}/{kind}"], value)
                for name, pair in weights.layers.items()
                for kind, value in zip(("weights", "biases"), pair, strict=True)
            ),
        )

    def close(self) -> None:
        """Frees the session."""
        self._session.close()

    def grams(self, image: np.ndarray, windows: Iterable[Window]) -> dict[str, np.ndarray]:
        """Returns the Gram matrix of each layer of the style, divided by the number of its pixels.

        Args:
          image: float32 [height, width, 3], RGB, 0..255.
          windows: which it is taken in.
        """
        sums: dict[str, np.ndarray] = {}
        nodes = {name: each.sums for name, each in self._style.items()}
        for window in windows:
            found = self._session.run(nodes, self._feed(image, window))
            sums = {name: found[name] + sums.get(name, 0.0) for name in found}
        return {name: sums[name] / _count(image, layers.stride(name)) for name in sums}

    def features(self, image: np.ndarray, windows: Iterable[Window]) -> dict[str, np.ndarray]:
        """Returns the features at each layer of the content; arguments as of `grams`."""
        found: dict[str, np.ndarray] = {}
        nodes = {name: each.features for name, each in self._content.items()}
        for window in windows:
            for name, values in self._session.run(nodes, self._feed(image, window)).items():
                stride = layers.stride(name)
                if name not in found:
                    size = [-(-side // stride) for side in image.shape[:2]]
                    found[name] = np.empty([*size, values.shape[-1]], np.float32)
                found[name][window.features_of(stride)] = values
        return found

    def losses_and_gradient(
        self,
        image: np.ndarray,
        windows: list[Window],
        style: Mapping[str, StyleTarget],
        content: Mapping[str, ContentTarget],
    ) -> tuple[dict[str, float], np.ndarray]:
        """Returns the loss of each layer, by "style/LAYER" and "content/LAYER", and the gradient.

        Args:
          image, windows: see `grams`.
          style, content: what is compared with, by layer.

        Returns:
          The losses, and the gradient of their sum, float32 [height, width, 3].
        """
        targets: dict[tf.Tensor, object] = {}
        for name, nodes in self._style.items():
            targets.update(zip(nodes.target, style[name], strict=True))
            targets[nodes.num_pixels] = _count(image, layers.stride(name))
        style_losses = {f"style/{name}": nodes.loss for name, nodes in self._style.items()}
        losses: dict[str, float] = {}
        if len(windows) > 1:
            grams = self.grams(image, windows)
            feed = {**targets, **{self._style[name].gram: grams[name] for name in grams}}
            kernels = {nodes.kernel: nodes.kernel for nodes in self._style.values()}
            found, fed = self._session.run((style_losses, kernels), feed)
            losses = {key: float(value) for key, value in found.items()}
            targets.update(fed)
            style_losses = {}
        content_losses = {f"content/{name}": nodes.loss for name, nodes in self._content.items()}
        gradient = np.zeros(image.shape, np.float32)
        for window in windows:
            feed = {**targets, **self._feed(image, window)}
            for name, compared in self._content.items():
                features, factor = content[name]
                part = features[window.features_of(layers.stride(name))]
                feed.update(zip(compared.target, (part, factor), strict=True))
            found, slope = self._session.run(
                ({**style_losses, **content_losses}, self._gradient), feed
            )
            gradient[window.slices] += slope
            for key, value in found.items():
                losses[key] = losses.get(key, 0.0) + float(value)
        return losses, gradient

    def _build_features(
        self, weights: VggWeights, pooling: str, names: Iterable[str]
    ) -> dict[str, tf.Tensor]:
        """Returns the features of the inner part, [height, width, N], by layer."""
        depths = (
            *weights.depths,
            *(1,) * (len(vgg.NUM_CONVOLUTIONS["vgg_16"]) - len(weights.depths)),
        )
        _, end_points = vgg.build(
            (self._pixels - weights.mean_color)[tf.newaxis],
            weights.variant,
            output_stride=_OUTPUT_STRIDE,
            weight_decay=0.0,
            pool=pooling,
            depths=depths,
        )
        found = {}
        for name in names:
            stride = layers.stride(name)
            top, left, bottom, right = tf.unstack(self._inner)
            rows = slice(top // stride, -(-bottom // stride))
            columns = slice(left // stride, -(-right // stride))
            found[name] = end_points[name][0, rows, columns]
        return found

    def _feed(self, image: np.ndarray, window: Window) -> dict[tf.Tensor, object]:
        return {self._pixels: image[window.slices], self._inner: window.inner}


def _bytes_per_pixel(weights: VggWeights, used: Iterable[str]) -> float:
    """Returns what a step keeps: the output of each layer, and gradients of the widest."""
    last = max(used)
    kept = [
        weights.layers[name][0].shape[-1] / layers.stride(name) ** 2
        for name in weights.layers
        if name <= last
    ]
    return 4.0 * (sum(kept) + _GRADIENTS_AT_ONCE * max(kept))


def _style_nodes(features: tf.Tensor) -> _StyleNodes:
    matrix = _matrix(features)
    depth = features.shape[-1].value
    target = (tf.placeholder(tf.float32, [depth, depth]), _number(), _number())
    num_pixels = _number()
    sums = tf.matmul(matrix, matrix, transpose_a=True)
    gram = sums / num_pixels
    # What may be fed has to be a node of its own.
    gram = tf.placeholder_with_default(gram, [depth, depth])
    difference = gram - target[0]
    loss = target[2] * (tf.reduce_sum(tf.square(difference)) + target[1])
    kernel = tf.placeholder_with_default(2.0 * target[2] / num_pixels * difference, [depth, depth])
    return _StyleNodes(sums, gram, kernel, loss, target, num_pixels)


def _content_nodes(features: tf.Tensor) -> _ContentNodes:
    target = (tf.placeholder(tf.float32, features.shape), _number())
    loss = target[1] * tf.reduce_sum(tf.square(features - target[0]))
    return _ContentNodes(features, loss, target)


def _with_gradient(features: tf.Tensor, nodes: _StyleNodes) -> tf.Tensor:
    """Returns a number with the gradient of the style's loss; its value means nothing."""
    matrix = _matrix(features)
    # d sum(K * FᵀF) / dF = 2 F K, as K is symmetric.
    held = tf.stop_gradient(2.0 * tf.matmul(matrix, nodes.kernel))
    return tf.reduce_sum(matrix * held)


def _matrix(features: tf.Tensor) -> tf.Tensor:
    return tf.reshape(features, [-1, features.shape[-1].value])


def _number() -> tf.Tensor:
    return tf.placeholder(tf.float32, [])


def _count(image: np.ndarray, stride: int) -> int:
    """Returns how many pixels the features of an image have."""
    height, width = image.shape[:2]
    return -(-height // stride) * -(-width // stride)
