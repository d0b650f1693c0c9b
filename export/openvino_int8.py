"""A model of OpenVINO → the same with 8-bit weights and activations (NNCF). Knows no task.

Needs the packages openvino and nncf, which are optional.
"""

import importlib.util
from collections.abc import Iterable, Mapping

import numpy as np

from export import openvino_file


def require_packages() -> None:
    """Makes sure (ValueError) that the packages are installed, without importing them."""
    for name in ("openvino", "nncf"):
        if importlib.util.find_spec(name) is None:
            raise ValueError(
                f"8-bit models for OpenVINO need a package that is not installed ({name}): run "
                "make setup-openvino."
            )


def quantize(
    model,
    examples: Iterable[Mapping[str, np.ndarray]],
    path: str,
    *,
    fingerprint: str | None = None,
    is_thorough: bool = False,
) -> None:
    """Quantizes a model after training; writes `.xml` and `.bin`, each whole or not at all.

    Args:
      model: an `openvino.Model`.
      examples: inputs by name, like those of later use; about 100 are enough, all are read.
      path: the `.xml` to write; the weights go beside it.
      fingerprint: see `openvino_file.write`.
      is_thorough: whether ranges hold every value of the examples, and biases are corrected by what
        the quantized layers before them give, which takes longer; otherwise a range is the mean of
        the examples' own, and a bias is corrected for the mean of the layer's input alone.

    Raises:
      ValueError: nncf is not installed, or there are no examples.
    """
    require_packages()
    import nncf
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    names = {  # Of an input, OpenVINO knows "node:0" where the graph has "node".
        name.split(":")[0]: name for port in model.inputs for name in port.get_names()
    }
    items = [{names[name]: value for name, value in each.items()} for each in examples]
    if not items:
        raise ValueError("there are no calibration examples.")
    advanced = nncf.AdvancedQuantizationParameters()
    if is_thorough:
        advanced.activations_range_estimator_params = RangeEstimatorParametersSet.MINMAX
    nncf.set_log_level("ERROR")
    quantized = nncf.quantize(
        model,
        nncf.Dataset(items),
        # Symmetric weights, and activations with a zero point, which ReLU6 does not need and the
        # linear bottlenecks of MobileNetV2 do.
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(items),
        fast_bias_correction=not is_thorough,
        advanced_parameters=advanced,
        # Where features of different kinds meet, as in a decoder, 8 bits lose much: a network on
        # CamVid fell from a mean IoU of 0.670 to 0.619, and keeps it with its concatenations left
        # out, which is no slower (docs/serving.md).
        ignored_scope=nncf.IgnoredScope(types=["Concat"], validate=False),
    )
    openvino_file.write(quantized, path, fingerprint)
