"""Forms of an export that hold the whole graph, for servers other than ours, and their check."""

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterable

import numpy as np
import tensorflow.compat.v1 as tf

from commands.exported_task import ExportedTask
from common import export_names
from export import onnx_file, saved_model
from serving import contract, engines, export_file, image_reading, tensorflow_session
from serving.export_file import Export
from serving.processing import choice

# Takes uint8 images [1, height, width, 3] or, where a form takes files, one of these; returns class
# ids, and probabilities if it has them.
Run = Callable[[np.ndarray | bytes], tuple[np.ndarray, np.ndarray | None]]


@dataclasses.dataclass(frozen=True)
class Form:
    """A form of an export that can be run here.

    Attributes:
      name: what reports call it.
      load: loads it.
      file_kind: kind of the image files that it takes, see `saved_model.as_file`; None where it
        takes images.
    """

    name: str
    load: Callable[[], contextlib.AbstractContextManager[Run]]
    file_kind: str | None = None


def write_onnx(plain_path: str, export_path: str) -> None:
    """Writes the ONNX file of an export.

    Args:
      plain_path: the graph as it was built. The optimized one finds classes in a way that takes
        operations of unknown size, which are slow in other engines.
      export_path: the `.pb` beside which the file goes.

    Raises:
      ValueError: the graph cannot be written as ONNX.
    """
    export = export_file.read_export(plain_path)
    path = export_names.beside(export_path, export_names.ONNX_ENDING)
    onnx_file.convert(
        export.graph_def,
        export_file.read_export(export_path).description,
        contract.INPUT,
        [export.signature.predictions, export.signature.probabilities],
        [*export.network_inputs, *export.network_outputs],
        path,
    )
    print(f"  {path}  ({os.path.getsize(path) / 1e6:.1f} MB)")


def write_saved_model(task: ExportedTask, export: Export) -> None:
    """Writes the SavedModel of an export."""
    path = export_names.saved_model_path(export.path)
    size = choice.input_shapes(export)[contract.NETWORK_IMAGE][:2]
    saved_model.write(
        export.graph_def,
        contract.INPUT,
        [export.signature.predictions, export.signature.probabilities],
        lambda image, run: task.answer(image, run, export.metadata),
        size,
        path,
    )
    print(f"  {path}")


def forms_of(task: ExportedTask, export: Export) -> list[Form]:
    """Returns the forms of an export that can be run here."""
    found: list[Form] = []
    path = export_names.find_beside(export.path, export_names.ONNX_ENDING)
    if path is not None and engines.missing_package(engines.ONNXRUNTIME) is None:
        found.append(Form("onnx", lambda: _onnx_run(path)))
    folder = export_names.saved_model_path(export.path)
    if os.path.isdir(folder):
        found.append(Form("saved_model", lambda: _saved_model_run(folder, export)))
        found += [
            Form(f"saved_model of {kind} files", lambda: _files_run(folder, task), kind)
            for kind in ("PNG", "JPEG")
        ]
    return found


def compare(
    form: Form, expected_run: Run, images: Iterable[np.ndarray]
) -> tuple[float | None, float]:
    """Compares a form with the graph as it was built.

    Args:
      form: the form.
      expected_run: the graph, see `plain_run`.
      images: uint8 [height, width, 3] as the graph takes them, at least one.

    Returns:
      The largest difference of a probability, None where the form gives none, and the share of
      equal predictions.
    """
    largest: float | None = None
    num_equal = num_all = 0
    with form.load() as run:
        for image in images:
            given: np.ndarray | bytes = image[np.newaxis]
            if form.file_kind is not None:
                given = saved_model.as_file(image, form.file_kind)
                image = np.asarray(image_reading.decode(given))  # JPEG changes it.
            ids, probabilities = run(given)
            expected_ids, expected = expected_run(image[np.newaxis])
            if probabilities is not None:
                assert expected is not None
                largest = max(largest or 0.0, float(np.abs(probabilities - expected).max()))
            num_equal += int(np.count_nonzero(ids == expected_ids))
            num_all += expected_ids.size
    return largest, num_equal / num_all


@contextlib.contextmanager
def plain_run(path: str):
    """Loads a graph, with TensorFlow, as a `Run`."""
    export = export_file.read_export(path)
    graph = tensorflow_session.load_graph(export.graph_def, path)
    names = (export.signature.predictions, export.signature.probabilities)
    with tf.Session(graph=graph) as session:
        yield session.make_callable([f"{name}:0" for name in names], [f"{contract.INPUT}:0"])


@contextlib.contextmanager
def _onnx_run(path: str):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # Errors only: it warns of constants that it has no use for.
    session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    yield lambda images: session.run(None, {contract.INPUT: images})


@contextlib.contextmanager
def _saved_model_run(folder: str, export: Export):
    with _loaded(folder, saved_model.TENSORS_SIGNATURE) as (session, signature):
        names = (export.signature.predictions, export.signature.probabilities)
        yield session.make_callable(
            [signature.outputs[name].name for name in names],
            [signature.inputs[contract.INPUT].name],
        )


@contextlib.contextmanager
def _files_run(folder: str, task: ExportedTask):
    with _loaded(folder, saved_model.BYTES_SIGNATURE) as (session, signature):
        outputs = {name: info.name for name, info in signature.outputs.items()}
        image_files = signature.inputs[saved_model.BYTES_INPUT].name

        def run(content: bytes) -> tuple[np.ndarray, None]:
            return task.answered_ids(session.run(outputs, {image_files: [content]})), None

        yield run


@contextlib.contextmanager
def _loaded(folder: str, signature: str):
    """Yields a session with a SavedModel in it, and the description of a signature."""
    with tf.Graph().as_default(), tf.Session() as session:
        loaded = tf.saved_model.loader.load(session, [tf.saved_model.tag_constants.SERVING], folder)
        yield session, loaded.signature_def[signature]
