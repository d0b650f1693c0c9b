"""How train.py comes by the flags that nobody gave: by a recipe, or research/deeplab's defaults."""

import copy
import difflib
import os
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from commands import flags as command_flags
from commands.flags import Flags
from common import files
from common.option_fields import DATA, LOSS, SCHEDULE
from common.texts import printable
from datasets.segmentation.specs import DatasetSpec
from deeplab.evaluation import validation
from deeplab.recipe import choice, data_facts, machine_facts, start_facts
from deeplab.recipe.choice import Recipe
from deeplab.recipe.data_facts import DataFacts
from deeplab.recipe.machine_facts import MachineFacts
from deeplab.recipe.start_facts import StartFacts
from deeplab.run_description import RECIPE_FILE
from training import checkpoints
from training.validation import find_chosen

AUTO, RESEARCH_DEEPLAB = "auto", "research_deeplab"
DEFAULT_HOURS = 1.0

_FOLDER = os.path.join(os.path.dirname(__file__), os.pardir, os.pardir, "recipes")
_ENDING = ".flags"
_START_FLAG = "tf_initial_checkpoint"
_WIDTH = 100
# Flags that say how to train; options.json keeps the network, and where its dataset lies.
_OF_TRAINING = (DATA, SCHEDULE, LOSS)
_OF_ONE_COMMAND = ("dataset", "dataset_dir", "recipe", "hours")


def list_recipes() -> list[str]:
    """Returns the names of this task's recipes in the folder `recipes`."""
    names = (name.removesuffix(_ENDING) for name in os.listdir(_FOLDER) if name.endswith(_ENDING))
    return sorted(name for name in names if _is_of_task(_read_lines(name)))


def is_automatic(flags: Flags, is_distributed: bool, report: Callable[[str], None] = print) -> bool:
    """Whether a recipe is chosen for the data and the machine; says why not, if nobody asked.

    Args:
      is_distributed: whether several processes train together, which must not choose each its own.
    """
    name = flags.value("recipe")
    if name is not None:
        return bool(name == AUTO)
    reason = None
    if is_distributed:
        reason = "several processes train together"
    elif flags.value("continue_checkpoint"):
        reason = "--continue_checkpoint goes on with another training run"
    if reason is not None:
        report(f"{reason}: --recipe={RESEARCH_DEEPLAB}, whose defaults the other flags have")
    return reason is None


def read(flags: Flags) -> None:
    """Takes the flags of a recipe of the folder `recipes`, if one is named.

    Raises:
      ValueError: there is no such recipe, or it is another task's.
    """
    name = _recipe_name(flags)
    if name in (None, AUTO, RESEARCH_DEEPLAB):
        return
    if not os.path.isfile(_path(name)):
        known = [AUTO, RESEARCH_DEEPLAB, *list_recipes()]
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ValueError(
            f"recipe is {name!r}; expected {AUTO}, {RESEARCH_DEEPLAB}, or one of the folder "
            f"recipes: {', '.join(known[2:])}.{hint} A file of your own is a --flagfile."
        )
    lines = _read_lines(name)
    if not _is_of_task(lines):
        raise ValueError(
            f"recipe {name!r} is another task's: give --flagfile=recipes/{name}.flags."
        )
    _add_lines(flags, lines)


def check_classes(flags: Flags, spec: DatasetSpec) -> None:
    """Makes sure that a recipe of the folder `recipes` is for as many classes as a dataset has.

    Raises:
      ValueError: its label weights are for other ones.
    """
    name, weights = _recipe_name(flags), flags.value("label_weights")
    if name in (None, AUTO, RESEARCH_DEEPLAB) or not weights or len(weights) == spec.num_classes:
        return
    if command_flags.spell("label_weights", weights) in _read_lines(name):
        raise ValueError(
            f"recipe {name} has label weights of {len(weights)} classes, and dataset {spec.name} "
            f"has {spec.num_classes}. Give your own --label_weights (make check-dataset suggests "
            f"some), or omit --recipe={name}, and all flags are chosen for your data."
        )


