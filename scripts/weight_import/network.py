"""A network of ours that takes the values of a file."""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from datasets.segmentation import laplacian
from deeplab.network import model
from deeplab.options import ModelOptions
from nets import layers
from scripts.weight_import import graph_walk
from scripts.weight_import.convolution import Convolution

_MOST_LISTED = 4


class BatchNorm(NamedTuple):
    """A batch norm layer.

    Attributes:
      inputs: output of the convolution in front, float32 [1, height, width, channels].
      epsilon: what is added to the variance.
    """

    inputs: tf.Tensor
    epsilon: float


class Network:
    """A network for images of one size, in a graph and a session of its own.

    Args:
      options: the network; without image pyramid, which variables do not depend on.
      size: (height, width) of the images.

    Attributes:
      options: the network.
      shapes: shape of each variable by name.
      batch_norms: batch norm layers by the scope of their convolution.
      offsets: by the scope of a convolution, a number that is added behind its bias; a converter
        folds it into that.
      normalized: what the first convolution sees of images, float32 [1, *size, 3].

    Raises:
      ValueError: the options contradict each other.
    """

    def __init__(self, options: ModelOptions, size: tuple[int, int]):
        self.options = options
        graph = tf.Graph()
        with graph.as_default():
            self._image = tf.placeholder(tf.float32, [1, *size, 3])
            features = {"image": self._image}
            if options.decoder_use_gradient:
                features["laplacian"] = laplacian.laplacian_graph(tf.cast(self._image, tf.uint8))
            self._logits = model.multi_scale_logits(features, options)[model.MERGED_LOGITS]
            self._logits_size = tf.placeholder(tf.int32, [2])
            self._resized = layers.resize_bilinear(self._logits, *tf.unstack(self._logits_size))
            self._variables = {variable.op.name: variable for variable in tf.global_variables()}
            self._step = tf.train.create_global_step()
            self._saver = tf.train.Saver(save_relative_paths=True)
        self.shapes = {
            name: tuple(variable.shape.as_list()) for name, variable in self._variables.items()
        }
        operations = graph_walk.convolutions(self._logits)
        self._rates = {scope: graph_walk.rate(each) for scope, each in operations.items()}
        self.offsets = {scope: graph_walk.activation(each)[1] for scope, each in operations.items()}
        self.batch_norms = {
            os.path.dirname(os.path.dirname(graph_walk.source(operation.inputs[1]).name)): (
                BatchNorm(operation.inputs[0], operation.get_attr("epsilon"))
            )
            for operation in graph.get_operations()
            if operation.type.startswith("FusedBatchNorm")
        }
        self.normalized = graph_walk.network_input(self._logits)
        self._session = tf.Session(graph=graph)

    def __enter__(self) -> "Network":
        return self

    def __exit__(self, *exception) -> None:
        self._session.close()

    def load(self, values: Mapping[str, np.ndarray], source: str) -> None:
        """Gives every variable its value.

        Args:
          values: float32 arrays by variable name.
          source: file that they come from, for the error.

        Raises:
          ValueError: a variable has no value or one of another shape, or a value is left over or
            not finite.
        """
        problems = [f"{name} is missing" for name in sorted(set(self.shapes) - set(values))]
        problems += [f"{name} is left over" for name in sorted(set(values) - set(self.shapes))]
        for name in sorted(set(values) & set(self.shapes)):
            if values[name].shape != self.shapes[name]:
                problems.append(
                    f"{name} is {list(values[name].shape)} there and {list(self.shapes[name])} here"
                )
            elif not np.isfinite(values[name]).all():
                problems.append(f"{name} has values that are not finite")
        if problems:
            raise ValueError(
                f"{source} does not fit the network {describe(self.options)}: {listed(problems)}."
            )
        # At once: a run for each takes seconds.
        self._session.run(
            [variable.initializer for variable in self._variables.values()],
            {
                variable.initializer.inputs[1]: values[name]
                for name, variable in self._variables.items()
            },
        )

    def check_rates(self, convolutions: Mapping[str, Convolution]) -> None:
        """Compares the atrous rates of a file's convolutions, which variables do not show.

        Raises:
          ValueError: they differ.
        """
        differing = [
            f"{scope} has rate {each.rate} there and {self._rates[scope]} here"
            for scope, each in convolutions.items()
            if max(each.shape[:2]) > 1 and self._rates.get(scope, each.rate) != each.rate
        ]
        if differing:
            raise ValueError(
                f"the file is not the network {describe(self.options)}: {listed(differing)}. "
                "Give --multi_grid, --output_stride or --atrous_rates as it was built with."
            )

    def run(self, fetches, image: np.ndarray):
        """Runs tensors of the graph on an image, float32 [*size, 3], RGB, 0..255."""
        return self._session.run(fetches, {self._image: image[None]})

    def logits(self, image: np.ndarray, normalized: np.ndarray, size: Sequence[int]) -> np.ndarray:
        """Returns the logits of an image, float32 [*size, classes].

        Args:
          image: float32 [*size of the network, 3], 0..255; only for the gradient channel.
          normalized: float32 of that shape, what the first convolution sees.
          size: that the logits are resized to.
        """
        feeds = {
            self._image: image[None],
            self.normalized: normalized[None],
            self._logits_size: size,
        }
        return self._session.run(self._resized, feeds)[0]

    @property
    def graph(self) -> tf.Graph:
        """The graph, for operations on what it holds."""
        return self._session.graph

    def save(self, prefix: str) -> None:
        """Writes a checkpoint of step 0, and the file `checkpoint` beside it."""
        self._step.load(0, self._session)
        self._saver.save(self._session, prefix, global_step=0, write_meta_graph=False)


def describe(options: ModelOptions) -> str:
    """Words a network as the flags that differ from the defaults of `ModelOptions`."""
    default = ModelOptions(num_classes=options.num_classes)
    words = [f"--model_variant={options.model_variant}"]
    for name, value in vars(options).items():
        if name == "model_variant" or value == getattr(default, name):
            continue
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no{name}")
        else:
            is_list = isinstance(value, tuple)
            words.append(f"--{name}={','.join(map(str, value)) if is_list else value}")
    return " ".join(words)


def listed(problems: Sequence[str]) -> str:
    """Joins the first few of several phrases."""
    rest = len(problems) - _MOST_LISTED
    return "; ".join(problems[:_MOST_LISTED]) + (f"; and {rest} more" if rest > 0 else "")
