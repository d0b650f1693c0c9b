"""The networks of segmentation_models.pytorch that are measured."""

import contextlib
import importlib
from importlib import metadata

import torch


def import_smp():
    """Imports segmentation_models.pytorch, beside any build of PyTorch.

    It needs Python code of torchvision only. Where torchvision's compiled part is for another build
    than the PyTorch that is there (CUDA and CPU), its import stops at two operators that are not
    there; declared, without any code, they let the Python part in.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        for name in ("nms", "qnms"):
            with contextlib.suppress(RuntimeError):
                torch.library.define(f"torchvision::{name}", signature)
    return importlib.import_module("segmentation_models_pytorch")


def build(encoder: str, num_classes: int) -> torch.nn.Module:
    """Builds DeepLabV3+ with random weights: output stride 16, rates 6, 12, 18, decoder at 4."""
    return (
        import_smp()
        .DeepLabV3Plus(
            encoder_name=encoder,
            encoder_weights=None,
            encoder_output_stride=16,
            decoder_atrous_rates=(6, 12, 18),
            classes=num_classes,
        )
        .to(memory_format=torch.channels_last)
    )


def versions() -> dict[str, str]:
    """Returns the versions that the table names."""
    return {
        "PyTorch": torch.__version__,
        "segmentation_models.pytorch": import_smp().__version__,
        "timm": metadata.version("timm"),
    }
