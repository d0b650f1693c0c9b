"""Exported models by the names of published weights: their frozen graphs, and names of classes."""

import contextlib
import importlib
import os

from common import export_names, json_files
from common.texts import printable
from published import cache, catalogue
from published.catalogue import Weights

# research/deeplab's name of a dataset -> the module of sources that holds its classes.
_CLASSES = {"pascal_voc_seg": "voc2012", "cityscapes": "cityscapes", "ade20k": "ade20k"}


def named(text: str) -> Weights | None:
    """Returns the published weights that a name means; None where a path is meant."""
    return None if os.path.lexists(text) else catalogue.find(text)


def find(text: str) -> str:
    """Returns the path of a model: the one that is given, or the graph of published weights.

    Weights that are not there yet are downloaded.

    Raises:
      ValueError: the weights cannot be had, or have no graph; or a name is neither a path nor one
        of theirs.
      OSError: the cache cannot be written to.
    """
    weights = named(text)
    if weights is None:
        is_name = not os.path.dirname(text) and not os.path.splitext(text)[1]
        if is_name and not os.path.lexists(text):
            raise ValueError(
                f"model {printable(text)} does not exist, and no published weights have this "
                f"name: {catalogue.explain_missing(text)}"
            )
        return text
    if weights.kind != catalogue.SEGMENTATION:
        raise ValueError(catalogue.explain_use(weights, "exported model"))
    cache.ensure(weights)
    graph = cache.find_file(weights, export_names.GRAPH_FILE)
    if graph is None:
        raise ValueError(
            f"{weights.name} holds no {export_names.GRAPH_FILE}: python export_model.py "
            f"--checkpoint_path={weights.name} makes one."
        )
    _describe(weights, graph)
    return graph


def _describe(weights: Weights, graph: str) -> None:
    """Names the classes of a graph in a file beside it, unless there is one."""
    if export_names.find_beside(graph, export_names.DESCRIPTION_ENDING) is not None:
        return
    module = importlib.import_module(f"datasets.segmentation.sources.{_CLASSES[weights.dataset]}")
    description = {
        "task": "deeplab",
        "num_classes": weights.num_classes,
        "class_names": module.CLASS_NAMES,
        "palette": module.PALETTE,
    }
    path = export_names.beside(graph, export_names.DESCRIPTION_ENDING)
    with contextlib.suppress(OSError):  # A cache that others have filled may be read only.
        json_files.write(path, description)
