"""What surrounds a segmentation network, in NumPy: see `deeplab.inference_graph`."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from common import resized_cells
from serving import contract
from serving.contract import Metadata
from serving.processing import class_ids, resizing
from serving.processing.laplacian import laplacian
from serving.processing.softmax import softmax

# Results are made in bands of rows of about this many values, which stay in a core's cache.
_BAND_VALUES = 1 << 19


class SegmentationProcessing:
    """See `processing.Processing`."""

    def __init__(
        self, metadata: Metadata, has_laplacian: bool, source: str, num_threads: int | None
    ):
        """Takes what an export says of itself.

        Args:
          metadata: the description, with crop size and mean pixel.
          has_laplacian: whether the network has an input for the gradient channel.
          source: the export's file, for errors.
          num_threads: CPU threads; None for all cores.
        """
        assert metadata.crop_size is not None
        self._metadata, self._source = metadata, source
        self._crop = metadata.crop_size
        depths = {contract.NETWORK_LAPLACIAN: 1} if has_laplacian else {}
        self.input_shapes = {
            name: (*self._crop, depth)
            for name, depth in {contract.NETWORK_IMAGE: 3, **depths}.items()
        }
        self._threads = ThreadPoolExecutor(num_threads or os.cpu_count())

    def prepare(self, image: np.ndarray) -> dict[str, np.ndarray]:
        """See `processing.Processing.prepare`."""
        size = self._network_size(*image.shape[:2])
        if size[0] > self._crop[0] or size[1] > self._crop[1]:
            raise ValueError(
                f"{self._source}: The image (height, width) is {size[0]} {size[1]} but "
                f"this graph was exported for images of at most {self._crop[0]} {self._crop[1]}. "
                "Shrink the image, or export with a larger --crop_size, or with "
                "--min_resize_value and --max_resize_value."
            )
        images = image[np.newaxis]
        inputs = {contract.NETWORK_IMAGE: self._fit(images, size, self._metadata.mean_pixel)}
        if contract.NETWORK_LAPLACIAN in self.input_shapes:
            channel = laplacian(images)
            inputs[contract.NETWORK_LAPLACIAN] = self._fit(channel, size, (0.0,))
        return inputs

    def finish(
        self, size: tuple[int, int], logits: Sequence[np.ndarray], with_probabilities: bool
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """See `processing.Processing.finish`."""
        seen = self._network_size(*size)
        members = [self._unmirrored(each, number) for number, each in enumerate(logits)]
        ids: np.ndarray = np.empty(seen, np.int32)
        probabilities = None
        if with_probabilities:
            probabilities = np.empty([*seen, members[0].shape[-1]], np.float32)
        if len(members) > 1:
            self._in_bands(members, ids, probabilities)
        else:
            self._find_ids(members[0], ids)
            if probabilities is not None:
                self._in_bands(members, None, probabilities)
        if self._metadata.min_resize_value is None:
            return ids, probabilities
        rows, columns = (resizing.nearest(*sides) for sides in zip(seen, size, strict=True))
        if probabilities is not None:
            probabilities = resizing.resize_bilinear(probabilities[np.newaxis], size)[0]
        return ids[rows][:, columns], probabilities

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown()

    def _network_size(self, height: int, width: int) -> tuple[int, int]:
        """Returns the (height, width) at which the network sees an image, in its crop.

        As `deeplab.data.preprocess.range_size`, in float32 too, with its rounding; and then, as
        `deeplab.inference_graph`, the largest of this shape in the crop if that does not hold it.
        """
        resize = self._metadata
        if resize.min_resize_value is None:
            return height, width
        sides = np.array([height, width], np.float32)
        new = np.floor(sides * (np.float32(resize.min_resize_value) / sides.min()))
        if resize.max_resize_value is not None:
            limit = resize.max_resize_value
            if resize.resize_factor is not None:
                limit -= (limit - 1) % resize.resize_factor
            if new.max() > limit:
                new = np.floor(sides * (np.float32(limit) / sides.max()))
        whole = np.maximum(new.astype(np.int64), 1)
        if resize.resize_factor is not None:
            whole += (1 - whole) % resize.resize_factor
        if not resize.keep_aspect_ratio:
            whole[:] = whole.max()
        new_height, new_width = whole.astype(np.float32)
        crop_height, crop_width = np.array(self._crop, np.float32)
        if new_height > crop_height or new_width > crop_width:
            if new_height * crop_width > new_width * crop_height:
                fitted = crop_height, np.floor(new_width * crop_height / new_height)
            else:
                fitted = np.floor(new_height * crop_width / new_width), crop_width
            whole = np.maximum(np.array(fitted, np.int64), 1)
        return int(whole[0]), int(whole[1])

    def _fit(
        self, channels: np.ndarray, size: tuple[int, int], fill: Sequence[float]
    ) -> np.ndarray:
        """Resizes [batch, height, width, depth] and pads it with a color up to the crop."""
        if self._metadata.min_resize_value is not None:
            channels = resizing.resize_bilinear(channels, size)
        height, width = size
        fitted = np.empty([len(channels), *self._crop, channels.shape[-1]], np.float32)
        fitted[:, :height, :width] = channels
        fitted[:, height:] = fill
        fitted[:, :height, width:] = fill
        return fitted

    def _unmirrored(self, logits: np.ndarray, number: int) -> np.ndarray:
        """Mirrors the logits of a mirror image back: every second member is one."""
        return logits[:, ::-1] if self._metadata.add_flipped_images and number % 2 else logits

    def _find_ids(self, logits: np.ndarray, ids: np.ndarray) -> None:
        """Computes the class ids of an image into [height, width], from logits [h, w, classes]."""
        if not self._metadata.upsamples_logits:
            rows, columns = (
                resizing.nearest(source, target)[:wanted]
                for source, target, wanted in zip(logits.shape, self._crop, ids.shape, strict=False)
            )
            ids[:] = logits.argmax(-1)[rows][:, columns]
            return
        factors = [
            resized_cells.factor(*sides) for sides in zip(logits.shape, self._crop, strict=False)
        ]
        if not all(factors):
            self._in_bands([logits], ids, None)
            return
        # Of the padding, nothing is needed.
        rows, columns = (
            -(-(side - 1) // step) + 1 for side, step in zip(ids.shape, factors, strict=True)
        )
        size = (rows - 1) * factors[0] + 1, (columns - 1) * factors[1] + 1
        found = class_ids.upsampled_argmax(logits[:rows, :columns], *size)
        ids[:] = found[: ids.shape[0], : ids.shape[1]]

    def _in_bands(
        self,
        members: Sequence[np.ndarray],
        ids: np.ndarray | None,
        probabilities: np.ndarray | None,
    ) -> None:
        """Computes class ids [height, width], probabilities [height, width, classes], or both.

        Classes come first in between, so that NumPy works through whole rows of pixels.
        """
        wanted = ids if ids is not None else probabilities
        assert wanted is not None
        height, width = wanted.shape[:2]
        num_classes = members[0].shape[-1]
        is_early = not self._metadata.upsamples_logits and len(members) == 1
        needs_softmax = not is_early and (probabilities is not None or len(members) > 1)
        wide = []
        for logits in members:
            channels = np.ascontiguousarray(logits.transpose(2, 0, 1))
            across = resizing.interpolation(channels.shape[2], self._crop[1], True).part(0, width)
            values = softmax(channels, axis=0) if is_early else channels
            wide.append(resizing.interpolate(values, across, axis=2))
        down = [resizing.interpolation(each.shape[1], self._crop[0], True) for each in wide]

        def compute(start: int) -> None:
            end = min(start + num_rows, height)
            bands = [
                resizing.interpolate(values, along.part(start, end), axis=1)
                for values, along in zip(wide, down, strict=True)
            ]
            if needs_softmax:
                bands = [softmax(band, axis=0) for band in bands]
            total = bands[0]
            for band in bands[1:]:
                total += band
            if len(bands) > 1:
                total /= np.float32(len(bands))
            if ids is not None:
                ids[start:end] = total.argmax(0)
            if probabilities is not None:
                probabilities[start:end] = total.transpose(1, 2, 0)

        num_rows = max(1, _BAND_VALUES // (width * num_classes))
        for _ in self._threads.map(compute, range(0, height, num_rows)):
            pass
