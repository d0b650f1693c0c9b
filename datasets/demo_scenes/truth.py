"""How much of what captions say of postcards is true."""

import dataclasses
from collections.abc import Iterable

from datasets.demo_scenes import captions
from datasets.demo_scenes.postcard import Facts


@dataclasses.dataclass(frozen=True)
class Truth:
    """Shares, 0 to 1, over all captions.

    Attributes:
      there: named kinds of things that the image shows.
      counted: named kinds whose number is right, too.
      named: kinds that the image shows and the caption names.
      time, ground: captions that say the right one.
      side: captions that say the right one, of those that say any; 1 where none does.
    """

    there: float
    counted: float
    named: float
    time: float
    ground: float
    side: float


def score(said: Iterable[tuple[Facts, str]]) -> Truth:
    """Compares captions with the facts of their images.

    Args:
      said: facts of each image, and its caption.

    Raises:
      ValueError: there are no captions.
    """
    pairs = [(facts, captions.read(caption)) for facts, caption in said]
    if not pairs:
        raise ValueError("there are no captions to compare with what images show.")
    kinds = [
        (facts.counts, kind, count) for facts, it in pairs for kind, count in it.counts.items()
    ]
    shown = [(it.counts, kind) for facts, it in pairs for kind in facts.counts]
    sides = [(facts.side, it.side) for facts, it in pairs if it.side]
    return Truth(
        there=_share(kind in counts for counts, kind, _ in kinds),
        counted=_share(counts.get(kind) == count for counts, kind, count in kinds),
        named=_share(kind in counts for counts, kind in shown),
        time=_share(facts.time == it.time for facts, it in pairs),
        ground=_share(facts.ground == it.ground for facts, it in pairs),
        side=_share(is_at == said_at for is_at, said_at in sides) if sides else 1.0,
    )


def _share(outcomes: Iterable[bool]) -> float:
    """Returns the share of what is true; 0 of nothing, where captions name no things at all."""
    listed = list(outcomes)
    return sum(listed) / len(listed) if listed else 0.0
