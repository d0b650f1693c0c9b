"""What `export_model.py` makes of a `.pb`: files for other engines, 8-bit forms, their check."""

import dataclasses
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from common import json_files
from common.dataset_files import DATASET_FILE, DATASETS_ROOT
from datasets.records import shard_check, tfrecords
from datasets.segmentation import record_format, specs
from deeplab.commands.export_model_flags import ExportOptions
from deeplab.commands.image_flags import find_images
from deeplab.evaluation import metrics
from export import openvino_int8, tflite
from serving import contract, engines, export_file, image_reading, parity
from serving.deeplab_model import DeepLabModel
from serving.engines import graph_parts

VERIFICATION_FILE = "verification.json"
_FORMATS = ("pb", "tflite")
_IMAGES_AT_ONCE = 8


@dataclasses.dataclass(frozen=True)
class Forms:
    """What is written beside a `.pb`.

    Attributes:
      tflite: whether files for LiteRT are written.
      int8: whether 8-bit forms are written.
      calibration_images: files that they are fitted to.
      verify_images: files on which the engines are compared.
      score: (folder, split) of records on which 8-bit forms are scored, or None.
    """

    tflite: bool
    int8: bool
    calibration_images: Sequence[str]
    verify_images: Sequence[str]
    score: tuple[str, str] | None

    @classmethod
    def from_options(cls, values: ExportOptions, dataset_name: str) -> "Forms":
        """Finds out what to write, before anything is written.

        Raises:
          ValueError: a flag is missing or names no images.
        """
        unknown = [name for name in values.formats if name not in _FORMATS]
        if unknown:
            raise ValueError(f"--formats has {unknown[0]!r}; expected {' or '.join(_FORMATS)}.")
        int8 = bool(values.quantize)
        if int8 and values.calibration_images is None:
            raise ValueError(
                "--quantize=int8 needs images to fit the 8-bit range to: give "
                "--calibration_images=FOLDER or a quoted pattern."
            )
        calibration = find_images(values.calibration_images, "calibration_images") if int8 else []
        spread = np.linspace(
            0, len(calibration) - 1, min(values.num_calibration_images, len(calibration))
        )
        directory = values.quantize_dataset_dir or os.path.join(DATASETS_ROOT, dataset_name)
        is_there = os.path.exists(os.path.join(directory, DATASET_FILE))
        if int8 and values.quantize_dataset_dir is not None and not is_there:
            raise ValueError(f"--quantize_dataset_dir: {directory} has no {DATASET_FILE}.")
        return cls(
            tflite="tflite" in values.formats,
            int8=int8,
            calibration_images=[calibration[round(index)] for index in spread],
            verify_images=find_images(values.verify_images, "verify_images"),
            score=(directory, values.quantize_split) if int8 and is_there else None,
        )


def write(forms: Forms, export_path: str, write_plain: Callable[[str], object]) -> None:
    """Writes the forms of an export and what the check says of them.

    Args:
      forms: what to write.
      export_path: the `.pb`, which is there.
      write_plain: writes the graph as it was built, unoptimized, to a path.
    """
    if not (forms.tflite or forms.int8 or forms.verify_images or forms.score):
        return
    export = export_file.read_export(export_path)
    if forms.tflite:
        _write_tflite(export, engines.FLOAT32, None)
    if forms.int8:
        _write_int8(forms, export)
    report: dict[str, Any] = {}
    if forms.verify_images:
        report["engines"] = _verify(forms, export, write_plain)
    if forms.score is not None:
        report["mean_iou"] = _score(*forms.score, export)
    if report:
        path = os.path.join(os.path.dirname(export_path), VERIFICATION_FILE)
        json_files.write(path, report)
        print(f"  {path}")


def _write_int8(forms: Forms, export: export_file.Export) -> None:
    examples = list(_network_inputs(export, forms.calibration_images))
    if forms.tflite:
        _write_tflite(export, engines.INT8, examples)
    if engines.why_not(export, engines.OPENVINO) is None:
        import openvino

        from serving.engines.openvino_network import read_network

        model = read_network(export, openvino.Core())
        path = engines.form_path(export.path, engines.OPENVINO, engines.INT8)
        openvino_int8.quantize(model, examples, path)
        print(f"  {path}")
    elif not forms.tflite:
        raise ValueError(
            f"--quantize=int8: {engines.why_not(export, engines.OPENVINO)} Or add "
            "--formats=pb,tflite for LiteRT."
        )


