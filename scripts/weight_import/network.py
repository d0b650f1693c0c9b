"""A network of ours that takes the values of a file."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from datasets.segmentation import laplacian
from deeplab.network import model
from deeplab.options import ModelOptions
from nets import layers, registry
from scripts.weight_import import graph_walk

_MOST_LISTED = 4


class Network:
    """A network for images of one size, in a session of its own.

    Args:
      options: the network; without image pyramid, which variables do not depend on.
      size: (height, width) of the images.

    Attributes:
      batch_norms: batch norm operations by the scope of their convolution.
      offsets: by the scope of a convolution, a number that is added after its bias, into which a
        converter folds it.
      normalized: the input of the first convolution, float32 [1, *size, 3].

    Raises:
      ValueError: the options contradict each other.
    """

    def __init__(self, options: ModelOptions, size: tuple[int, int]):
        self.options = options
        self.graph = tf.Graph()
        with self.graph.as_default():
            self._image = tf.placeholder(tf.float32, [1, *size, 3])
            features = {"image": self._image}
            if options.decoder_use_gradient:
                features["laplacian"] = laplacian.laplacian_graph(tf.cast(self._image, tf.uint8))
            logits = model.multi_scale_logits(features, options)[model.MERGED_LOGITS]
            self._logits_size = tf.placeholder(tf.int32, [2])
            self._logits = layers.resize_bilinear(logits, *tf.unstack(self._logits_size))
            self._variables = {variable.op.name: variable for variable in tf.global_variables()}
            self._step = tf.train.create_global_step()
            self._saver = tf.train.Saver(save_relative_paths=True)
        operations = graph_walk.convolutions(logits)
        self._rates = graph_walk.rates(operations)
        self.offsets = {scope: graph_walk.offset(each) for scope, each in operations.items()}
        self.batch_norms = {
            os.path.dirname(os.path.dirname(graph_walk.source(operation.inputs[1]).name)): operation
            for operation in self.graph.get_operations()
            if operation.type.startswith("FusedBatchNorm")
        }
        self.normalized = graph_walk.network_input(operations)
        self._session = tf.Session(graph=self.graph)

    def __enter__(self) -> "Network":
        return self

    def __exit__(self, *exception: object) -> None:
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
        shapes = {name: tuple(each.shape.as_list()) for name, each in self._variables.items()}
        self._check_encoder(values, source)
        self._refuse(
            source,
            [
                f"{name} is {list(values[name].shape)} in the file and {list(shape)} in the network"
                for name, shape in shapes.items()
                if name in values and values[name].shape != shape
            ]
            + [f"{name} is missing in the file" for name in shapes if name not in values]
            + [f"{name} is unknown to the network" for name in values if name not in shapes],
        )
        for name, value in values.items():
            if not np.isfinite(value).all():
                raise ValueError(f"{source}: {name} has values that are not finite.")
        # At once: a run for each takes seconds.
        self._session.run(
            [variable.initializer for variable in self._variables.values()],
            {each.initializer.inputs[1]: values[name] for name, each in self._variables.items()},
        )

    def check_rates(self, rates: Mapping[str, int], source: str) -> None:
        """Refuses (ValueError) a file whose atrous rates, which variables do not show, differ.

        `rates` are by the scope of a convolution's variables; `source` is the file, for the error.
        """
        self._refuse(
            source,
            [
                f"{scope} has rate {rate} in the file and {self._rates[scope]} in the network"
                for scope, rate in rates.items()
                if self._rates.get(scope, rate) != rate
            ],
        )

    def run(self, fetches: Any, image: np.ndarray) -> Any:
        """Runs tensors of the graph on an image, float32 [*size, 3], RGB, 0..255."""
        return self._session.run(fetches, {self._image: image[None]})

    def logits(self, image: np.ndarray, normalized: np.ndarray, size: Sequence[int]) -> np.ndarray:
        """Returns the logits of an image, float32 [*size, classes].

        Args:
          image: float32 [*size of the network, 3], 0..255; only for the gradient channel.
          normalized: float32 of that shape, the input of the first convolution.
          size: (height, width) that the logits are resized to.
        """
        feeds = {self._image: image[None], self.normalized: normalized[None]}
        return self._session.run(self._logits, {**feeds, self._logits_size: size})[0]

    def save(self, prefix: str) -> None:
        """Writes a checkpoint of step 0, and the file `checkpoint` beside it."""
        self._step.load(0, self._session)
        self._saver.save(self._session, prefix, global_step=0, write_meta_graph=False)

    def _check_encoder(self, names: Mapping[str, object], source: str) -> None:
        scope = registry.encoder(self.options.model_variant).scope
        in_file = sorted({name.split("/")[0] for name in names})
        if scope not in in_file:
            raise ValueError(
                f"--model_variant is {self.options.model_variant}, but {source} has no layer in "
                f"{scope}/; its layers are in {', '.join(in_file)}."
            )

    def _refuse(self, source: str, problems: Sequence[str]) -> None:
        if not problems:
            return
        rest = len(problems) - _MOST_LISTED
        listed = "; ".join(problems[:_MOST_LISTED]) + (f"; and {rest} more" if rest > 0 else "")
        raise ValueError(
            f"{source} does not fit the network {describe(self.options)}: {listed}. Give the flags "
            "that the network was built with."
        )


def describe(options: ModelOptions) -> str:
    """Formats a network as the flags that differ from the defaults of `ModelOptions`."""
    default = ModelOptions(num_classes=options.num_classes)
    flags = [f"--model_variant={options.model_variant}"]
    for name, value in vars(options).items():
        if name == "model_variant" or value == getattr(default, name):
            continue
        if isinstance(value, bool):
            flags.append(f"--{name}" if value else f"--no{name}")
        elif isinstance(value, tuple):
            flags.append(f"--{name}={','.join(map(str, value))}")
        else:
            flags.append(f"--{name}={value}")
    return " ".join(flags)
