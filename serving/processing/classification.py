"""What surrounds a classifier's network, in NumPy: `classification.data.preprocess`, softmax."""

from collections.abc import Sequence

import numpy as np

from serving import contract
from serving.processing import resizing
from serving.processing.softmax import softmax

# Of `classification.data.preprocess`.
_CENTRAL_FRACTION = 0.875
_EVALUATION_SIDE = 256 / 224


class ClassifierProcessing:
    """See `processing.Processing`."""

    def __init__(self, view: contract.View):
        self._view = view
        size = view.image_size
        self.input_shapes = {contract.NETWORK_IMAGE: (size, size, 3)}

    def prepare(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """See `processing.Processing.prepare`."""
        images = image[np.newaxis]
        size = self._view.image_size
        if self._view.preprocessing == "inception":
            seen = resizing.resize_bilinear(_central_part(images), (size, size), False)
        else:
            seen = _central_square(images, size)
        return {contract.NETWORK_IMAGE: np.ascontiguousarray(seen)}

    def finish(
        self, size: tuple[int, int], logits: Sequence[np.ndarray], with_probabilities: bool
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """See `processing.Processing.finish`."""
        del size
        (values,) = logits
        class_ids = values.argmax(-1).astype(np.int32)
        return class_ids, softmax(values.copy(), axis=-1) if with_probabilities else None

    def close(self) -> None:
        """Nothing is held."""


def _central_part(images: np.ndarray) -> np.ndarray:
    margin_y, margin_x = (
        int(np.float64(side) * ((1.0 - _CENTRAL_FRACTION) / 2)) for side in images.shape[1:3]
    )
    height, width = images.shape[1:3]
    return images[:, margin_y : height - margin_y, margin_x : width - margin_x]


def _central_square(images: np.ndarray, size: int) -> np.ndarray:
    """Scales the shorter side and cuts out the center."""
    side = round(size * _EVALUATION_SIDE)
    shape = np.array(images.shape[1:3], np.float32)
    scaled = np.rint(shape * (np.float32(side) / shape.min())).astype(np.intp)
    height, width = np.maximum(scaled, side)
    top, left = (height - size) // 2, (width - size) // 2
    resized = resizing.resize_bilinear(images, (height, width), False)
    return resized[:, top : top + size, left : left + size]
