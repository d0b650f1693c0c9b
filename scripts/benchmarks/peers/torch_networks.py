"""The networks of segmentation_models.pytorch and torchvision that are measured."""

import contextlib
import importlib
import itertools
from importlib import metadata

import torch


def import_torchvision():
    """Imports torchvision, beside any build of PyTorch.

    Only its Python code is needed. Where its compiled part is for another build than the PyTorch
    that is there (CUDA and CPU), its import stops at two operators that are not there; declared,
    without any code, they let the Python part in.
    """
    try:
        return importlib.import_module("torchvision")
    except RuntimeError:
        signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        for name in ("nms", "qnms"):
            with contextlib.suppress(RuntimeError):
                torch.library.define(f"torchvision::{name}", signature)
        return importlib.import_module("torchvision")


def import_smp():
    """Imports segmentation_models.pytorch, which imports torchvision."""
    import_torchvision()
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


def classifier(name: str, num_classes: int) -> torch.nn.Module:
    """Builds a torchvision classifier with random weights, by the project's name of its network.

    ResNet-50 gets the strides of research/slim, in the last unit of a block instead of the next
    one's first, which saves a seventh of the arithmetic.
    """
    models = import_torchvision().models
    builders = {
        "resnet_v1_50": models.resnet50,
        "mobilenet_v2": models.mobilenet_v2,
        "densenet121": models.densenet121,
    }
    network = builders[name](weights=None, num_classes=num_classes)
    if name == "resnet_v1_50":
        blocks = (network.layer1, network.layer2, network.layer3, network.layer4)
        for block, following in itertools.pairwise(blocks):
            block[-1].conv2.stride = (2, 2)
            block[-1].downsample = torch.nn.MaxPool2d(1, stride=2)
            following[0].conv2.stride = (1, 1)
            following[0].downsample[0].stride = (1, 1)
    return network.to(memory_format=torch.channels_last)


def classifier_versions() -> dict[str, str]:
    """Returns the versions that the tables of classifiers name."""
    return {"PyTorch": torch.__version__, "torchvision": import_torchvision().__version__}
