"""Freezes a classifier into a `.pb`: export_model.py. `export_model_flags` has words and flags."""

import dataclasses
import functools
import os
import shlex

import tensorflow.compat.v1 as tf

from classification import inference_graph
from classification.commands import export_scores
from classification.commands.export_model_flags import ClassNamesOptions
from classification.commands.network_description import describe, refuse_others
from classification.run_description import TASK, RunDescription
from commands import checkpoint_search, dataset_choice, export_forms, weights
from commands.flags import Flags
from commands.shared_options import ExportedFileOptions, FormOptions, WeightsOptions
from common import export_names, files
from common.run_options import OPTIONS_FILE
from common.texts import printable
from export import freeze, output_files
from published import cache
from serving import contract
from training import best_checkpoint, checkpoints

FORMAT_VERSION = 1


def main(flags: Flags, arguments: list[str]) -> None:
    """Turns flags into options and exports."""
    del arguments
    tf.disable_v2_behavior()
    options = flags.options(ExportedFileOptions)
    refuse_others(options.checkpoint_path)
    checkpoint = checkpoint_search.find_one(options.checkpoint_path)
    saved_names = weights.saved_names(checkpoint, flags.options(WeightsOptions).use_ema)
    description = _with_names(
        describe(flags, checkpoint), flags.options(ClassNamesOptions).class_names_file
    )
    model, view = description.model, description.view
    directory = os.path.dirname(checkpoint) or "."
    has_folder = (
        os.path.exists(os.path.join(directory, OPTIONS_FILE))
        or cache.weights_at(checkpoint) is not None
    )
    if options.export_path is None and not has_folder:
        raise ValueError(
            f"{printable(directory)} is not the folder of a training run (it has no "
            f"{OPTIONS_FILE}), so the export does not go there: give --export_path."
        )
    folder = os.path.join(best_checkpoint.training_folder(checkpoint), "export")
    export_path = options.export_path or os.path.join(folder, export_names.GRAPH_FILE)
    output_files.check_writable(export_path)
    build_graph = functools.partial(inference_graph.build_inference_graph, model, view)
    forms = export_forms.Forms.from_options(
        flags.options(FormOptions),
        export_scores.exported_task(description),
        dataset_choice.trained_directory(description),
    )
    metadata = contract.Metadata(
        class_names=description.class_names,
        task=TASK,
        num_classes=model.num_classes,
        view=contract.View(**dataclasses.asdict(view)),
    )
    write = functools.partial(
        freeze.freeze,
        build_graph,
        checkpoint,
        input_name=contract.INPUT,
        output_names=inference_graph.OUTPUTS,
        metadata={
            "format_version": FORMAT_VERSION,
            **dataclasses.asdict(metadata),
            "model": dataclasses.asdict(model),
            "dataset_name": description.dataset_name,
            "checkpoint": os.path.basename(checkpoint),
            "use_ema": bool(saved_names),
            "global_step": checkpoints.read_step(checkpoint),
            "tensorflow_version": tf.version.VERSION,
        },
        saved_names=saved_names,
    )
    removed = write(export_path, optimize=options.optimize)
    if options.save_inference_graph:
        export_forms.write_unfrozen(build_graph, export_path)
    print(
        f"exported {weights.title(checkpoint, saved_names)}: {model.model_variant}, "
        f"{model.num_classes} classes, images of any size seen at {view.image_size} pixels\n"
        f"  {export_path}  ({os.path.getsize(export_path) / 1e6:.1f} MB)\n"
        f"  {output_files.metadata_path(export_path)}\n"
        f"use it: python infer.py IMAGES --model={shlex.quote(export_path)}"
    )
    export_forms.write(forms, export_path, lambda path: write(path, optimize=False))
    export_forms.report_removed(removed)


def _with_names(description: RunDescription, path: str | None) -> RunDescription:
    """Returns a description with the names of a file; None for no file.

    Raises:
      ValueError: the classes have names already, or the file has another number of them.
    """
    if path is None:
        return description
    if description.class_names:
        raise ValueError("class_names_file is given, but the training run names its classes.")
    names = tuple(line.strip() for line in files.read_text(path).splitlines() if line.strip())
    num_classes, offset = description.model.num_classes, description.view.labels_offset
    if len(names) == num_classes + offset:
        names = names[offset:]
    if len(names) != num_classes:
        raise ValueError(
            f"{printable(path)} has {len(names)} names; expected one a line for each of the "
            f"{num_classes} classes of the checkpoint."
        )
    return dataclasses.replace(description, class_names=names)
