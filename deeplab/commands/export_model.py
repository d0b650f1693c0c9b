"""Freezes a checkpoint into a `.pb`: export_model.py. `export_model_flags` has words and flags."""

import dataclasses
import functools
import os
import shlex
import sys

import tensorflow.compat.v1 as tf

from commands import checkpoint_search, dataset_choice, export_forms, weights
from commands.flags import Flags
from commands.shared_options import FormOptions, WeightsOptions
from common import export_names
from common.dataset_files import DATASET_FILE
from common.run_options import OPTIONS_FILE
from datasets.segmentation import specs
from deeplab import inference_graph, published_networks
from deeplab.commands import checkpoint_run, export_scores, network_flags
from deeplab.commands.export_model_flags import ExportOptions
from deeplab.commands.shared_options import InferenceOptions
from deeplab.data import crop_sizes
from deeplab.evaluation import validation
from deeplab.options import ResizeOptions
from deeplab.run_description import RunDescription, read_description
from export import freeze, output_files
from nets import registry
from serving import contract
from training import best_checkpoint, checkpoints

DEFAULT_CROP_SIZE = (513, 513)
# Of a checkpoint that does not say it. research/deeplab's default, that of its published graphs.
DEFAULT_OUTPUT_STRIDE = 8
FORMAT_VERSION = 1
# A square of the longer side of longer crops would be padding mostly.
_MOST_ELONGATED = 2


def main(flags: Flags, arguments: list[str]) -> None:
    """Turns flags into options and exports."""
    del arguments
    tf.disable_v2_behavior()
    options, inference = flags.options(ExportOptions), flags.options(InferenceOptions)
    checkpoint_run.refuse_parts(options.checkpoint_path)
    checkpoint = checkpoint_search.find_one(options.checkpoint_path)
    saved_names = weights.saved_names(checkpoint, flags.options(WeightsOptions).use_ema)
    description, export_path = describe(flags, options, checkpoint)
    output_files.check_writable(export_path)
    is_published = published_networks.weights_of(checkpoint) is not None
    crop_size = choose_crop_size(options, description, is_published)
    build_graph = functools.partial(
        inference_graph.build_inference_graph,
        description.model,
        crop_size=crop_size,
        scales=options.inference_scales,
        add_flipped=inference.add_flipped_images,
        static_graph=options.static_graph,
        resize=description,
    )
    forms = export_forms.Forms.from_options(
        flags.options(FormOptions),
        export_scores.exported_task(description.model.num_classes),
        dataset_choice.trained_directory(description),
    )
    write = functools.partial(
        freeze.freeze,
        checkpoint_path=checkpoint,
        input_name=contract.INPUT,
        output_names=contract.OUTPUTS,
        metadata={
            "format_version": FORMAT_VERSION,
            **dataclasses.asdict(
                contract.Metadata(
                    description.class_names,
                    description.palette,
                    crop_size,
                    task=contract.SEGMENTATION.task,
                    num_classes=description.model.num_classes,
                    mean_pixel=registry.encoder(description.model.model_variant).mean_pixel,
                    add_flipped_images=inference.add_flipped_images,
                    upsamples_logits=description.model.prediction_with_upsampled_logits,
                    **description.resize_values(),
                )
            ),
            "ignore_label": description.ignore_label,
            "inference_scales": options.inference_scales,
            "static_graph": options.static_graph,
            "model": dataclasses.asdict(description.model),
            "dataset_name": description.dataset_name,
            "checkpoint": os.path.basename(checkpoint),
            "use_ema": bool(saved_names),
            "global_step": checkpoints.read_step(checkpoint),
            "tensorflow_version": tf.version.VERSION,
        },
        saved_names=saved_names,
    )
    removed = write(
        functools.partial(build_graph, fast_labels=options.optimize),
        export_path=export_path,
        optimize=options.optimize,
    )
    if options.save_inference_graph:
        export_forms.write_unfrozen(build_graph, export_path)
    print(
        f"exported {weights.title(checkpoint, saved_names)}: "
        f"{description.model.model_variant}, "
        f"{description.model.num_classes} classes, {_describe_sizes(crop_size, description)}\n"
        f"  {export_path}  ({os.path.getsize(export_path) / 1e6:.1f} MB)\n"
        f"  {output_files.metadata_path(export_path)}\n"
        f"use it: python infer.py IMAGES --model={shlex.quote(export_path)}"
    )
    export_forms.write(
        forms, export_path, lambda path: write(build_graph, export_path=path, optimize=False)
    )
    export_forms.report_removed(removed)


def describe(flags: Flags, options: ExportOptions, checkpoint: str) -> tuple[RunDescription, str]:
    """Returns what a checkpoint is, and where its export goes.

    Raises:
      ValueError: flags contradict the training, or are missing.
    """
    directory = os.path.dirname(checkpoint) or "."
    options_path = os.path.join(directory, OPTIONS_FILE)
    if os.path.exists(options_path):
        description = _as_trained(flags, options, read_description(directory), options_path)
        return description, options.export_path or _default_path(checkpoint)
    weights = published_networks.weights_of(checkpoint)
    if weights is not None:
        return _as_published(flags, options, published_networks.describe(weights)), (
            options.export_path or _default_path(checkpoint)
        )
    if options.export_path is None:
        raise ValueError(
            f"{directory} is not the folder of a training run (it has no {OPTIONS_FILE}), so the "
            "export does not go there: give --export_path."
        )
    return _from_flags(flags, options, checkpoint), options.export_path


def _default_path(checkpoint: str) -> str:
    folder = best_checkpoint.training_folder(checkpoint)
    return os.path.join(folder, "export", export_names.GRAPH_FILE)


