"""Writes coloured masks of pictures: `python infer.py photo.jpg holiday/ 'scans/**/*.png'`.

For every picture: NAME_mask.png, a palette PNG whose indices are the class ids, and
NAME_overlay.jpg, the mask painted over the picture, with a legend. Both have the picture's own
size (the overlay plus its legend). A picture that cannot be read is reported and the rest goes on;
the exit status is then 1.
"""

import command_line  # before TensorFlow, whose start it quiets

# isort: split

import os
import sys
import time
from collections.abc import Sequence

from absl import flags
from tqdm import tqdm

from deeplab import visualize
from serving import engines, export_file, file_inference, pictures, results
from serving.deeplab_model import DeepLabModel

# From so many on it pays to find out which engine is the fastest.
_MANY_PICTURES = 50

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
flags.DEFINE_bool("legend", True, "Whether the overlay has a legend below the picture.")
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
    "Pictures that are read, segmented and written together; those of one size run through the "
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
flags.DEFINE_integer(
    "num_threads", None, "CPU threads of the network. Default: all cores.", lower_bound=1
)


def main(arguments: list[str]) -> int:
    """Turns flags into options and segments the pictures; returns the exit status."""
    if not arguments:
        raise ValueError("which pictures? python infer.py PICTURES…: files, folders or patterns.")
    options = results.ResultOptions(
        FLAGS.opacity, FLAGS.legend, FLAGS.save_ids, FLAGS.save_probabilities
    )
    paths, problems = pictures.find_pictures(arguments, results.ENDINGS)
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    if not paths:
        return 1
    names = results.choose_names(paths)
    _check_inputs_survive(paths, names, options)
    num_failed = 0
    with DeepLabModel(
        FLAGS.model or export_file.find_newest_export(),
        FLAGS.engine,
        precision=FLAGS.precision,
        num_threads=FLAGS.num_threads,
        try_engines=len(paths) >= _MANY_PICTURES,
    ) as model:
        os.makedirs(FLAGS.output, exist_ok=True)
        start = time.time()
        outcomes = file_inference.segment_files(
            model, paths, names, FLAGS.output, options, FLAGS.batch_size
        )
        for outcome in tqdm(outcomes, total=len(paths), unit="picture", disable=None):
            num_failed += outcome.error is not None
            stream = sys.stdout if outcome.error is None else sys.stderr
            tqdm.write(_report(outcome, model), file=stream)
    num_written = len(paths) - num_failed
    print(
        f"{num_written} of {len(paths)} pictures, {num_written / (time.time() - start):.1f} a "
        f"second: {', '.join(results.result_paths(FLAGS.output, 'NAME', options))}"
    )
    return 1 if problems or num_failed else 0


def _check_inputs_survive(
    paths: Sequence[str], names: Sequence[str], options: results.ResultOptions
) -> None:
    """Makes sure that no result is written over a picture.

    Raises:
      ValueError: one would be.
    """
    inputs = {os.path.realpath(path) for path in paths}
    for path, name in zip(paths, names, strict=True):
        for result in results.result_paths(FLAGS.output, name, options):
            if os.path.realpath(result) in inputs:
                raise ValueError(
                    f"the result of {path} would overwrite the picture {result}; choose another "
                    "--output."
                )


def _report(outcome: file_inference.Outcome, model: DeepLabModel) -> str:
    """Returns a line about a picture: its classes, the largest first, or why it failed."""
    if outcome.error is not None:
        message = str(outcome.error)
        return f"error: {message if outcome.path in message else f'{outcome.path}: {message}'}"
    classes = sorted(
        (class_id for class_id in range(model.num_classes) if outcome.shares[class_id] > 0),
        key=lambda class_id: -outcome.shares[class_id],
    )
    shares = ", ".join(
        f"{model.class_names[class_id]} {visualize.format_share(outcome.shares[class_id])}"
        for class_id in classes
    )
    return f"{outcome.path}: {shares}"


if __name__ == "__main__":
    command_line.run(main, positional=True)