def resume(flags: Flags, train_logdir: str) -> bool:
    """Takes the flags that a recipe chose when a training run began; whether there are any.

    Raises:
      ValueError: the command line names another recipe.
    """
    path = os.path.join(train_logdir, RECIPE_FILE)
    if not os.path.isfile(path) or not checkpoints.latest_checkpoint(train_logdir):
        return False
    given = flags.value("recipe")
    if given not in (None, AUTO):
        raise ValueError(
            f"recipe is {given}, but the training run in {printable(train_logdir)} has flags that "
            f"were chosen for it when it began, in {printable(path)}. Omit --recipe to go on with "
            "them, or choose another --train_logdir."
        )
    lines = files.read_text(path).splitlines()
    # The start is behind it: to name it once more would be answered with a warning.
    _add_lines(flags, [line for line in lines if not line.startswith(f"--{_START_FLAG}=")])
    print(f"the recipe of this training run is in {printable(path)}")
    return True


def choose(
    flags: Flags,
    spec: DatasetSpec,
    train_split: str,
    check: Callable[[Flags], Any],
    measure: Callable[[], float],
    report: Callable[[str], None] = print,
) -> str:
    """Chooses a recipe for a training run that begins, and takes its flags.

    Args:
      flags: of the command; those that are given stay as they are.
      spec, train_split: what is trained on.
      check: raises ValueError if flags contradict each other; before anything is downloaded.
      measure: returns the seconds of a step with the flags so far.
      report: takes each line that a user should see.

    Returns:
      The recipe as the content of a flag file.
    """
    data = data_facts.examine(spec, train_split, validation.SPLIT)
    machine = machine_facts.examine()
    report(_describe(spec, train_split, data))
    given = {name: flags.value(name) for name in choice.CONSIDERED if flags.is_given(name)}
    command_line = [name for name in flags.definitions if flags.is_given(name)]
    trial = copy.deepcopy(flags)
    recipe = choice.choose(data, machine, None, given)
    trial.add(
        choice.with_decays(recipe, data, trial.value("training_number_of_steps"), given).flags
    )
    check(trial)
    start = _find_start(flags, machine, given, report)
    recipe = choice.choose(data, machine, start, given)
    if flags.value(_START_FLAG):
        recipe = recipe.adding("what it begins with", **{_START_FLAG: flags.value(_START_FLAG)})
    flags.add(recipe.flags)
    if "training_number_of_steps" in given:
        recipe = choice.with_decays(recipe, data, given["training_number_of_steps"], given)
    else:
        report("measuring how long a step takes, which takes about a minute …")
        step_secs = measure()
        hours = flags.value_or("hours", DEFAULT_HOURS)
        per_image = step_secs / flags.value("train_batch_size")
        recipe = choice.with_steps(
            recipe, data, hours, step_secs, per_image * data.num_validation_images, given
        )
    flags.add(recipe.flags)
    warning = None if "training_number_of_steps" in given else choice.warning(recipe, data)
    kept = [name for name in command_line if name in recipe.flags or _is_of_training(name, flags)]
    recipe = recipe.without(kept)
    if kept:
        recipe = recipe.adding("given", **{name: flags.value(name) for name in kept})
    for line in _told(recipe, flags):
        report(line)
    if warning is not None:
        report(f"warning: {warning}")
    return "\n".join(["# What a recipe has chosen for this training run.", *_lines(recipe, flags)])


def _add_lines(flags: Flags, lines: Sequence[str]) -> None:
    """Takes a recipe's flags, but its patience only if there will be validations to count."""
    if flags.is_given("validate_every") and not flags.value("validate_every"):
        lines = [line for line in lines if not line.startswith("--patience=")]
    flags.add_lines(lines)


