"""What `export_model.py` makes of a `.pb`: files for other engines, 8-bit forms, their check."""

import dataclasses
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic

import numpy as np
import tensorflow.compat.v1 as tf

from commands import bundles, network_forms, whole_graphs
from commands.exported_task import ExportedTask, Model
from commands.image_flags import find_images
from commands.shared_options import DEFAULT_SPLIT, FormOptions
from common import files, json_files
from common.dataset_files import DATASET_FILE
from export import model_repository, onnx_file, openvino_int8
from serving import engines, export_file, image_reading
from serving.parity import Parity

VERIFICATION_FILE = "verification.json"
INFERENCE_GRAPH_FILE = "inference_graph.pbtxt"
_FORMATS = ("pb", "saved_model", "onnx", "tflite", "openvino")


@dataclasses.dataclass(frozen=True)
class ScoredSplit(Generic[Model]):
    """A split of records on which the forms of an export are scored.

    Attributes:
      directory: of the dataset.
      name: of the split.
      score: see `ExportedTask.open_split`.
    """

    directory: str
    name: str
    score: Callable[[Model], Mapping[str, float]]


@dataclasses.dataclass(frozen=True)
class Forms(Generic[Model]):
    """What is written beside a `.pb`.

    Attributes:
      task: what the exports are of.
      tflite, openvino: whether files of the network for LiteRT, or OpenVINO, are written.
      onnx, saved_model: whether an ONNX file, or a SavedModel, of the graph is written.
      int8: whether 8-bit forms are written.
      bundles: kinds of model repositories that are written, of `model_repository.KINDS`; they need
        a SavedModel or an ONNX file.
      bundle_dir: their folder; None for one beside the `.pb`.
      bundle_name: the model's name in them; None for the training run's.
      calibration_images: files that they are fitted to.
      verify_images: files on which the engines are compared.
      split: on which 8-bit forms are scored, or None.
    """

    task: ExportedTask[Model]
    tflite: bool = False
    openvino: bool = False
    onnx: bool = False
    saved_model: bool = False
    int8: bool = False
    bundles: Sequence[str] = ()
    bundle_dir: str | None = None
    bundle_name: str | None = None
    calibration_images: Sequence[str] = ()
    verify_images: Sequence[str] = ()
    split: ScoredSplit[Model] | None = None

    @classmethod
    def from_options(
        cls, values: FormOptions, task: ExportedTask[Model], dataset_dir: str
    ) -> "Forms[Model]":
        """Finds out what to write, before anything is written.

        Args:
          values: the flags.
          task: what is exported.
          dataset_dir: of the dataset that the network was trained on; it need not exist.

        Raises:
          ValueError: a flag is missing, names no images, or asks for a package that is not
            installed; or models cannot be scored on the split.
        """
        unknown = [name for name in values.formats if name not in _FORMATS]
        if unknown:
            raise ValueError(
                f"--formats has {unknown[0]!r}; expected some of {', '.join(_FORMATS)}."
            )
        has_tflite, int8 = "tflite" in values.formats, bool(values.quantize)
        has_onnx = "onnx" in values.formats or bool({"triton", "ovms"} & {*values.bundle})
        if has_onnx:
            onnx_file.require_package()
        _check_bundle(values)
        if "openvino" in values.formats:
            missing = engines.missing_package(engines.OPENVINO)
            if missing is not None:
                raise ValueError(f"--formats=openvino: {missing}")
        if int8 and values.calibration_images is None:
            raise ValueError(
                "--quantize=int8 needs images to fit the 8-bit range to: give "
                "--calibration_images=FOLDER or a quoted pattern."
            )
        calibration = find_images(values.calibration_images, "calibration_images") if int8 else []
        if int8:
            _require_packages(has_tflite)
        spread = np.linspace(
            0, len(calibration) - 1, min(values.num_calibration_images, len(calibration))
        )
        return cls(
            task,
            tflite=has_tflite,
            openvino="openvino" in values.formats,
            onnx=has_onnx,
            saved_model="saved_model" in values.formats or "tfserving" in values.bundle,
            bundles=values.bundle,
            bundle_dir=values.bundle_dir,
            bundle_name=values.bundle_name,
            int8=int8,
            calibration_images=[calibration[round(index)] for index in spread],
            verify_images=find_images(values.verify_images, "verify_images"),
            split=_find_split(values, task, dataset_dir) if int8 else None,
        )


