"""Freezes a network that describes images into a `.pb`: export_model.py.

`export_model_flags` has words and flags.
"""

import collections
import dataclasses
import functools
import os
import shlex
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow.compat.v1 as tf

from captioning import inference_graph, run_description
from captioning.commands.export_model_flags import FormOptions
from captioning.commands.shared_options import SearchFlags
from captioning.data import preprocess
from captioning.options import SearchOptions
from captioning.run_description import TASK, RunDescription
from commands import checkpoint_search, export_forms, weights
from commands.flags import Flags
from commands.shared_options import ExportedFileOptions, WeightsOptions
from common import export_names
from datasets.captioning import vocabulary
from export import freeze, output_files
from serving import contract
from training import best_checkpoint, checkpoints, published_checkpoints

FORMAT_VERSION = 1
IM2TXT_GRAPH_FILE = "im2txt_graph.pb"
WORD_COUNTS_FILE = "word_counts.txt"


def main(flags: Flags, arguments: list[str]) -> None:
    """Turns flags into options and exports."""
    del arguments
    tf.disable_v2_behavior()
    options = flags.options(ExportedFileOptions)
    search = flags.options(SearchFlags).search_options()
    published_checkpoints.require_kind(options.checkpoint_path, None, "network of captions")
    checkpoint = checkpoint_search.find_one(options.checkpoint_path)
    saved_names = weights.saved_names(checkpoint, flags.options(WeightsOptions).use_ema)
    description = run_description.read_description(os.path.dirname(checkpoint) or ".")
    has_im2txt_graph = flags.options(FormOptions).save_im2txt_graph
    if has_im2txt_graph:
        inference_graph.check_im2txt(description.model)
    folder = os.path.join(best_checkpoint.training_folder(checkpoint), "export")
    export_path = options.export_path or os.path.join(folder, export_names.GRAPH_FILE)
    output_files.check_writable(export_path)
    write = functools.partial(
        freeze.freeze,
        checkpoint_path=checkpoint,
        metadata=_describe(description, search, checkpoint, bool(saved_names)),
        saved_names=saved_names,
        optimize=options.optimize,
    )
    build_graph = functools.partial(inference_graph.build_inference_graph, description, search)
    removed = write(
        build_graph,
        export_path=export_path,
        input_name=contract.INPUT,
        output_names=inference_graph.OUTPUTS,
    )
    if options.save_inference_graph:
        export_forms.write_unfrozen(build_graph, export_path)
    print(
        f"exported {weights.title(checkpoint, saved_names)}: {description.model.model_variant} and "
        f"{description.model.decoder}, {len(description.words)} words, images of any size seen at "
        f"{description.view.image_size} pixels\n"
        f"  {export_path}  ({os.path.getsize(export_path) / 1e6:.1f} MB)\n"
        f"  {output_files.metadata_path(export_path)}"
    )
    if has_im2txt_graph:
        _write_im2txt_graph(description, os.path.dirname(export_path), write)
    print(f"use it: python infer.py IMAGES --model={shlex.quote(export_path)}")
    export_forms.report_removed(removed)


def _describe(
    description: RunDescription, search: SearchOptions, checkpoint: str, use_ema: bool
) -> dict[str, Any]:
    """Returns what is to be known of an export."""
    metadata = contract.Metadata(
        task=TASK,
        attention_size=inference_graph.attention_size(description),
        seen_share=preprocess.seen_share(description.view.image_size),
        words=description.words,
    )
    return {
        "format_version": FORMAT_VERSION,
        **{key: value for key, value in dataclasses.asdict(metadata).items() if value},
        "search": dataclasses.asdict(search),
        "image_size": description.view.image_size,
        "model": dataclasses.asdict(description.model),
        "dataset_name": description.dataset_name,
        "checkpoint": os.path.basename(checkpoint),
        "use_ema": use_ema,
        "global_step": checkpoints.read_step(checkpoint),
        "tensorflow_version": tf.version.VERSION,
        "splitting": description.splitting,
    }


def _write_im2txt_graph(
    description: RunDescription, folder: str, write: Callable[..., Sequence[str]]
) -> None:
    """Writes the graph of research/im2txt, and its vocabulary, beside the export."""
    path = os.path.join(folder, IM2TXT_GRAPH_FILE)
    write(
        functools.partial(inference_graph.build_im2txt_graph, description),
        export_path=path,
        input_name=inference_graph.IM2TXT_INPUT,
        output_names=inference_graph.IM2TXT_OUTPUTS,
    )
    words_path = os.path.join(folder, WORD_COUNTS_FILE)
    # im2txt reads the words only.
    vocabulary.write_word_counts(words_path, description.vocabulary, collections.Counter())
    print(f"  {path}  ({os.path.getsize(path) / 1e6:.1f} MB)\n  {words_path}")
