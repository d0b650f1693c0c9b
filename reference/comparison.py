"""Compares networks with research/deeplab's outputs: what `reference.conformance` runs.

The weights of a reference network are a function of each variable's name, so that no checkpoint is
needed.
"""

import dataclasses
import os
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from common import json_files
from deeplab.network import model
from deeplab.objective import losses
from deeplab.options import ModelOptions, ObjectiveOptions

INDEX_FILE = "index.json"
IGNORE_LABEL = 255

# research/deeplab computes with other kernels: of the largest logit, and of a loss.
LARGEST_LOGITS_ERROR = 2e-4
LARGEST_LOSS_ERROR = 1e-4
SMALLEST_EQUAL_SHARE = 0.999

_ENTRY_OPTIONS = (
    "model_variant",
    "output_stride",
    "num_classes",
    "atrous_rates",
    "decoder_output_stride",
    "image_pyramid",
)
# Fields of research/deeplab's ModelOptions that neither variables nor inference depend on.
_WITHOUT_EFFECT = (
    "batch_norm_decay",
    "label_weights",
    "nas_architecture_options",
    "nas_training_hyper_parameters",
    "preprocessed_images_dtype",
    "sync_batch_norm_method",
)
# Fields there whose value other keys of an entry repeat.
_IMPLIED = {"crop_size": "image_size", "outputs_to_num_classes": "num_classes"}


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How a network of ours differs from the reference.

    Attributes:
      variables: one phrase for each variable that is missing, unexpected or of another shape.
      trainable_parameters: (ours, reference).
      logits_error: largest difference over the largest logit of the reference.
      equal_share: share of pixels of the same class.
      losses_error: largest relative difference of the losses.
    """

    variables: tuple[str, ...]
    trainable_parameters: tuple[int, int]
    logits_error: float
    equal_share: float
    losses_error: float

    def is_equal(self) -> bool:
        """Whether everything is within its tolerance."""
        return (
            not self.variables
            and self.trainable_parameters[0] == self.trainable_parameters[1]
            # So written, a comparison with NaN fails.
            and self.logits_error <= LARGEST_LOGITS_ERROR
            and self.losses_error <= LARGEST_LOSS_ERROR
            and self.equal_share >= SMALLEST_EQUAL_SHARE
        )


def main(_, arguments: list[str]) -> int:
    """Compares every network of a folder."""
    tf.disable_v2_behavior()
    if len(arguments) != 1:
        raise ValueError(f"expected one folder, got {len(arguments)} arguments.")
    directory = arguments[0]
    num_different = 0
    entries = read_index(directory)
    for name, entry in entries.items():
        try:
            comparison = compare(entry, read_arrays(directory, name))
            is_equal, report = comparison.is_equal(), _format(comparison)
        except ValueError as error:
            is_equal, report = False, str(error)
        except (KeyError, TypeError, AttributeError) as error:
            is_equal, report = False, f"{INDEX_FILE} is damaged ({type(error).__name__}: {error})"
        num_different += not is_equal
        print(f"{'equal    ' if is_equal else 'DIFFERENT'} {name}: {report}", flush=True)
    print(f"{len(entries) - num_different} of {len(entries)} networks equal their reference.")
    return 1 if num_different else 0


def read_index(directory: str) -> dict[str, dict[str, Any]]:
    """Returns the entries of a folder by name; ValueError if they cannot be read."""
    path = os.path.join(directory, INDEX_FILE)
    try:
        return json_files.read_object(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None


def read_arrays(directory: str, name: str) -> dict[str, np.ndarray]:
    """Returns "image", "label", "logits" and "prediction"; ValueError if they cannot be read."""
    path = os.path.join(directory, f"{name}.npz")
    try:
        with np.load(path) as arrays:
            return dict(arrays)
    except Exception as error:  # NumPy and zipfile raise a dozen kinds for damaged files.
        raise ValueError(f"{path} cannot be read: {error}") from error


def model_options(entry: Mapping[str, Any]) -> ModelOptions:
    """Returns the options of an entry; "extra" holds fields of research/deeplab's ModelOptions.

    Raises:
      ValueError: the entry has a field that does not exist there, or that we do not build.
    """
    values = {name: entry[name] for name in _ENTRY_OPTIONS if entry.get(name) is not None}
    ours = {field.name for field in dataclasses.fields(ModelOptions)}
    for name, value in (entry.get("extra") or {}).items():
        if name in ours:
            if value is not None:
                values[name] = value
        elif name in _IMPLIED:
            _check_implied(name, value, entry)
        elif name not in _WITHOUT_EFFECT:
            raise ValueError(f"extra has {name!r}, which is not a field of ModelOptions.")
    strides = values.get("decoder_output_stride", ())
    # research/deeplab of 2018 had one number.
    values["decoder_output_stride"] = (strides,) if isinstance(strides, int) else strides
    # Lists become tuples.
    return ModelOptions(**json_files.check(values, Mapping[str, Any], INDEX_FILE, ""))


def _check_implied(name: str, value: Any, entry: Mapping[str, Any]) -> None:
    implied = entry[_IMPLIED[name]]
    if isinstance(value, Mapping):
        value = next(iter(value.values()), None)
    if value not in (None, implied):
        raise ValueError(f"extra has {name} {value}, but {_IMPLIED[name]} is {implied}.")


def weight(name: str, shape: list[int]) -> np.ndarray:
    """Returns the reference value of a variable: float32 of the given shape."""
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
    """Gives every global variable of the session's graph its reference value."""
    with session.graph.as_default():
        variables = tf.global_variables()
    values = {
        variable.initializer.inputs[1]: weight(variable.op.name, variable.shape.as_list())
        for variable in variables
    }
    # At once: a run for each takes seconds.
    session.run([variable.initializer for variable in variables], values)