def _check_bundle(values: FormOptions) -> None:
    """Makes sure (ValueError) that model repositories can be written as they are asked for."""
    for name in ("bundle_dir", "bundle_name"):
        if getattr(values, name) is not None and not values.bundle:
            raise ValueError(
                f"--{name} is given, but no --bundle; expected one or more of "
                f"{', '.join(model_repository.KINDS)} there."
            )
    if values.bundle_name is not None:
        try:
            model_repository.check_name(values.bundle_name)
        except ValueError as error:
            raise ValueError(f"--bundle_name: {error}") from None
    obstacle = files.find_obstacle(values.bundle_dir) if values.bundle_dir is not None else None
    if obstacle is not None:
        raise ValueError(f"--bundle_dir={values.bundle_dir}: {' '.join(obstacle)}.")


def _require_packages(has_tflite: bool) -> None:
    """Makes sure that there is something to quantize for, with what it needs."""
    missing = engines.missing_package(engines.OPENVINO)
    if missing is None:
        openvino_int8.require_packages()
    elif not has_tflite:
        raise ValueError(f"--quantize=int8: {missing} Or add --formats=pb,tflite for LiteRT.")


def _find_split(
    values: FormOptions, task: ExportedTask[Model], dataset_dir: str
) -> ScoredSplit[Model] | None:
    """Opens the split that is asked for, or that of the dataset of training, if it is there."""
    given, name = values.quantize_dataset_dir, values.quantize_split
    directory = given or dataset_dir
    is_asked = given is not None or name != DEFAULT_SPLIT
    if not os.path.exists(os.path.join(directory, DATASET_FILE)):
        if not is_asked:
            return None
        if given is not None:
            raise ValueError(f"--quantize_dataset_dir: {directory} has no {DATASET_FILE}.")
        raise ValueError(
            f"--quantize_split={name}: {directory} has no {DATASET_FILE}; give the folder of the "
            "records as --quantize_dataset_dir."
        )
    try:
        return ScoredSplit(directory, name, task.open_split(directory, name))
    except ValueError as error:
        if is_asked:
            raise
        print(f"note: 8-bit forms are not scored: {error}", file=sys.stderr)
        return None


def check_split(directory: str, split: str, splits: Iterable[str]) -> None:
    """Makes sure (ValueError) that the dataset in a folder has a split, given all that it has."""
    if split not in splits:
        raise ValueError(
            f"{directory} has no split {split!r} for --quantize_split; it has "
            f"{', '.join(sorted(splits))}."
        )


def report_removed(paths: Sequence[str]) -> None:
    """Prints which forms of the previous export were removed and not written again."""
    outdated = [path for path in paths if not os.path.exists(path)]
    if outdated:
        print(f"removed, because they were made of the previous export: {', '.join(outdated)}")


def write_unfrozen(build_graph: Callable[[], object], export_path: str) -> None:
    """Writes the graph that a function builds, as text, into the folder of an export."""
    with tf.Graph().as_default() as graph:
        build_graph()
    path = os.path.join(os.path.dirname(export_path), INFERENCE_GRAPH_FILE)
    files.write(path, str(graph.as_graph_def()).encode())


def write(forms: Forms, export_path: str, write_plain: Callable[[str], object]) -> None:
    """Writes the forms of an export and what the check says of them.

    Args:
      forms: what to write.
      export_path: the `.pb`, which is there.
      write_plain: writes the graph as it was built, unoptimized, to a path.
    """
    written = (forms.tflite, forms.openvino, forms.onnx, forms.saved_model, forms.int8)
    if not (any(written) or forms.verify_images or forms.split):
        return
    with tempfile.TemporaryDirectory() as folder:
        plain = os.path.join(folder, "plain.pb")
        if forms.onnx or forms.verify_images:
            write_plain(plain)
        export = export_file.read_export(export_path, expected=forms.task.model.SIGNATURE)
        _write(forms, export, plain)


