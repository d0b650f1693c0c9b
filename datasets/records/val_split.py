"""Takes examples for validation from those for training, where data have no such split."""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from common.texts import printable
from datasets.records.problems import WARNING, Problem

if TYPE_CHECKING:  # It imports TensorFlow, which processes that only draw images do without.
    from datasets.records.encoder import SampleT

TRAIN, VAL = "train", "val"

_Content = TypeVar("_Content")


def draw(
    splits: "Mapping[str, Sequence[SampleT]]",
    val_fraction: float | None,
    seed: int,
    where: str,
    default_fraction: float,
    group_of: "Callable[[SampleT], Hashable]" = lambda sample: None,
) -> "tuple[dict[str, Sequence[SampleT]], list[Problem]]":
    """Takes the split `val` from `train` by chance, where it is asked for or nothing else is there.

    The same share of each group is taken, and a hash of each name and the seed decides: the same
    seed gives the same split on every machine, and examples that are added later hardly move the
    others. A group keeps at least one example in `train`.

    Args:
      splits: examples of each split.
      val_fraction: share of each group; None for `default_fraction` where there are no splits but
        `train`, and for none beside others.
      seed: of the choice.
      where: the folder or file that has the splits, for messages.
      default_fraction: see `val_fraction`.
      group_of: returns what the examples of a group have in common; all are one without it.

    Returns:
      The splits, and a warning where there is no `val` then.

    Raises:
      ValueError: there is a split `val` already, or the share is impossible.
    """
    if VAL in splits:
        if val_fraction is not None:
            raise ValueError(
                f"val_fraction is {val_fraction}, but {where} has splits of its own: "
                f"{', '.join(splits)}. Omit val_fraction, or remove the splits."
            )
        return dict(splits), []
    if val_fraction is None:
        val_fraction = default_fraction if len(splits) == 1 else 0.0
    if not 0 <= val_fraction < 1:
        raise ValueError(f"val_fraction is {val_fraction}; expected 0 <= val_fraction < 1.")
    drawn = {each.name for each in _draw(splits[TRAIN], val_fraction, seed, group_of)}
    if not drawn:
        message = (
            f"there is no split 'val', only {', '.join(splits)}: evaluate with --eval_split, or "
            "take images from 'train' with --val_fraction."
        )
        return dict(splits), [Problem(WARNING, "split", message, where)]
    parts: dict[str, Sequence[SampleT]] = {
        TRAIN: tuple(sample for sample in splits[TRAIN] if sample.name not in drawn),
        VAL: tuple(sample for sample in splits[TRAIN] if sample.name in drawn),
    }
    return {**parts, **{name: splits[name] for name in splits if name != TRAIN}}, []


def require_train(
    splits: "Mapping[str, _Content]", where: str, what: str = "the one"
) -> "dict[str, _Content]":
    """Returns splits of which one is called `train`: the only one, if there are no others.

    Args:
      splits: what each holds.
      where: the folder that has them, for the error.
      what: what in it has to be renamed.

    Raises:
      ValueError: there are several, and none is called so.
    """
    if TRAIN in splits:
        return dict(splits)
    if len(splits) == 1:
        return {TRAIN: next(iter(splits.values()))}
    raise ValueError(
        f"{printable(where)} has the splits {', '.join(splits)}, and none is called train: rename "
        f"{what} that is to be trained on."
    )


def _draw(
    samples: "Iterable[SampleT]",
    fraction: float,
    seed: int,
    group_of: "Callable[[SampleT], Hashable]",
) -> "list[SampleT]":
    """Returns the samples of a share of each group."""
    groups: dict[Hashable, list[SampleT]] = {}
    for sample in samples:
        groups.setdefault(group_of(sample), []).append(sample)

    def rank(sample: "SampleT") -> bytes:
        return hashlib.sha256(f"{seed}:{sample.name}".encode()).digest()

    drawn: list[SampleT] = []
    for same in groups.values():
        count = max(1, round(len(same) * fraction)) if fraction else 0
        drawn += sorted(same, key=rank)[: min(count, len(same) - 1)]
    return drawn