def _write_tflite(export: export_file.Export, precision: str, examples) -> None:
    path = engines.form_path(export.path, engines.LITERT, precision)
    shapes = graph_parts.input_shapes(export)
    tflite.convert(
        graph_parts.network(export),
        {name: [1, *shape.as_list()[1:]] for name, shape in shapes.items()},
        export.network_outputs,
        path,
        None if examples is None else lambda: examples,
    )
    print(f"  {path}  ({os.path.getsize(path) / 1e6:.1f} MB)")


def _network_inputs(
    export: export_file.Export, paths: Sequence[str]
) -> Iterator[dict[str, np.ndarray]]:
    """Yields what the network sees of each image: [1, crop height, crop width, depth] by name."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(graph_parts.around_network(export), name="")
        names = export.network_inputs
        with DeepLabModel(export.path, engines.TENSORFLOW) as model:
            for path in paths:
                image = model.fit(image_reading.read_image(path))
                feed = {f"{contract.INPUT}:0": np.asarray(image)[np.newaxis]}
                values = session.run([f"{name}:0" for name in names], feed)
                yield dict(zip(names, values, strict=True))


def _verify(
    forms: Forms, export: export_file.Export, write_plain: Callable[[str], object]
) -> list[dict]:
    """Compares every engine that can run the export with the graph as it was built."""
    images = [image_reading.read_image(path) for path in forms.verify_images]
    found = []
    print(f"compared with the plain graph on {len(images)} images:")
    with tempfile.TemporaryDirectory() as folder:
        plain = os.path.join(folder, "plain.pb")
        write_plain(plain)
        with DeepLabModel(plain, engines.TENSORFLOW) as reference:
            for name, precision in _forms_of(export):
                with DeepLabModel(export.path, name, precision=precision) as model:
                    result = parity.compare(model, precision, images, reference)
                found.append(dataclasses.asdict(result))
                print(
                    f"  {name} {precision}: largest difference of a probability "
                    f"{result.max_probability_difference:.2g}, equal pixels "
                    f"{result.equal_pixels:.4%}"
                )
    return found


def _score(directory: str, split: str, export: export_file.Export) -> dict:
    """Returns the mean IoU of float32 and of each 8-bit form on a split, at single scale."""
    spec = specs.read_spec(directory)
    if split not in spec.splits:
        raise ValueError(
            f"{directory} has no split {split!r} for --quantize_split; it has "
            f"{', '.join(sorted(spec.splits))}."
        )
    paths = shard_check.complete_shards(spec, split)
    scores = {}
    for name, precision in _forms_of(export):
        if precision == engines.FLOAT32 and name != engines.TENSORFLOW:
            continue
        counts = np.zeros([len(spec.class_names)] * 2, np.int64)
        with DeepLabModel(export.path, name, precision=precision) as model:
            for images, labels in _batches(paths):
                for label, ids in zip(labels, model.segment_batch(images), strict=True):
                    counts += metrics.confusion_matrix(
                        label, ids, len(spec.class_names), spec.ignore_label
                    )
        scores[f"{name} {precision}"] = metrics.compute_metrics(counts).mean_iou
    float_score = scores[f"{engines.TENSORFLOW} {engines.FLOAT32}"]
    print(f"mean IoU on {split} of {directory}:")
    for form, score in scores.items():
        print(f"  {form}: {score:.4f} ({100 * (score - float_score):+.2f} points)")
    return {"dataset_dir": directory, "split": split, **scores}


def _forms_of(export: export_file.Export) -> list[tuple[str, str]]:
    return [
        (name, precision)
        for precision in engines.PRECISIONS
        for name in engines.NAMES
        if name != engines.AUTO and engines.why_not(export, name, precision) is None
    ]


def _batches(paths: Sequence[str]) -> Iterator[tuple[list[np.ndarray], list[np.ndarray]]]:
    """Yields lists of uint8 images [height, width, 3] and labels [height, width]."""
    with tf.Graph().as_default(), tf.Session() as session:
        serialized = tf.placeholder(tf.string, [])
        example = record_format.parse_example(serialized, with_gradient=False)
        images, labels = [], []
        for path in paths:
            for record in tfrecords.read_records(path):
                values = session.run(
                    {name: example[name] for name in ("image", "label")}, {serialized: record}
                )
                images.append(values["image"])
                labels.append(values["label"][..., 0])
                if len(images) == _IMAGES_AT_ONCE:
                    yield images, labels
                    images, labels = [], []
        if images:
            yield images, labels
