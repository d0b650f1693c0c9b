"""Contender: a torchvision classifier, channels last, as it is or compiled."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch._inductor import config as inductor_config

from scripts.benchmarks import contender, prediction
from scripts.benchmarks.peers import torch_networks

# As `classification.data.preprocess`.
_CENTRAL_FRACTION = 0.875
_SHORTER_SIDE = 256 / 224


class Predictor(torch.nn.Module):
    """Images uint8 [batch, height, width, 3] to probabilities [batch, classes]."""

    def __init__(self, network: torch.nn.Module, size: int, preprocessing: str):
        super().__init__()
        self.network = network
        self._size = size
        self._preprocessing = preprocessing

    def forward(self, arrays: torch.Tensor) -> torch.Tensor:
        images = self._seen(arrays.permute(0, 3, 1, 2))
        return self.network(images * (2 / 255) - 1).softmax(dim=1)

    def _seen(self, images: torch.Tensor) -> torch.Tensor:
        height, width = images.shape[2:]
        if self._preprocessing == "inception":
            y, x = (int(side * (1 - _CENTRAL_FRACTION) / 2) for side in (height, width))
            part = images[:, :, y : height - y, x : width - x].float()
            return _resized(part, self._size, self._size)
        # What is cut off after scaling is cut off before, so that less is scaled.
        scale = round(self._size * _SHORTER_SIDE) / min(height, width)
        side = round(self._size / scale)
        y, x = (height - side) // 2, (width - side) // 2
        return _resized(images[:, :, y : y + side, x : x + side].float(), self._size, self._size)


def _resized(images: torch.Tensor, height: int, width: int) -> torch.Tensor:
    return torch.nn.functional.interpolate(images, (height, width), mode="bilinear")


def load(parameters: Mapping[str, Any], images: np.ndarray) -> prediction.Predict:
    torch.set_num_threads(contender.num_threads())
    batch = torch.from_numpy(np.ascontiguousarray(images))
    view = parameters["view"]
    network = torch_networks.classifier(parameters["network"], parameters["num_classes"])
    predictor = Predictor(network, view["image_size"], view["preprocessing"])
    predictor.eval()
    if parameters["is_compiled"]:
        inductor_config.freezing = True  # Weights are constants: batch norm folds away.
        predictor = torch.compile(predictor)

    @torch.inference_mode()
    def predict() -> torch.Tensor:
        return predictor(batch)

    return predict


if __name__ == "__main__":
    prediction.serve(load, torch_networks.classifier_versions())
