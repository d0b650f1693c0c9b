"""Writes colored masks of images: `python infer.py photo.jpg holiday/ 'scans/**/*.png'`.

For every image: NAME_mask.png, a palette PNG whose indices are the class ids, and
NAME_overlay.jpg, the mask painted over the image, with a legend. Both have the image's own
size (the overlay plus its legend). An image that cannot be read is reported and the rest goes on;
the exit status is then 1. Images larger than the model takes are shrunk for it, with a warning.
"""


# isort: split

import os
import sys
import time
import warnings
from collections.abc import Sequence

from absl import flags
from PIL import Image
from tqdm import tqdm

from common import image_files
from common.texts import printable
from serving import engines, export_file, file_inference, image_search, memory, results
from serving.deeplab_model import DeepLabModel, ImageShrunkWarning
from serving.drawing import visualize

# From so many on it pays to find out which engine is the fastest.
_MANY_IMAGES = 50

# Height and width up to which a larger crop is a way out: memory grows with it.
_LARGEST_CROP = 2049

FLAGS = flags.FLAGS

flags.DEFINE_string(
    "model",
    None,
    "Exported model: a .pb, a folder with one, or a .tar.gz that research/deeplab published. "
    "Default: the newest export in runs/.",
)
flags.DEFINE_string("output", "masks", "Folder for the results; made if it is not there.")
flags.DEFINE_float(
    "opacity", 0.5, "Opacity of the mask in the overlay, 0 to 1.", lower_bound=0.0, upper_bound=1.0
)
flags.DEFINE_bool("legend", True, "Whether the overlay has a legend below the image.")
flags.DEFINE_enum(
    "save_ids",
    None,
    sorted(results.IDS_ENDINGS),
    "Also write the plain class ids: png (8-bit gray) or npy (int32).",
)
flags.DEFINE_bool(
    "save_probabilities",
    False,
    "Also write NAME_probabilities.npz: float16 [height, width, classes]. Large: 20 MB for a "
    "photograph of 1000x1000 pixels and 21 classes, uncompressed twice as much.",
)
flags.DEFINE_integer(
    "batch_size",
    4,
    "Images that are read, segmented and written together; those of one size run through the "
    "network at once.",
    lower_bound=1,
)
flags.DEFINE_enum(
    "engine",
    engines.AUTO,
    engines.NAMES,
    "What runs the network. auto takes the fastest one that is installed.",
)
flags.DEFINE_enum(
    "precision",
    engines.FLOAT32,
    engines.PRECISIONS,
    "int8 is faster and a little less exact, where export_model.py --quantize=int8 wrote it.",
)
flags.DEFINE_bool(
    "trust",
    False,
    "Run a model that has operations which can read and write files or run programs. Only for "
    "files whose origin you trust.",
)
flags.DEFINE_integer(
    "num_threads", None, "CPU threads of the network. Default: all cores.", lower_bound=1
)
flags.DEFINE_integer(
    "memory_limit_mb",
    None,
    "Memory in MB that the command may take, the network included: fewer images are held at once, "
    "and one that does not fit is refused by name. Default: 70% of what the machine, or the "
    "container, has free.",
    lower_bound=1,
)


def main(arguments: list[str]) -> int:
    """Turns flags into options and segments the images; returns the exit status."""
    if not arguments:
        raise ValueError("which images? python infer.py PICTURES…: files, folders or patterns.")
    _set_up_output()
    options = results.ResultOptions(
        FLAGS.opacity, FLAGS.legend, FLAGS.save_ids, FLAGS.save_probabilities
    )
    output = image_search.expand_home(FLAGS.output)
    _check_output(output)
    found = image_search.search(arguments, results.ENDINGS)
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    for problem in found.problems:
        print(f"error: {problem}", file=sys.stderr)
    paths = found.paths
    if not paths:
        return 1
    names = results.choose_names(paths)
    _check_inputs_survive(paths, names, output, options)
    limit = memory.default_limit()
    if FLAGS.memory_limit_mb is not None:
        limit = FLAGS.memory_limit_mb * memory.MIB
    num_failed = num_shrunk = 0
    with DeepLabModel(
        FLAGS.model or export_file.find_newest_export(),
        FLAGS.engine,
        precision=FLAGS.precision,
        num_threads=FLAGS.num_threads,
        try_engines=len(paths) >= _MANY_IMAGES,
        trust=FLAGS.trust,
    ) as model:
        budget = memory.Budget(limit)
        _make(output)
        results.remove_leftovers(output)
        start = time.time()
        outcomes = file_inference.segment_files(
            model, paths, names, output, options, FLAGS.batch_size, budget
        )
        for outcome in tqdm(outcomes, total=len(paths), unit="image", disable=None):
            num_failed += outcome.error is not None
            stream = sys.stdout if outcome.error is None else sys.stderr
            tqdm.write(_report(outcome, model), file=stream)
            if outcome.network_size != outcome.size:
                num_shrunk += 1
                if num_shrunk == 1:
                    tqdm.write(_shrunk_warning(outcome, model), file=sys.stderr)
    num_written = len(paths) - num_failed
    written = ", ".join(map(printable, results.result_paths(output, "NAME", options)))
    print(
        f"{num_written} of {len(paths)} images, {num_written / (time.time() - start):.1f} a "
        f"second: {written}"
    )
    if num_shrunk > 1:
        print(
            f"warning: {num_shrunk} of {len(paths)} images are larger than the model takes and "
            "were shrunk for it; see above",
            file=sys.stderr,
        )
    return 1 if found.problems or num_failed else 0


