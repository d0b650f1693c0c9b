"""`DeepLabModel`: an exported network, from an image to class ids.

Needs an engine, NumPy and Pillow, but no training code. Runs our exports and the frozen graphs
that research/deeplab published; the older ones take one image at a time and have no probabilities.
"""

import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from serving import contract, facts, image_reading, tiling, upscaling
from serving.export_file import Export
from serving.exported_model import ExportedModel

ImageInput = image_reading.ImageInput

# Values of a batch at the output of the network: 256 MiB of float32.
_MAX_BATCH_VALUES = 1 << 26
# Tiles that run together: more are no faster on a CPU, and take the memory of as many images.
_MAX_TILES_AT_ONCE = 4
# Each size of images is warned of once, and a service sees any number of sizes.
_MAX_WARNINGS = 20

# Images that would be shrunk by more than this are tiled by default.
_MAX_SHRINKING = 1.5
# Less shows the network nothing.
_MIN_TILE = 16


class ImageShrunkWarning(UserWarning):
    """An image is larger than the graph takes, so the network saw it at a smaller size."""


class ImageTiledWarning(UserWarning):
    """An image is so much larger than the graph takes that it ran in tiles, which takes longer."""


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
        self.has_probabilities = contract.PROBABILITIES in export.node_names
        known = facts.inspect(export)
        self.class_names = known.class_names
        self.palette = known.palette
        self.crop_size = known.crop_size or (self.INPUT_SIZE, self.INPUT_SIZE)
        self.resizes_inside = known.resizes_inside
        return self.crop_size

    @property
    def num_blended(self) -> int:
        """Values of a pixel that tiles blend: the probabilities of all classes, or none."""
        return self.num_classes if self.has_probabilities else 0

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

    def segment(
        self,
        image: ImageInput,
        *,
        tile: str | int = tiling.AUTO,
        overlap: float = tiling.DEFAULT_OVERLAP,
    ) -> np.ndarray:
        """Returns the class ids of an image at its own size, int32 [height, width].

        `tile` and `overlap` are those of `predict_batch`.
        """
        return self._predict_any([image], tile=tile, overlap=overlap)[0].ids

    def segment_batch(
        self,
        images: Iterable[ImageInput],
        *,
        tile: str | int = tiling.AUTO,
        overlap: float = tiling.DEFAULT_OVERLAP,
    ) -> list[np.ndarray]:
        """Returns what `segment` returns for each image; faster where sizes are equal."""
        return [each.ids for each in self._predict_any(images, tile=tile, overlap=overlap)]

    def probabilities(
        self,
        image: ImageInput,
        *,
        tile: str | int = tiling.AUTO,
        overlap: float = tiling.DEFAULT_OVERLAP,
    ) -> np.ndarray:
        """Returns the class probabilities of an image, float32 [height, width, num_classes].

        `tile` and `overlap` are those of `predict_batch`.

        Raises:
          ValueError: the graph gives none.
        """
        probabilities = self._predict_any([image], True, tile=tile, overlap=overlap)[
            0
        ].probabilities
        assert probabilities is not None
        return probabilities

    def predict_batch(
        self,
        images: Iterable[ImageInput],
        with_probabilities: bool = False,
        ids_type: type = np.int32,
        *,
        tile: str | int = tiling.AUTO,
        overlap: float = tiling.DEFAULT_OVERLAP,
        progress: tiling.Progress | None = None,
    ) -> list[Segmentation]:
        """Segments images at their own sizes.

        An image that fits the crop runs as it is, and images that the network sees at one size run
        together; the results are those of single images. A larger image is shrunk for the network,
        and the result brought back to its size, or it runs in overlapping tiles of its own scale,
        whose probabilities are blended (`serving.tiling`). Shrinking loses small objects, and tiles
        take time, so `ImageShrunkWarning` or `ImageTiledWarning` says so, once for each size.

        Args:
          images: any number of images, of any sizes, or one array [batch, height, width, 3].
          with_probabilities: whether to return probabilities.
          ids_type: type of the class ids; np.uint8 takes a quarter of the memory.
          tile: "auto" tiles images that would be shrunk to less than two thirds, "off" shrinks all
            that are larger than the crop; a number tiles them all, and is the tiles' side in
            pixels, up to the crop.
          overlap: share of a tile's side by which neighbors overlap, 0 to 0.9. More takes more
            time: at 0.5, each pixel runs four times.
          progress: called with the number of tiles of an image that have run, first 0, and of all.

        Returns:
          The predictions in the order of the images.

        Raises:
          ValueError: the graph gives no probabilities, an image is damaged or not an image, class
            ids do not fit the type, `tile` or `overlap` is out of range, or the model was closed.
          TypeError: `images` is not a list, or something in it is not an image.
          OSError: the file of an image cannot be opened.
          ForkedProcessError: this process was forked after the model had been loaded.
        """
        return self._predict_any(images, with_probabilities, ids_type, tile, overlap, progress)

    def _predict_any(
        self,
        images: Iterable[ImageInput],
        with_probabilities: bool = False,
        ids_type: type = np.int32,
        tile: str | int = tiling.AUTO,
        overlap: float = tiling.DEFAULT_OVERLAP,
        progress: tiling.Progress | None = None,
    ) -> list[Segmentation]:
        """See `predict_batch`; every public method calls it, so that warnings name its caller."""
        self._check_usable()
        if with_probabilities and not self.has_probabilities:
            raise ValueError(
                f"{self.path} gives no probabilities: it has no node {contract.PROBABILITIES}. "
                "Export the checkpoint again with python export_model.py."
            )
        results: dict[int, Segmentation] = {}
        whole: dict[int, tuple[np.ndarray, tuple[int, int]]] = {}
        for index, image in enumerate(image_reading.as_list(images)):
            loaded = _load(image)
            size = _size(loaded)
            planned = self.plan_tiles(*size, tile, overlap)
            if planned is None or tile == tiling.AUTO:  # Otherwise tiles were asked for.
                self._warn_if_larger(size, planned)
            if planned is None:
                whole[index] = self._fit_loaded(loaded)
            else:
                results[index] = self.predict_tiles(
                    planned, loaded, with_probabilities, ids_type, progress
                )
        predictions = self._predict(list(whole.values()), with_probabilities, ids_type)
        results.update(zip(whole, predictions, strict=True))
        return [results[index] for index in range(len(results))]

    def plan_tiles(
        self,
        height: int,
        width: int,
        tile: str | int = tiling.AUTO,
        overlap: float = tiling.DEFAULT_OVERLAP,
    ) -> tiling.Plan | None:
        """Returns how `predict_batch` tiles an image of a size; None where the image runs whole.

        Raises:
          ValueError: `tile` or `overlap` is out of range.
        """
        largest = self._largest_tile(tile)
        planned = tiling.plan((height, width), largest, overlap)  # Checks the overlap, too.
        if tile == tiling.OFF or (self.resizes_inside and tile == tiling.AUTO):
            return None
        if tile == tiling.AUTO and self._fitting_scale(height, width) >= 1 / _MAX_SHRINKING:
            return None
        if not self.resizes_inside and self._fitting_scale(height, width) >= 1:
            return None
        return planned if planned.num_tiles > 1 else None

    def _largest_tile(self, tile: str | int) -> tuple[int, int]:
        if tile in (tiling.AUTO, tiling.OFF):
            return self.crop_size
        if isinstance(tile, bool) or not isinstance(tile, (int, np.integer)):
            raise ValueError(
                f"tile is {tile!r}; expected {tiling.AUTO!r}, {tiling.OFF!r}, or the side of "
                "tiles in pixels."
            )
        most = None if self.resizes_inside else max(self.crop_size)
        if tile < _MIN_TILE or (most is not None and tile > most):
            allowed = f"at least {_MIN_TILE}" if most is None else f"{_MIN_TILE} to {most}"
            raise ValueError(
                f"tile is {tile}; expected {allowed} pixels, since the model takes "
                f"{self.crop_size[0]}x{self.crop_size[1]} (height x width)."
            )
        if self.resizes_inside:
            return int(tile), int(tile)
        return min(int(tile), self.crop_size[0]), min(int(tile), self.crop_size[1])

    def blocks(
        self,
        planned: tiling.Plan,
        read: tiling.Read,
        progress: tiling.Progress | None = None,
        run: tiling.Run | None = None,
    ) -> Iterator[tiling.Block]:
        """Segments an image in tiles, without holding it.

        Args:
          planned: the tiles, as `plan_tiles` returns them.
          read: returns a part of the image, see `tiling.Read`.
          progress: as of `predict_batch`.
          run: runs tiles; None for `run_tiles`.

        Yields:
          Finished parts of the image.
        """
        self._check_usable()
        total, done = planned.num_runs(self.num_blended), 0

        def count(num_tiles: int) -> None:
            nonlocal done
            done += num_tiles
            if progress is not None:
                progress(done, total)

        count(0)
        batch_size = min(_MAX_TILES_AT_ONCE, self._batch_size(*planned.tile))
        yield from tiling.segment(
            planned,
            read,
            run or self.run_tiles,
            self.num_blended,
            batch_size,
            self.has_probabilities,
            count,
        )

    def run_tiles(self, tiles: Sequence[np.ndarray]) -> list[Segmentation]:
        """Runs the network on tiles uint8 [height, width, 3] of one size, as they are."""
        return self._run(tiles, self.has_probabilities)

    def predict_tiles(
        self,
        planned: tiling.Plan,
        image: np.ndarray | Image.Image,
        with_probabilities: bool = False,
        ids_type: type = np.int32,
        progress: tiling.Progress | None = None,
        run: tiling.Run | None = None,
    ) -> Segmentation:
        """Segments an image in tiles.

        Args:
          planned: the tiles, as `plan_tiles` returns them for the image's size.
          image: RGB, uint8 [height, width, 3] or a Pillow image.
          with_probabilities: as of `predict_batch`.
          ids_type: as of `predict_batch`.
          progress: as of `predict_batch`.
          run: as of `blocks`.
        """
        class_ids: np.ndarray = np.empty(planned.size, ids_type)
        probabilities = None
        if with_probabilities:
            probabilities = np.empty([*planned.size, self.num_classes], np.float32)
        for block in self.blocks(planned, _reader(image), progress, run):
            _check_ids(block.ids, ids_type)
            rows = slice(block.top, block.top + block.ids.shape[0])
            columns = slice(block.left, block.left + block.ids.shape[1])
            class_ids[rows, columns] = block.ids
            if probabilities is not None:
                probabilities[rows, columns] = block.probabilities
        return Segmentation(class_ids, probabilities)

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
        max_pixels = _MAX_BATCH_VALUES // self.num_classes
        if self._engine.max_pixels is not None:
            max_pixels = min(max_pixels, self._engine.max_pixels)
        return max(1, max_pixels // padded)

    def _warn_if_larger(self, size: tuple[int, int], planned: tiling.Plan | None) -> None:
        """Says what becomes of an image larger than the crop."""
        seen = self.fitted_size(*size)
        if size in self._warned_sizes or len(self._warned_sizes) >= _MAX_WARNINGS:
            return
        if planned is None and seen == size:
            return
        self._warned_sizes.add(size)
        crop = f"{self.crop_size[0]}x{self.crop_size[1]}"
        larger = (
            f"an image of {size[0]}x{size[1]} (height x width) is larger than the model's {crop}"
        )
        if planned is None:
            message = (
                f"{larger} and was shrunk to {seen[0]}x{seen[1]}: small objects are lost. Export "
                f"the checkpoint with a larger --crop_size, or run it in tiles: "
                f"tile={min(self.crop_size)}."
            )
        else:
            message = (
                f"{larger} and runs in {planned.num_tiles} overlapping tiles, which takes the time "
                f"of {planned.num_tiles} images; tile={tiling.OFF!r} shrinks it instead."
            )
        category = ImageShrunkWarning if planned is None else ImageTiledWarning
        warnings.warn(message, category, stacklevel=4)

    def _fit_array(self, image: ImageInput) -> tuple[np.ndarray, tuple[int, int]]:
        """Returns an image as the graph takes it, and the (height, width) that it has."""
        return self._fit_loaded(_load(image))

    def _fit_loaded(self, loaded: np.ndarray | Image.Image) -> tuple[np.ndarray, tuple[int, int]]:
        size = _size(loaded)
        if isinstance(loaded, np.ndarray):
            if self.fitted_size(*size) == size:
                return loaded, size  # Through Pillow it would take a millisecond.
            loaded = Image.fromarray(loaded)
        return np.asarray(self.fit(loaded)), size

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
    _check_ids(class_ids, ids_type)
    if class_ids.shape == size:
        class_ids = class_ids.astype(ids_type, copy=False)
    elif probabilities is None:
        class_ids = upscaling.upscale_ids(class_ids.astype(ids_type, copy=False), size)
    else:
        class_ids = upscaling.upscale_to_ids(probabilities, size, ids_type)
        if with_probabilities:
            probabilities = upscaling.upscale_probabilities(probabilities, size)
    return Segmentation(class_ids, probabilities if with_probabilities else None)


def _check_ids(class_ids: np.ndarray, ids_type: type) -> None:
    limits = np.iinfo(ids_type)
    if class_ids.size and not limits.min <= class_ids.min() <= class_ids.max() <= limits.max:
        raise ValueError(
            f"class ids run from {class_ids.min()} to {class_ids.max()}; {limits.dtype} holds "
            f"{limits.min} to {limits.max}."
        )


def _load(image: ImageInput) -> np.ndarray | Image.Image:
    """Returns an image as RGB: uint8 [height, width, 3], or a Pillow image."""
    decoded = image_reading.decode(image)
    if isinstance(decoded, np.ndarray):
        return image_reading.to_rgb_array(decoded)
    return image_reading.to_rgb(decoded)


def _size(loaded: np.ndarray | Image.Image) -> tuple[int, int]:
    if isinstance(loaded, np.ndarray):
        return loaded.shape[0], loaded.shape[1]
    return loaded.height, loaded.width


def _reader(loaded: np.ndarray | Image.Image) -> tiling.Read:
    if isinstance(loaded, np.ndarray):
        array = loaded
        return lambda top, bottom, left, right: array[top:bottom, left:right]
    image = loaded
    return lambda top, bottom, left, right: np.asarray(image.crop((left, top, right, bottom)))
