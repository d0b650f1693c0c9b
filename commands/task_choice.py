"""Decides which task a command line is about, before anything of a task is imported.

`--task=NAME` says it, on the command line or in a flag file. Otherwise it is the task of what the
command works on: of the training run, the export or the dataset that the flags name or, without
such flags, of the newest one.
"""

import difflib
import glob
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator

from commands.dataset_sources import SOURCES as _SOURCES
from common import export_names, run_options
from common.dataset_files import DATASET_FILE, DATASETS_ROOT
from published import catalogue

# The packages of the tasks; the first is taken where nothing tells.
TASKS = ("deeplab", "classification", "captioning")

# Commands without --task, and the packages that hold them: one serves what any task has made, and
# only segmentation has masks to cut.
WITHOUT_TASK = {"serve": "serving", "cut_tiles": "deeplab", "stylize": "style_transfer"}

# What dataset.json calls its task, if not by the name of the task's package.
_OF_DATASETS = {"segmentation": "deeplab"}
_OF_PUBLISHED = {catalogue.SEGMENTATION: "deeplab", catalogue.CLASSIFIER: "classification"}
# Of its build_mscoco_data.py; the command of the task says what to give instead.
_FLAGS_OF_IM2TXT = ("train_captions_file", "val_captions_file", "train_image_dir", "val_image_dir")
# Its flag of train.py and evaluate.py for records.
_PATTERN_OF_IM2TXT = "input_file_pattern"
# research/im2txt's vocabulary, beside its records.
_WORD_COUNTS_FILE = "word_counts.txt"


def take(name: str, argv: list[str]) -> str:
    """Returns the task of a command, and removes `--task=NAME` from the command line.

    research/deeplab's `--task=0` numbers a worker and is left where it is.

    Args:
      name: of the command.
      argv: the program's name and its arguments.
    """
    given = _take_flag(argv)
    words = [*argv[1:], *_words_of_flag_files(argv[1:])]
    task = given or _flag(words, "task", skips_numbers=True) or _find(name, words) or TASKS[0]
    if task not in TASKS:
        print(f"error: --task is {task!r}; expected one of {', '.join(TASKS)}.", file=sys.stderr)
        sys.exit(2)
    return task


def _take_flag(argv: list[str]) -> str | None:
    for index, argument in enumerate(argv[1:], start=1):
        if argument == "--":
            break
        name, equals, value = argument.lstrip("-").partition("=")
        if not argument.startswith("-") or name != "task":
            continue
        if not equals:
            value = "".join(argv[index + 1 : index + 2])
        if value and not value.isdecimal():
            del argv[index : index + (1 if equals else 2)]
            return value
    return None


def _find(name: str, words: list[str]) -> str | None:
    """Returns the task of what a command works on; None where nothing tells."""
    if name == "build_tfrecords":
        if any(_flag(words, each) is not None for each in _FLAGS_OF_IM2TXT):
            return "captioning"
        return _of_source(_flag(words, "dataset"))
    if name == "describe_tfrecords":
        return _of_records(_flag(words, "tfrecords"))
    if name == "infer":
        return _of_export(_flag(words, "model"))
    if name == "train":
        return _first(
            lambda: _of_run(_flag(words, "train_logdir")),
            lambda: "captioning" if _flag(words, _PATTERN_OF_IM2TXT) else None,
            lambda: _of_dataset(_flag(words, "dataset_dir"), _flag(words, "dataset")),
        )
    run = _flag(words, "checkpoint_path")
    if run and "," in run and not os.path.exists(run):  # eval.py takes several.
        run = run.split(",")[0]
    folder = _flag(words, "checkpoint_dir")
    return _first(
        lambda: None if run in (None, "best", "latest") else _of_run(run) or _of_published(run),
        lambda: _of_run(folder or _newest(os.path.join(run_options.RUNS_ROOT, "*"))),
        lambda: _of_dataset(_flag(words, "dataset_dir"), None) if run else None,
    )


def _first(*finders: Callable[[], str | None]) -> str | None:
    return next((task for find in finders if (task := find()) is not None), None)


