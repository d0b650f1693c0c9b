"""What a caller has to know about an export: from its description, or else from its graph.

Only the graph needs TensorFlow, which is therefore imported where a description is not complete.
"""

import dataclasses
import types

from common import palettes, tensorflow_package
from serving.export_file import Export


@dataclasses.dataclass(frozen=True)
class Facts:
    """What `DeepLabModel` has as attributes of these names; `crop_size` is None if unknown."""

    class_names: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    crop_size: tuple[int, int] | None
    resizes_inside: bool


def inspect(export: Export) -> Facts:
    """Returns the description of a segmentation network; what is missing is found in its graph.

    Raises:
      ValueError: the graph cannot be loaded, or has more classes than 8-bit class ids can tell.
    """
    metadata = export.metadata
    class_names, crop_size = find_class_names(export), metadata.crop_size
    resizes = metadata.min_resize_value is not None
    if crop_size is None:
        graph_inspection = _graph_inspection(export)
        from serving import tensorflow_session

        resizes |= graph_inspection.resizes_images(export.graph)
        with tensorflow_session.session_for(export.graph) as session:
            crop_size = graph_inspection.measure_crop(session)
    palette = metadata.palette or palettes.voc_palette(len(class_names))
    return Facts(class_names, palette, crop_size, resizes)


def find_class_names(export: Export) -> tuple[str, ...]:
    """Returns the names in an export's description, or "class 0" … for the classes of its graph.

    Raises:
      ValueError: the graph cannot be loaded, or has more classes than its task allows, or an
        unknown number of them.
    """
    if export.metadata.class_names:
        return export.metadata.class_names
    most, num_classes = export.signature.max_classes, export.metadata.num_classes
    if num_classes is None:
        num_classes = _graph_inspection(export).count_classes(export) or most
    if num_classes is None:
        raise ValueError(
            f"{export.path} has neither class_names in a description nor a number of classes that "
            "its graph shows: write them into a JSON file beside it (docs/serving.md)."
        )
    if most is not None and num_classes > most:
        raise ValueError(f"{export.path} has {num_classes} classes; at most {most} are supported.")
    return tuple(f"class {class_id}" for class_id in range(num_classes))


def network_size(export: Export) -> tuple[int, int] | None:
    """Returns the (height, width) of a classifier's input; None for graphs that do not show it."""
    view = export.metadata.view
    if view is not None:
        return view.image_size, view.image_size
    return _graph_inspection(export).network_size(export)


def _graph_inspection(export: Export) -> types.ModuleType:
    """Returns the module of this name, which needs TensorFlow (ValueError where it is missing)."""
    problem = tensorflow_package.problem(
        f"{export.path}, whose description does not say all that is to be known of the graph,"
    )
    if problem is not None:
        raise ValueError(f"{problem}.")
    from serving import graph_inspection

    return graph_inspection