def _recipe_name(flags: Flags) -> str | None:
    """Returns the recipe that is named, also by its file in the folder `recipes`."""
    name: str | None = flags.value("recipe")
    if name and os.path.dirname(os.path.abspath(name)) == os.path.abspath(_FOLDER):
        return os.path.basename(name).removesuffix(_ENDING)
    return name


def _path(recipe: str) -> str:
    return os.path.normpath(os.path.join(_FOLDER, recipe + _ENDING))


def _read_lines(recipe: str) -> list[str]:
    return files.read_text(_path(recipe)).splitlines()


def _is_of_task(lines: Sequence[str]) -> bool:
    tasks = [line for line in lines if line.startswith("--task=")]
    return tasks in ([], ["--task=deeplab"])


def _find_start(
    flags: Flags,
    machine: MachineFacts,
    given: Mapping[str, Any],
    report: Callable[[str], None],
) -> StartFacts | None:
    """Returns the checkpoint that the network begins with: the flag's, or published weights.

    They are downloaded if they are not there yet; where that cannot be, training begins from
    scratch.
    """
    variant = given.get("model_variant")
    if flags.is_given(_START_FLAG):
        start = flags.value(_START_FLAG)
        if not start:
            return None
        checkpoint = find_chosen(start)
        if variant is not None:
            return StartFacts(checkpoint, variant, given.get("depth_multiplier", 1.0))
        return start_facts.examine(checkpoint)
    name = choice.published_weights(machine, given)
    if name is None:
        report(f"nobody has published weights of {variant}, so the network begins from scratch")
        return None
    try:
        start = start_facts.examine(checkpoints.find_checkpoint(name))
    except (ValueError, OSError) as error:
        report(f"warning: {error}")
        report(
            "so the network begins from scratch. With published weights a fraction of the time "
            f"gives better results: --{_START_FLAG}=NAME (python -m scripts.weights list), or the "
            "checkpoint of a network that you have."
        )
        return None
    flags.add({_START_FLAG: name})
    report(f"the network begins with published weights: --{_START_FLAG}={name}")
    return start


def _describe(spec: DatasetSpec, split: str, data: DataFacts) -> str:
    parts = [
        f"dataset {spec.name}: {data.num_images} images in split {split} and "
        f"{data.num_validation_images} in {validation.SPLIT}, {data.width}x{data.height} in the "
        f"median, {spec.num_classes} classes"
    ]
    if data.thin_classes:
        parts.append(f"mostly thin: {', '.join(data.thin_classes)}")
    if data.absent_classes:
        parts.append(f"never seen: {', '.join(data.absent_classes)}")
    return "; ".join(parts)


def _told(recipe: Recipe, flags: Flags) -> list[str]:
    """Returns the choice for people: the command that repeats it, and why."""
    lines = ["chosen, as the flags that would repeat it:"]
    for part, reason in recipe.parts:
        spelt = " ".join(_spelt(part, flags))
        if spelt:
            lines += textwrap.wrap(
                f"  {spelt}   ({reason})",
                _WIDTH,
                subsequent_indent="      ",
                break_on_hyphens=False,
            )
    return lines


def _is_of_training(name: str, flags: Flags) -> bool:
    """Whether a training run is to go on with a flag that is given, though no recipe chooses it."""
    group = flags.definitions[name].option.group
    return group in _OF_TRAINING and name not in _OF_ONE_COMMAND


def _lines(recipe: Recipe, flags: Flags) -> list[str]:
    lines = []
    for part, reason in recipe.parts:
        spelt = _spelt(part, flags)
        lines += [f"# {reason}", *spelt] if spelt else []
    return [*lines, ""]


def _spelt(part: Mapping[str, object], flags: Flags) -> list[str]:
    """Returns flags as they are in force, whoever decided them."""
    names: Iterable[str] = part
    return [command_flags.spell(name, flags.value(name)) for name in names]
