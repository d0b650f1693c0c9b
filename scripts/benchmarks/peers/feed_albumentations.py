"""Contender: PyTorch's DataLoader with albumentations, the same augmentation from the files."""

import albumentations
import cv2
import numpy as np
import torch

from scripts.benchmarks import contender

_SCALES = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
_IGNORE_LABEL = 255


class Images(torch.utils.data.Dataset):
    """Images and masks without end, each as often as any other."""

    def __init__(self, pairs: list[tuple[str, str]], crop: int):
        self._pairs = pairs
        self._augment = albumentations.Compose(
            [
                albumentations.OneOf(
                    [
                        albumentations.RandomScale((scale - 1, scale - 1), p=1.0)
                        for scale in _SCALES
                    ],
                    p=1.0,
                ),
                albumentations.PadIfNeeded(
                    crop,
                    crop,
                    position="top_left",
                    border_mode=cv2.BORDER_CONSTANT,
                    fill=127.5,
                    fill_mask=_IGNORE_LABEL,
                ),
                albumentations.RandomCrop(crop, crop),
                albumentations.HorizontalFlip(p=0.5),
            ]
        )

    def __len__(self) -> int:
        return 1 << 24

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        image_path, mask_path = self._pairs[index % len(self._pairs)]
        image = cv2.cvtColor(cv2.imread(image_path), cv2.COLOR_BGR2RGB)
        mask = cv2.imread(mask_path, cv2.IMREAD_UNCHANGED)
        augmented = self._augment(image=image, mask=mask)
        arrays = (np.ascontiguousarray(augmented[name]) for name in ("image", "mask"))
        return tuple(map(torch.from_numpy, arrays))


def main() -> None:
    channel = contender.Channel()
    parameters = contender.parameters()
    cv2.setNumThreads(0)  # The workers are the threads.
    torch.set_num_threads(contender.num_threads())
    loader = torch.utils.data.DataLoader(
        Images(parameters["pairs"], parameters["crop"]),
        batch_size=parameters["batch"],
        num_workers=contender.num_threads(),
    )
    iterator = iter(loader)

    def take_batch() -> tuple[torch.Tensor, torch.Tensor]:
        # Bytes travel between the processes, numbers do not: a quarter of the copying.
        images, labels = next(iterator)
        return images.permute(0, 3, 1, 2).float(), labels.long()

    versions = {"PyTorch": torch.__version__, "albumentations": albumentations.__version__}
    take_batch()
    channel.serve(take_batch, parameters["batches_ahead"], versions=versions)


if __name__ == "__main__":
    main()