def _as_published(
    flags: Flags, options: ExportOptions, published: RunDescription
) -> RunDescription:
    """Returns a published network with what the flags say otherwise.

    Raises:
      ValueError: flags contradict each other, or the number of its classes.
    """
    if options.num_classes not in (None, published.model.num_classes):
        raise ValueError(
            f"--num_classes is {options.num_classes}, but the published network has "
            f"{published.model.num_classes}. Omit the flag."
        )
    if options.dataset not in (None, published.dataset_name):
        raise ValueError(
            f"--dataset is {options.dataset}, but the network was published for "
            f"{published.dataset_name}. Omit the flag."
        )
    model = network_flags.published_options(flags, published.model)
    return dataclasses.replace(published, model=model, **flags.given(ResizeOptions))


def _as_trained(
    flags: Flags, options: ExportOptions, trained: RunDescription, options_path: str
) -> RunDescription:
    """Returns what was trained, with what the flags may change of it.

    Raises:
      ValueError: a flag contradicts the training.
    """
    if options.num_classes not in (None, trained.model.num_classes):
        raise ValueError(
            f"--num_classes is {options.num_classes}, but {options_path} says that the network was "
            f"trained with {trained.model.num_classes}. Omit the flag."
        )
    if options.dataset and specs.published_classes(options.dataset).names != trained.class_names:
        raise ValueError(
            f"--dataset is {options.dataset}, but {options_path} says that the network was trained "
            f"on {trained.dataset_name}, which has other classes. Omit the flag."
        )
    model = network_flags.changed_options(flags, trained.model, options_path)
    return dataclasses.replace(trained, model=model, **flags.given(ResizeOptions))


def _from_flags(flags: Flags, options: ExportOptions, checkpoint: str) -> RunDescription:
    """Describes a checkpoint that has no options.json.

    Raises:
      ValueError: flags that its network needs are not given.
    """
    num_classes = options.num_classes or _count_classes(checkpoint)
    if not flags.is_given("model_variant") or num_classes is None:
        raise ValueError(
            f"{checkpoint} has no {OPTIONS_FILE} beside it: describe its network with "
            "--model_variant, --num_classes and, where they are not the default, --atrous_rates, "
            "--decoder_output_stride …"
        )
    model = network_flags.model_options(
        flags, num_classes, has_gradient=False, output_stride=DEFAULT_OUTPUT_STRIDE
    )
    classes = specs.Classes((), (), 255)
    if options.dataset is not None:
        classes = specs.published_classes(options.dataset)
        if len(classes.names) != model.num_classes:
            raise ValueError(
                f"--num_classes is {model.num_classes}, but dataset {options.dataset} has "
                f"{len(classes.names)} classes."
            )
    return RunDescription(
        model=model,
        dataset_name=options.dataset or "",
        class_names=classes.names,
        palette=classes.palette,
        ignore_label=classes.ignore_label,
        train_crop_size=DEFAULT_CROP_SIZE,
        **vars(flags.options(ResizeOptions)),
    )


def _count_classes(checkpoint: str) -> int | None:
    """Returns how many classes the logits of a checkpoint have; None where it has no such layer."""
    shape = checkpoints.Reader(checkpoint).shapes.get("logits/semantic/biases")
    return shape[0] if shape else None


def choose_crop_size(
    options: ExportOptions, description: RunDescription, is_published: bool = False
) -> tuple[int, int]:
    """Returns the flag, or a crop that holds every image of the training's dataset.

    Args:
      options: of the command.
      description: the network.
      is_published: whether it says itself which crop holds the images of its dataset.
    """
    output_stride = description.model.output_stride
    if options.crop_size is not None:
        crop_sizes.check(options.crop_size, output_stride)
        _check_crop_holds_resized(options.crop_size, description)
        return options.crop_size
    directory = options.dataset_dir or dataset_choice.trained_directory(description)
    if options.dataset_dir is None and not os.path.exists(os.path.join(directory, DATASET_FILE)):
        if is_published:
            return description.train_crop_size
        print(
            f"note: the crop is {DEFAULT_CROP_SIZE[0]}x{DEFAULT_CROP_SIZE[1]}, because {directory} "
            "does not exist to tell the size of the images: give --crop_size or --dataset_dir",
            file=sys.stderr,
        )
        _check_crop_holds_resized(DEFAULT_CROP_SIZE, description)
        return DEFAULT_CROP_SIZE
    spec = specs.read_spec(directory)
    splits = sorted(spec.splits)
    if description.min_resize_value is not None and validation.SPLIT in splits:
        # The sizes of all its images are read; the crop is that which the validation had.
        splits = [validation.SPLIT]
    return crop_sizes.smallest(spec, splits, output_stride, description)


def _check_crop_holds_resized(crop_size: tuple[int, int], description: RunDescription) -> None:
    longest = description.max_resize_value
    if longest is not None and longest > max(crop_size) and description.min_resize_value:
        raise ValueError(
            f"max_resize_value is {longest}, more than the crop of {crop_size[0]},{crop_size[1]} "
            "holds in either direction; give a larger --crop_size or a smaller --max_resize_value."
        )


def _describe_sizes(crop_size: tuple[int, int], description: RunDescription) -> str:
    """Says which images an export takes."""
    height, width = crop_size
    if description.min_resize_value is None:
        return f"images up to {height}x{width} (height x width)"
    sizes = f"images of any size, seen at up to {height}x{width} (height x width)"
    longest = max(crop_size)
    if height == width or longest > _MOST_ELONGATED * min(crop_size):
        return sizes
    return (
        f"{sizes}, which suits those of the dataset; --crop_size={longest},{longest} sees upright "
        "and wide ones equally large"
    )
