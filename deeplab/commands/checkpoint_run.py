"""What eval.py, vis.py and report.py share: checkpoints run, in turn, on a split of records."""

import dataclasses
import os
from collections.abc import Iterator, Sequence

import tensorflow.compat.v1 as tf

from commands import checkpoint_search
from commands.checkpoint_search import Checkpoints
from commands.flags import Flags
from common.dataset_files import DATASETS_ROOT
from common.run_options import OPTIONS_FILE
from datasets.segmentation import specs
from datasets.segmentation.specs import DatasetSpec
from deeplab import published_networks
from deeplab.commands import network_flags
from deeplab.commands.dataset_choice import read_dataset
from deeplab.commands.shared_options import (
    CheckpointOptions,
    DatasetOptions,
    EvaluationOptions,
    InferenceOptions,
)
from deeplab.data import crop_sizes
from deeplab.evaluation.evaluator import Evaluator
from deeplab.options import (
    InputOptions,
    MemoryOptions,
    ModelOptions,
    ResizeOptions,
)
from deeplab.run_description import RunDescription, read_description
from published import catalogue
from training import published_checkpoints


class CheckpointRun:
    """Runs checkpoints on a split, as the flags say; waits for the first checkpoint.

    Args:
      flags: of the command.
      name: "eval", "vis" or "report": the results' folder, beside the checkpoints.
      split: name of the split.
      batch_size: images that run at once.
      crop_size: height,width that images are padded to; None for the smallest that holds each.
      logdir: folder of the results; None for `results_folder`.
      limit_flag, checkpoint_path: see `Checkpoints`.
      with_probabilities: see `Evaluator`.

    Attributes:
      spec: the dataset.
      model_options, inputs: the network and what it sees.
      batch_size, scales, add_flipped: how it sees it.
      evaluator: runs the checkpoint that iteration gave last.

    Raises:
      ValueError: flags, training and dataset contradict each other, or something is missing.
    """

    def __init__(
        self,
        flags: Flags,
        name: str,
        *,
        split: str,
        batch_size: int,
        crop_size: tuple[int, int] | None,
        logdir: str | None,
        limit_flag: str | None,
        checkpoint_path: str | None = None,
        with_probabilities: bool = False,
    ):
        tf.disable_v2_behavior()
        tf.logging.set_verbosity(tf.logging.FATAL)  # its lines about checkpoints repeat ours
        refuse_parts(checkpoint_path or flags.options(CheckpointOptions).checkpoint_path)
        options, inference = flags.options(EvaluationOptions), flags.options(InferenceOptions)
        self.batch_size, self.scales = batch_size, options.eval_scales
        self.add_flipped = inference.add_flipped_images
        self._checkpoints = Checkpoints(flags, name, split, logdir, limit_flag, checkpoint_path)
        directory = os.path.dirname(self._checkpoints.first) or "."
        self.spec, self.model_options, self.inputs = resolve(
            flags, directory, split, crop_size, name=name, warns=True
        )
        self.evaluator = Evaluator(
            self.spec,
            split,
            self.model_options,
            self.inputs,
            batch_size=batch_size,
            scales=self.scales,
            add_flipped=self.add_flipped,
            with_probabilities=with_probabilities,
        )

    def __iter__(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Loads one checkpoint after the other; those that are removed meanwhile are left out.

        Yields:
          (prefix, the names of the weights that were loaded: `weights.saved_names`).
        """
        return self._checkpoints.restored(self.evaluator)

    def results_folder(self, checkpoint: str, use_ema: bool) -> str:
        """Returns where the results go; see `Checkpoints.results_folder`."""
        return self._checkpoints.results_folder(checkpoint, use_ema)

    def close(self) -> None:
        """Frees what the evaluator holds."""
        self.evaluator.close()


def refuse_parts(checkpoint_path: str | None) -> None:
    """Refuses (ValueError) the name of a published encoder or classifier: before its download."""
    published_checkpoints.require_kind(
        checkpoint_path, catalogue.SEGMENTATION, published_networks.WANTED
    )


def resolve(
    flags: Flags,
    directory: str,
    split: str,
    crop_size: tuple[int, int] | None,
    name: str = "eval",
    warns: bool = False,
) -> tuple[DatasetSpec, ModelOptions, InputOptions]:
    """Finds out what to run on and how, from flags and the `options.json` in a folder.

    Args:
      flags: of the command.
      directory: of the checkpoint.
      split, crop_size, name: see `CheckpointRun`.
      warns: whether a warning says that this is not the dataset of the training run.

    Raises:
      ValueError: flags, training and dataset contradict each other, or there is no such split.
    """
    spec, model_options, resize = _find_network(flags, directory, split, crop_size, warns)
    if split not in spec.splits:
        raise ValueError(
            f"dataset {spec.name!r} in {spec.directory} has no split {split!r}: name one that it "
            f"has with --{name}_split={'|'.join(sorted(spec.splits))}."
        )
    if crop_size is None:
        crop_size = crop_sizes.smallest(spec, [split], model_options.output_stride, resize)
    memory = flags.options(MemoryOptions)
    inputs = InputOptions(crop_size=crop_size, **resize.resize_values(), **vars(memory))
    return spec, model_options, inputs


def _find_network(
    flags: Flags,
    directory: str,
    split: str,
    crop_size: tuple[int, int] | None,
    warns: bool = False,
) -> tuple[DatasetSpec, ModelOptions, ResizeOptions]:
    """Returns the dataset, the network, and how images are resized before it sees them.

    The arguments are those of `resolve`.
    """
    dataset = flags.options(DatasetOptions)
    options_path = os.path.join(directory, OPTIONS_FILE)
    resize: ResizeOptions
    if os.path.exists(options_path):
        trained = read_description(directory)
        spec = read_dataset(dataset, trained)
        _check_same_classes(spec, trained, options_path)
        if warns:
            checkpoint_search.warn_of_other_dataset(dataset, spec, split, trained)
        model_options = network_flags.changed_options(flags, trained.model, options_path)
        resize = trained
    elif (weights := published_networks.weights_of(directory)) is not None:
        trained = published_networks.describe(weights)
        built = dataclasses.replace(trained, dataset_name=_built_name(weights.dataset))
        spec = read_dataset(dataset, built)
        _check_same_classes(spec, trained, f"the catalogue of published weights ({weights.name})")
        model_options = network_flags.published_options(flags, trained.model)
        resize = trained
    else:
        if not flags.is_given("model_variant"):
            raise ValueError(
                f"{directory} has no {OPTIONS_FILE}: describe the network of its checkpoints with "
                "--model_variant and, where they are not the default, --atrous_rates, "
                "--decoder_output_stride …"
            )
        spec = read_dataset(dataset)
        model_options = network_flags.model_options(flags, spec.num_classes, has_gradient=False)
        resize = ResizeOptions()
    if crop_size is not None:
        crop_sizes.check(crop_size, model_options.output_stride)
    return spec, model_options, dataclasses.replace(resize, **flags.given(ResizeOptions))


def check_same_dataset(
    flags: Flags, checkpoints: Sequence[str], split: str, crop_size: tuple[int, int] | None
) -> None:
    """Makes sure that checkpoints can be scored on one split, before the first takes hours.

    Args:
      flags: of the command.
      checkpoints: prefixes.
      split, crop_size: see `CheckpointRun`.

    Raises:
      ValueError: one does not suit the flags, or their datasets differ.
    """
    datasets = {}
    for checkpoint in checkpoints:
        spec, _, _ = _find_network(flags, os.path.dirname(checkpoint) or ".", split, crop_size)
        datasets[os.path.realpath(spec.directory)] = f"{checkpoint} on {spec.directory}"
    if len(datasets) > 1:
        raise ValueError(
            "the checkpoints would be scored on different datasets, "
            f"{' and '.join(datasets.values())}; name one with --dataset_dir."
        )


def _built_name(dataset: str) -> str:
    """Returns under which name a published dataset has been built: research/deeplab's, or ours."""
    is_built = os.path.isdir(os.path.join(DATASETS_ROOT, dataset))
    return dataset if is_built else specs.PUBLISHED_DATASETS[dataset]


def _check_same_classes(spec: DatasetSpec, trained: RunDescription, source: str) -> None:
    if trained.class_names and spec.class_names != trained.class_names:
        raise ValueError(
            f"dataset {spec.name!r} in {spec.directory} has the {spec.num_classes} classes "
            f"{', '.join(spec.class_names)}, but {source} says that the network was trained "
            f"on {trained.dataset_name!r} with the {len(trained.class_names)} classes "
            f"{', '.join(trained.class_names)}. Name a dataset of its classes with --dataset_dir."
        )