def compare(entry: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Comparison:
    """Builds a network from its entry, fills its variables and runs it on the reference's input.

    Raises:
      ValueError: the entry describes no network.
    """
    options = model_options(entry)
    with tf.Graph().as_default():
        features = {"image": tf.constant(arrays["image"][None], tf.float32)}
        labels = tf.constant(arrays["label"][None, ..., None], tf.int32)
        logits = model.multi_scale_logits(features, options)[model.MERGED_LOGITS]
        prediction = model.predict(features, options)
        loss_values = {
            name: losses.add_losses({name: logits}, labels, objective, IGNORE_LABEL)[name]
            for name, objective in _objectives(options.num_classes).items()
        }
        variables = {v.op.name: v.shape.as_list() for v in tf.global_variables()}
        trainable = sum(v.shape.num_elements() for v in tf.trainable_variables())
        with tf.Session() as session:
            fill_variables(session)
            logits, labels, loss_values = session.run([logits, prediction.class_ids, loss_values])
    for name, ours in (("logits", logits), ("prediction", labels)):
        if ours.shape != arrays[name].shape:
            raise ValueError(f"{name}: {list(ours.shape)}, not {list(arrays[name].shape)}.")
    return Comparison(
        variables=tuple(_variable_differences(variables, dict(entry["variables"]))),
        trainable_parameters=(trainable, entry["trainable_parameters"]),
        logits_error=float(
            np.abs(logits - arrays["logits"]).max() / np.abs(arrays["logits"]).max()
        ),
        equal_share=float(np.mean(labels == arrays["prediction"])),
        losses_error=max(
            abs(loss_values[name] - value) / abs(value) for name, value in entry["losses"].items()
        ),
    )


def _objectives(num_classes: int) -> dict[str, ObjectiveOptions]:
    """What each loss of an entry is computed with."""
    label_weights = tuple(1.0 + 0.5 * (k % 3) for k in range(num_classes))
    return {
        "plain": ObjectiveOptions(),
        "label_weights": ObjectiveOptions(label_weights=label_weights),
        "hard_top25": ObjectiveOptions(top_k_percent_pixels=0.25),
    }


def _variable_differences(
    ours: Mapping[str, list[int]], reference: Mapping[str, list[int]]
) -> Iterator[str]:
    for name in sorted(ours.keys() | reference.keys()):
        if name not in ours:
            yield f"{name} is missing"
        elif name not in reference:
            yield f"{name} is too many"
        elif list(ours[name]) != list(reference[name]):
            yield f"{name} is {list(ours[name])}, not {list(reference[name])}"


def _format(comparison: Comparison) -> str:
    ours, reference = comparison.trainable_parameters
    parts = [
        f"logits {comparison.logits_error:.1e}",
        f"pixels {comparison.equal_share:.3%}",
        f"losses {comparison.losses_error:.1e}",
        f"trainable parameters {ours}" + ("" if ours == reference else f" (not {reference})"),
    ]
    if comparison.variables:
        shown = "; ".join(comparison.variables[:3])
        parts.append(f"{len(comparison.variables)} variables differ: {shown}")
    return ", ".join(parts)
