"""Contender: a training step of segmentation_models.pytorch's DeepLabV3+, channels last."""

import torch

from scripts.benchmarks import batches, contender
from scripts.benchmarks.peers import torch_networks

_WARM_UP_STEPS = 2


def main() -> None:
    channel = contender.Channel()
    parameters = contender.parameters()
    torch.set_num_threads(contender.num_threads())
    torch.manual_seed(0)
    side = parameters["crop"] // 16 * 16  # This network takes multiples of its stride only.
    batch = batches.constant_batch(parameters["batch"], side, parameters["num_classes"])
    images = torch.from_numpy(batch["image"]).permute(0, 3, 1, 2) * (2 / 255) - 1
    labels = torch.from_numpy(batch["label"])[..., 0].long()
    network = torch_networks.build(parameters["encoder"], parameters["num_classes"]).train()
    optimizer = torch.optim.SGD(
        network.parameters(), lr=1e-4, momentum=0.9, weight_decay=4e-5, foreach=True
    )
    criterion = torch.nn.CrossEntropyLoss(ignore_index=255)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        criterion(network(images), labels).backward()
        optimizer.step()

    for _ in range(_WARM_UP_STEPS):
        step()
    channel.serve(step, versions=torch_networks.versions())


if __name__ == "__main__":
    main()