def _set_up_output() -> None:
    """Has everything that is printed stay readable, and our own lines the only ones."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # Names in letters that the terminal lacks.
    warnings.simplefilter("ignore", ImageShrunkWarning)  # `_shrunk_warning` says it.
    # About metadata, which nobody reads here.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    image_files.silence_libtiff()
    # The budget bounds the size of images, by the memory that there is.
    Image.MAX_IMAGE_PIXELS = None


def _check_output(folder: str) -> None:
    """Makes sure, before anything is loaded, that results can be written.

    Raises:
      ValueError: they cannot.
    """
    existing = os.path.abspath(folder)
    while not os.path.lexists(existing):
        existing = os.path.dirname(existing)
    name = printable(folder)
    if not os.path.isdir(existing):
        raise ValueError(
            f"--output={name}: {printable(existing)} is not a folder; choose another --output."
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ValueError(
            f"--output={name}: {printable(existing)} cannot be written to; choose another --output."
        )


def _make(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"--output={printable(folder)} cannot be made ({error.strerror}); choose another "
            "--output."
        ) from None


def _shrunk_warning(outcome: file_inference.Outcome, model: DeepLabModel) -> str:
    """Returns what to say of the first image that was shrunk."""
    height, width = outcome.size
    larger = "a larger --crop_size"
    if max(outcome.size) <= _LARGEST_CROP:
        # Output strides are 8, 16 or 32, and crops a multiple of them plus one.
        larger = "--crop_size=" + ",".join(str(-(-(n - 1) // 32) * 32 + 1) for n in outcome.size)
    return (
        f"warning: {printable(outcome.path)} is {height}x{width} (height x width), and the model "
        f"takes at most {model.crop_size[0]}x{model.crop_size[1]}: it was shrunk to "
        f"{outcome.network_size[0]}x{outcome.network_size[1]}, so small objects are lost. Cut it "
        f"into tiles of at most {model.crop_size[0]}x{model.crop_size[1]}, or export the "
        f"checkpoint again with {larger}."
    )


def _check_inputs_survive(
    paths: Sequence[str], names: Sequence[str], output: str, options: results.ResultOptions
) -> None:
    """Makes sure that no result is written over an image.

    Raises:
      ValueError: one would be.
    """
    inputs = {os.path.realpath(path) for path in paths}
    for path, name in zip(paths, names, strict=True):
        for result in results.result_paths(output, name, options):
            if os.path.realpath(result) in inputs:
                raise ValueError(
                    f"the result of {printable(path)} would overwrite the image "
                    f"{printable(result)}; choose another --output."
                )


def _report(outcome: file_inference.Outcome, model: DeepLabModel) -> str:
    """Returns a line about an image: its classes, the largest first, or why it failed."""
    path = printable(outcome.path)
    if outcome.error is not None:
        message = str(outcome.error)
        if isinstance(outcome.error, OSError) and outcome.error.strerror:
            message = outcome.error.strerror  # Without number and a name in quotes.
        message = printable(" ".join(message.split()))
        return f"error: {message if path in message else f'{path}: {message}'}"
    classes = sorted(
        (class_id for class_id in range(model.num_classes) if outcome.shares[class_id] > 0),
        key=lambda class_id: -outcome.shares[class_id],
    )
    shares = ", ".join(
        f"{printable(model.class_names[class_id])} "
        f"{visualize.format_share(outcome.shares[class_id])}"
        for class_id in classes
    )
    return f"{path}: {shares}"
