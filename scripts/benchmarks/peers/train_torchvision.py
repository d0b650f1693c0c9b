"""Contender: a training step of a torchvision classifier, channels last."""

import torch

from scripts.benchmarks import batches, contender
from scripts.benchmarks.peers import torch_networks

_WARM_UP_STEPS = 2


def main() -> None:
    channel = contender.Channel()
    parameters = contender.parameters()
    torch.set_num_threads(contender.num_threads())
    torch.manual_seed(0)
    num_classes = parameters["num_classes"]
    batch = batches.labeled_images(parameters["batch"], parameters["size"], num_classes)
    images = torch.from_numpy(batch["image"]).permute(0, 3, 1, 2) * (2 / 255) - 1
    labels = torch.from_numpy(batch["label"]).long()
    network = torch_networks.classifier(parameters["network"], num_classes).train()
    if parameters.get("is_compiled"):
        network = torch.compile(network)
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=1e-4,
        momentum=0.9,
        weight_decay=4e-5,
        nesterov=True,
        foreach=True,
    )
    criterion = torch.nn.CrossEntropyLoss()

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        criterion(network(images), labels).backward()
        optimizer.step()

    for _ in range(_WARM_UP_STEPS):
        step()
    channel.serve(step, versions=torch_networks.classifier_versions())


if __name__ == "__main__":
    main()
