"""What tiles cost and gain, after `make demo`: `python -m scripts.benchmarks.tiles [EXPORT]`.

Sixteen scenes of the demo's validation split are laid side by side as one image. It is scored as it
is, and with its first rows and columns cut off: as it is, scenes may happen to lie as the tiles do.
"""

import collections
import glob
import os
import time
import warnings

import numpy as np
from PIL import Image

from commands import launcher
from commands.command import Command
from deeplab.evaluation import metrics
from serving import export_file
from serving.deeplab_model import DeepLabModel

_SCENES = os.path.join("data", "demo", "val")
_PER_SIDE = 4
# Rows and columns that are cut off.
_CUTS = ((0, 0), (60, 77), (33, 140), (110, 25), (84, 51))
_OVERLAPS = (0, 0.25, 0.375, 0.5, 0.625, 0.75)
_SIDES = (1024, 2048, 4096)


def main(_, arguments: list[str]) -> None:
    """Prints the scores of the mosaic, and the time that larger images take."""
    warnings.simplefilter("ignore")
    path = arguments[0] if arguments else export_file.find_newest_export()
    images, labels = _scenes()
    image, label = _lay(images), _lay(labels)
    with DeepLabModel(path) as model:
        model.warm_up()
        one_by_one = _lay(model.segment_batch(images))
        _print_scores("one by one", model, [one_by_one[y:, x:] for y, x in _CUTS], label)
        for name, how in [("shrunk", {"tile": "off"})] + [
            (f"overlap {overlap}", {"overlap": overlap}) for overlap in _OVERLAPS
        ]:
            planned = model.plan_tiles(*label.shape, **how)
            start = time.process_time()
            predictions = [model.segment(image[y:, x:], **how) for y, x in _CUTS]
            seconds = time.process_time() - start
            name = f"{name}, {planned.num_tiles if planned else 1} tiles, CPU {seconds:.1f} s"
            _print_scores(name, model, predictions, label)
        for side in _SIDES:
            repeats = [-(-side // length) for length in label.shape]
            large = np.tile(image, (*repeats, 1))[:side, :side]
            start = time.process_time()
            model.predict_batch([large], ids_type=np.uint8)
            seconds = time.process_time() - start
            print(f"{side}x{side}: {seconds / side**2 * 1e6:.2f} s of CPU per million pixels")


def _scenes() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Returns sixteen images and labels of one size."""
    labels = {
        os.path.splitext(os.path.basename(path))[0]: np.asarray(Image.open(path))
        for path in sorted(glob.glob(os.path.join(_SCENES, "masks", "*.png")))
    }
    sizes = collections.Counter(label.shape for label in labels.values())
    if not sizes:
        raise ValueError(f"there are no masks in {_SCENES}; make demo draws them.")
    ((size, _),) = sizes.most_common(1)
    names = [name for name, label in labels.items() if label.shape == size][: _PER_SIDE**2]
    images = [
        np.asarray(Image.open(os.path.join(_SCENES, "images", f"{name}.jpg"))) for name in names
    ]
    return images, [labels[name] for name in names]


def _lay(arrays: list[np.ndarray]) -> np.ndarray:
    rows = [arrays[start : start + _PER_SIDE] for start in range(0, _PER_SIDE**2, _PER_SIDE)]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows])


def _print_scores(
    name: str, model: DeepLabModel, predictions: list[np.ndarray], label: np.ndarray
) -> None:
    scores = []
    for (y, x), ids in zip(_CUTS, predictions, strict=True):
        counts = metrics.confusion_matrix(label[y:, x:], ids, model.num_classes, 255)
        scores.append(metrics.compute_metrics(counts).mean_iou)
    print(f"{name}: {scores[0]:.3f}, cut {np.mean(scores[1:]):.3f}", flush=True)


COMMAND = Command(
    "Scores tiles on a mosaic of the demo's scenes, and measures their time: [EXPORT].",
    "scripts.benchmarks.tiles",
    positional="EXPORT: an exported model; the newest one in runs/ if not given",
)

if __name__ == "__main__":
    launcher.execute(COMMAND)
