"""Contender: DeepLabV3+ of segmentation_models.pytorch, channels last, as it is or compiled."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch._inductor import config as inductor_config

from scripts.benchmarks import contender, prediction
from scripts.benchmarks.peers import torch_networks


class Predictor(torch.nn.Module):
    """Images uint8 [batch, height, width, 3] to class ids [batch, height, width]."""

    def __init__(self, network: torch.nn.Module):
        super().__init__()
        self.network = network

    def forward(self, arrays: torch.Tensor) -> torch.Tensor:
        images = arrays.permute(0, 3, 1, 2).float() * (2 / 255) - 1
        return self.network(images).argmax(dim=1)


def load(parameters: Mapping[str, Any], images: np.ndarray) -> prediction.Predict:
    torch.set_num_threads(contender.num_threads())
    side = images.shape[1] // 16 * 16  # This network takes multiples of its stride only.
    batch = torch.from_numpy(np.ascontiguousarray(images[:, :side, :side]))
    predictor = Predictor(torch_networks.build(parameters["encoder"], parameters["num_classes"]))
    predictor.eval()
    if parameters["is_compiled"]:
        inductor_config.freezing = True  # Weights are constants: batch norm folds away.
        predictor = torch.compile(predictor)

    @torch.inference_mode()
    def predict() -> torch.Tensor:
        return predictor(batch)

    return predict


if __name__ == "__main__":
    prediction.serve(load, torch_networks.versions())
