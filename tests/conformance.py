"""Reference outputs of research/deeplab: their weights and their inputs.

The weights of a reference network are a function of each variable's name, so no checkpoint is
needed.
"""

import json
import pathlib
import zlib

import numpy as np
import tensorflow.compat.v1 as tf

from deeplab.options import ModelOptions


def entries(folder: pathlib.Path) -> dict[str, dict]:
    """Returns the networks of a conformance folder by name."""
    return json.loads((folder / "index.json").read_text())


def model_options(entry: dict) -> ModelOptions:
    """Returns the options of an entry; `extra` holds further fields of ModelOptions."""
    names = ("model_variant", "output_stride", "num_classes", "atrous_rates", "image_pyramid")
    values = {name: entry[name] for name in names if entry.get(name) is not None}
    values["decoder_output_stride"] = entry.get("decoder_output_stride") or ()
    values.update(entry.get("extra") or {})
    return ModelOptions(
        **{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    )


def weight(name: str, shape: list[int]) -> np.ndarray:
    """Returns the value of a variable: float32 of the given shape."""
    random = np.random.RandomState(zlib.crc32(name.encode()) & 0xFFFFFFFF)
    kind = name.rsplit("/", 1)[-1]
    if kind in ("gamma", "moving_variance"):
        value = random.uniform(0.8, 1.2, shape)
    elif kind in ("beta", "moving_mean", "biases"):
        value = random.normal(0, 0.1, shape)
    elif kind == "depthwise_weights":
        value = random.normal(0, np.sqrt(1.0 / (shape[0] * shape[1])), shape)
    else:
        value = random.normal(0, np.sqrt(1.3 / np.prod(shape[:-1])), shape)
    return value.astype(np.float32)


def fill_variables(session: tf.Session) -> None:
    """Gives every global variable of the graph its reference value."""
    variables = tf.global_variables()
    # At once: a run for each takes seconds.
    session.run(
        [variable.initializer for variable in variables],
        {
            variable.initializer.inputs[1]: weight(variable.op.name, variable.shape.as_list())
            for variable in variables
        },
    )