def _of_source(source: str | None) -> str | None:
    """Returns the task of a source of datasets; exits where there is no such source."""
    if source is None:
        return None
    for task, names in _SOURCES.items():
        if source in names:
            return task
    known = [name for names in _SOURCES.values() for name in names]
    close = difflib.get_close_matches(source, known, n=1)
    close = close or [name for name in known if source and name.startswith(source)]
    did_you_mean = f" Did you mean {' or '.join(close)}?" if close else ""
    listed = "; ".join(f"{', '.join(names)} ({task})" for task, names in _SOURCES.items())
    print(f"error: --dataset is {source!r}.{did_you_mean} There are {listed}.", file=sys.stderr)
    sys.exit(2)


def _of_run(path: str | None) -> str | None:
    """Returns the task of a training run: its folder, that of its best, or a checkpoint in it."""
    if path is None:
        return None
    path = os.path.expanduser(path)
    return _first(
        lambda: run_options.read_task(path), lambda: run_options.read_task(os.path.dirname(path))
    )


def _of_published(path: str) -> str | None:
    """Returns the task of published weights, if a path is their name; encoders have none."""
    weights = None if os.path.lexists(path) else catalogue.find(path)
    return _OF_PUBLISHED.get(weights.kind) if weights else None


def _of_dataset(directory: str | None, name: str | None) -> str | None:
    if directory is None:
        directory = os.path.join(DATASETS_ROOT, name or "*")
        path = _newest(os.path.join(directory, DATASET_FILE))
    else:
        path = os.path.join(os.path.expanduser(directory), DATASET_FILE)
    task = path and run_options.task_in(path)
    return _OF_DATASETS.get(task, task) if task else None


def _of_records(directory: str | None) -> str | None:
    """Returns the task of another program's records, which mostly have no description yet."""
    if directory is None:
        return None
    directory = os.path.expanduser(directory)
    has_words = os.path.isfile(os.path.join(directory, _WORD_COUNTS_FILE))
    return _of_dataset(directory, None) or ("captioning" if has_words else None)


def _of_export(path: str | None) -> str | None:
    if path is None:
        graphs = os.path.join(run_options.RUNS_ROOT, "*", "export", export_names.GRAPH_FILE)
        path = _newest(graphs)
    if path is None:
        return None
    path = os.path.expanduser(path)
    graph_paths = (
        [path]
        if os.path.isfile(path)
        else [os.path.join(path, folder, export_names.GRAPH_FILE) for folder in ("", "export")]
        + glob.glob(os.path.join(glob.escape(path), "*.pb"))
    )
    described = (
        export_names.find_beside(graph, export_names.DESCRIPTION_ENDING) for graph in graph_paths
    )
    return _first(*(lambda each=each: each and run_options.task_in(each) for each in described))


def _newest(pattern: str) -> str | None:
    """Returns the path of a pattern that was written last; of folders, by what lies in them."""
    paths = glob.glob(pattern)
    return max(paths, key=lambda path: max(map(os.path.getmtime, _inside(path))), default=None)


def _inside(path: str) -> Iterator[str]:
    yield path
    if os.path.isdir(path):
        # A checkpoint's index is renamed into the folder when all of it is there.
        yield from glob.glob(os.path.join(glob.escape(path), "*.index"))


def _flag(words: Iterable[str], name: str, skips_numbers: bool = False) -> str | None:
    """Returns the last value that a flag is given."""
    words = list(words)
    value = None
    for index, word in enumerate(words):
        if word == "--":
            break
        match = re.fullmatch(rf"--?{name}(?:=(.*))?", word, re.DOTALL)
        if match:
            found = match[1] if match[1] is not None else "".join(words[index + 1 : index + 2])
            if not (skips_numbers and found.isdecimal()):
                value = found
    return value


def _words_of_flag_files(words: list[str]) -> list[str]:
    """Returns the flags in flag files; a file that cannot be read is refused by whoever parses."""
    path = _flag(words, "flagfile")
    if not path:
        return []
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            return [line.strip() for line in file if line.startswith("-")]
    except (OSError, UnicodeDecodeError):
        return []