def _write(forms: Forms, export: export_file.Export, plain: str) -> None:
    """Writes the forms and the report; `plain` is the unoptimized graph where it is needed."""
    if forms.saved_model:
        whole_graphs.write_saved_model(forms.task, export)
    if forms.onnx:
        whole_graphs.write_onnx(plain, export.path)
    if forms.tflite:
        network_forms.write_tflite(export, engines.FLOAT32, None)
    if forms.openvino:
        network_forms.write_openvino(export)
    if forms.int8:
        network_forms.write_int8(
            forms.task, export, forms.calibration_images, with_tflite=forms.tflite
        )
    if forms.bundles:
        bundles.write(export, forms.bundles, forms.bundle_dir, forms.bundle_name)
    report: dict[str, Any] = {}
    if forms.verify_images:
        report["engines"] = _verify(forms, export, plain)
    if forms.split is not None:
        report |= _score(forms.task, forms.split, export)
    if report:
        path = os.path.join(os.path.dirname(export.path), VERIFICATION_FILE)
        json_files.write(path, report)
        print(f"  {path}")


def _verify(forms: Forms, export: export_file.Export, plain: str) -> list[dict]:
    """Compares every engine and form of the export with the graph as it was built."""
    task, paths = forms.task, forms.verify_images
    found = []
    _note_unread(export)
    print(f"compared with the plain graph on {len(paths)} images:")
    with task.model(plain, engines.TENSORFLOW) as reference:
        for name, precision in _forms_of(export):
            with task.model(export.path, name, precision=precision) as model:
                found.append(task.compare(model, precision, paths, reference))
                _print_parity(found[-1])
        others = whole_graphs.forms_of(task, export)
        found += _verify_whole_graphs(task, others, paths, plain, reference)
    return [dataclasses.asdict(each) for each in found]


def _note_unread(export: export_file.Export) -> None:
    """Prints which forms cannot be checked here, and what that would take."""
    for precision in engines.PRECISIONS:
        for path, name in engines.unread_forms(export, precision).items():
            print(
                f"note: {path} is not checked, since {name} is not installed: "
                f"{engines.how_to_install(name)}",
                file=sys.stderr,
            )


def _verify_whole_graphs(
    task: ExportedTask[Model],
    forms: Sequence[whole_graphs.Form],
    paths: Sequence[str],
    plain: str,
    reference: Model,
) -> Iterator[Parity]:
    """Yields how far forms of the whole graph are from the graph as it was built."""
    if not forms:
        return
    with whole_graphs.plain_run(plain) as expected:
        for form in forms:
            images = (task.as_input(reference, image_reading.read_image(path)) for path in paths)
            largest, equal = whole_graphs.compare(form, expected, images)
            result = task.parity(form.name, engines.FLOAT32, len(paths), largest, equal)
            _print_parity(result)
            yield result


def _print_parity(result: Parity) -> None:
    difference = result.max_probability_difference
    said = "" if difference is None else f"largest difference of a probability {difference:.2g}, "
    print(f"  {result.engine} {result.precision}: {said}{result.agreement()}")


def _score(
    task: ExportedTask[Model], split: ScoredSplit[Model], export: export_file.Export
) -> dict[str, dict]:
    """Returns the scores of float32 and of each 8-bit form on a split, by name."""
    scores = {}
    for name, precision in _forms_of(export):
        if precision == engines.FLOAT32 and name != engines.TENSORFLOW:
            continue
        with task.model(export.path, name, precision=precision) as model:
            scores[f"{name} {precision}"] = split.score(model)
    plain = scores[f"{engines.TENSORFLOW} {engines.FLOAT32}"]
    report: dict[str, dict] = {}
    for score, title in task.score_titles.items():
        print(f"{title} on {split.name} of {split.directory}:")
        report[score] = {"dataset_dir": split.directory, "split": split.name}
        for form, values in scores.items():
            difference = 100 * (values[score] - plain[score])
            print(f"  {form}: {values[score]:.4f} ({difference:+.2f} points)")
            report[score][form] = values[score]
    return report


def _forms_of(export: export_file.Export) -> list[tuple[str, str]]:
    return [
        (name, precision)
        for precision in engines.PRECISIONS
        for name in engines.NAMES
        if name != engines.AUTO and engines.why_not(export, name, precision) is None
    ]
