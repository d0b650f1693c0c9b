"""`DeepLabModel`: an exported network, from an image to class ids.

Needs TensorFlow, NumPy and Pillow, but no training code. Runs our exports and the frozen graphs
that research/deeplab published; the older ones take one image at a time and have no probabilities.
"""

import warnings
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from serving import contract, graph_inspection, image_reading, upscaling
from serving.export_file import Export
from serving.exported_model import ExportedModel

ImageInput = image_reading.ImageInput

# Values of a batch at the output of the network: 256 MiB of float32.
_MAX_BATCH_VALUES = 1 << 26
# Each size of images is warned of once, and a service sees any number of sizes.
_MAX_WARNINGS = 20


class ImageShrunkWarning(UserWarning):
    """An image is larger than the graph takes, so the network saw it at a smaller size."""


class Segmentation(NamedTuple):
    """The prediction for one image, at the image's own size.

    Attributes:
      ids: class ids, [height, width], int32 unless another type was requested.
      probabilities: float32 [height, width, num_classes], or None if not requested.
    """

    ids: np.ndarray
    probabilities: np.ndarray | None


class DeepLabModel(ExportedModel):
    """An exported segmentation network; `ExportedModel` says what all models have in common.

    Attributes:
      palette: RGB color, 0..255, of each class id; PASCAL VOC's when the graph carries none.
      crop_size: (height, width) of the largest image the graph takes.
      resizes_inside: whether the graph takes images of any size and resizes them itself.
      has_probabilities: whether the graph gives probabilities.
    """

    SIGNATURE = contract.SEGMENTATION
    INPUT_TENSOR_NAME = f"{contract.INPUT}:0"
    OUTPUT_TENSOR_NAME = f"{contract.PREDICTIONS}:0"
    PROBABILITIES_TENSOR_NAME = f"{contract.PROBABILITIES}:0"
    INPUT_SIZE = 513  # Crop of graphs that do not state it, as of most published ones.

    def _describe(self, export: Export) -> tuple[int, int]:
        self._warned_sizes: set[tuple[int, int]] = set()
        self.has_probabilities = any(
            node.name == contract.PROBABILITIES for node in export.graph_def.node
        )
        facts = graph_inspection.inspect(export)
        self.class_names = facts.class_names
        self.palette = facts.palette
        self.crop_size = facts.crop_size or (self.INPUT_SIZE, self.INPUT_SIZE)
        self.resizes_inside = facts.resizes_inside
        return self.crop_size

    def warm_up(self, size: tuple[int, int] | None = None, batch_size: int = 1) -> None:
        """See `ExportedModel.warm_up`; the size of the network is the crop's."""
        self._check_usable()
        image = np.zeros([*(size or self.crop_size), 3], np.uint8)
        self._predict([self._fit_array(image)] * batch_size, False, np.int32)

    def run(self, image: ImageInput) -> tuple[Image.Image, np.ndarray]:
        """Segments an image after scaling it to the network's input size, up or down.

        As research/deeplab's demonstration does: the longer side becomes 513 pixels; for an export
        of ours, the image becomes as large as fits its crop.

        Returns:
          (the scaled RGB image, its class ids as int32 [height, width]).
        """
        self._check_usable()
        decoded = image_reading.to_rgb(image_reading.decode(image))
        scale = self._fitting_scale(decoded.height, decoded.width)
        height, width = _scaled(decoded.height, decoded.width, scale)
        resized = decoded.resize((width, height), Image.Resampling.LANCZOS)
        return resized, self._run([np.asarray(resized)], False)[0].ids

    def segment(self, image: ImageInput) -> np.ndarray:
        """Returns the class ids of an image at its own size, int32 [height, width]."""
        return self.predict_batch([image])[0].ids

    def segment_batch(self, images: Iterable[ImageInput]) -> list[np.ndarray]:
        """Returns what `segment` returns for each image; faster where sizes are equal."""
        return [prediction.ids for prediction in self.predict_batch(images)]

    def probabilities(self, image: ImageInput) -> np.ndarray:
        """Returns the class probabilities of an image, float32 [height, width, num_classes].

        Raises:
          ValueError: the graph gives none.
        """
        probabilities = self.predict_batch([image], with_probabilities=True)[0].probabilities
        assert probabilities is not None
        return probabilities

    def predict_batch(
        self,
        images: Iterable[ImageInput],
        with_probabilities: bool = False,
        ids_type: type = np.int32,
    ) -> list[Segmentation]:
        """Segments images at their own sizes.

        An image larger than the crop is shrunk for the network, and the result brought back to its
        size; with probabilities in the graph its borders become smooth. That loses small objects,
        so `ImageShrunkWarning` names both sizes, once for each size. Images that the network sees
        at one size run together. The results are those of single images.

        Args:
          images: any number of images, of any sizes, or one array [batch, height, width, 3].
          with_probabilities: whether to return probabilities.
          ids_type: type of the class ids; np.uint8 takes a quarter of the memory.

        Returns:
          The predictions in the order of the images.

        Raises:
          ValueError: the graph gives no probabilities, an image is damaged or not an image, class
            ids do not fit the type, or the model was closed.
          TypeError: `images` is not a list, or something in it is not an image.
          OSError: the file of an image cannot be opened.
          ForkedProcessError: this process was forked after the model had been loaded.
        """
        self._check_usable()
        if with_probabilities and not self.has_probabilities:
            raise ValueError(
                f"{self.path} gives no probabilities: it has no node {contract.PROBABILITIES}. "
                "Export the checkpoint again with python export_model.py."
            )
        fitted = [self._fit_array(image) for image in image_reading.as_list(images)]
        for _, size in fitted:
            self._warn_if_shrunk(size)
        return self._predict(fitted, with_probabilities, ids_type)

    def _predict(
        self,
        fitted: Sequence[tuple[np.ndarray, tuple[int, int]]],
        with_probabilities: bool,
        ids_type: type,
    ) -> list[Segmentation]:
        """Segments images as `_fit_array` returns them; see `predict_batch`."""
        same_size: dict[tuple[int, int], list[int]] = {}
        for index, (array, _) in enumerate(fitted):
            same_size.setdefault(array.shape[:2], []).append(index)
        results: dict[int, Segmentation] = {}
        for shape, indices in same_size.items():
            batch_size = self._batch_size(*shape)
            for start in range(0, len(indices), batch_size):
                batch = indices[start : start + batch_size]
                is_shrunk = any(fitted[index][1] != shape for index in batch)
                fetch_probabilities = with_probabilities or (is_shrunk and self.has_probabilities)
                predictions = self._run([fitted[index][0] for index in batch], fetch_probabilities)
                for index, prediction in zip(batch, predictions, strict=True):
                    results[index] = _to_size(
                        prediction, fitted[index][1], with_probabilities, ids_type
                    )
        return [results[index] for index in range(len(fitted))]

    def _run(self, arrays: Sequence[np.ndarray], with_probabilities: bool) -> list[Segmentation]:
        """Runs the graph on images of one size, as they are."""
        batch = np.stack(arrays) if len(arrays) > 1 else arrays[0][np.newaxis]
        class_ids, probabilities = self._engine.run(batch, with_probabilities)
        return [
            Segmentation(
                ids.astype(np.int32, copy=False),
                None if probabilities is None else probabilities[index],
            )
            for index, ids in enumerate(class_ids)
        ]

    def _batch_size(self, height: int, width: int) -> int:
        if not self.takes_batches:
            return 1
        padded = max(height, self.crop_size[0]) * max(width, self.crop_size[1])
        return max(1, _MAX_BATCH_VALUES // (padded * self.num_classes))

    def _warn_if_shrunk(self, size: tuple[int, int]) -> None:
        seen = self.fitted_size(*size)
        if seen == size or size in self._warned_sizes or len(self._warned_sizes) >= _MAX_WARNINGS:
            return
        self._warned_sizes.add(size)
        crop = f"{self.crop_size[0]}x{self.crop_size[1]}"
        warnings.warn(
            f"an image of {size[0]}x{size[1]} (height x width) is larger than the model's {crop} "
            f"and was shrunk to {seen[0]}x{seen[1]}: small objects are lost. Export the checkpoint "
            f"with a larger --crop_size, or cut images into tiles of at most {crop}.",
            ImageShrunkWarning,
            stacklevel=4,
        )

    def _fit_array(self, image: ImageInput) -> tuple[np.ndarray, tuple[int, int]]:
        """Returns an image as the graph takes it, and the (height, width) that it has."""
        decoded = image_reading.decode(image)
        if isinstance(decoded, np.ndarray):
            decoded = image_reading.to_rgb_array(decoded)
            height, width = decoded.shape[:2]
            if self.fitted_size(height, width) == (height, width):
                return decoded, (height, width)  # Through Pillow it would take a millisecond.
        rgb = image_reading.to_rgb(decoded)
        return np.asarray(self.fit(rgb)), (rgb.height, rgb.width)

    def fit(self, image: Image.Image) -> Image.Image:
        """Returns the image as the graph takes it: no larger than its crop."""
        height, width = self.fitted_size(image.height, image.width)
        if (height, width) == (image.height, image.width):
            return image
        return image.resize((width, height), Image.Resampling.LANCZOS)

    def fitted_size(self, height: int, width: int) -> tuple[int, int]:
        """Returns the (height, width) at which the graph is given an image of a size."""
        scale = self._fitting_scale(height, width)
        if self.resizes_inside or scale >= 1:
            return height, width
        return _scaled(height, width, scale)

    def _fitting_scale(self, height: int, width: int) -> float:
        return min(self.crop_size[0] / height, self.crop_size[1] / width)


def _scaled(height: int, width: int, scale: float) -> tuple[int, int]:
    return max(1, int(scale * height)), max(1, int(scale * width))


def _to_size(
    prediction: Segmentation, size: tuple[int, int], with_probabilities: bool, ids_type: type
) -> Segmentation:
    """Brings a prediction to an image's own size, and drops probabilities not asked for."""
    class_ids, probabilities = prediction
    limits = np.iinfo(ids_type)
    if class_ids.size and not limits.min <= class_ids.min() <= class_ids.max() <= limits.max:
        raise ValueError(
            f"class ids run from {class_ids.min()} to {class_ids.max()}; {limits.dtype} holds "
            f"{limits.min} to {limits.max}."
        )
    if class_ids.shape == size:
        class_ids = class_ids.astype(ids_type, copy=False)
    elif probabilities is None:
        class_ids = upscaling.upscale_ids(class_ids.astype(ids_type, copy=False), size)
    else:
        class_ids = upscaling.upscale_to_ids(probabilities, size, ids_type)
        if with_probabilities:
            probabilities = upscaling.upscale_probabilities(probabilities, size)
    return Segmentation(class_ids, probabilities if with_probabilities else None)
