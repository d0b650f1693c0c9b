"""What is kept of a style transfer, so that the same command goes on with it."""

import dataclasses
import json
import os
import zipfile
from typing import Any

import numpy as np

from common import files
from common.texts import printable
from style_transfer.optimizers import Adam

FILE = "state.npz"

_VERSION = 2


@dataclasses.dataclass
class RunState:
    """How far a run is.

    Attributes:
      settings: what the result depends on, by name, but the number of steps.
      scale: which of the sizes is worked on, from the coarsest, 0, on.
      step: evaluations made at that size.
      image: float32 [height, width, 3], the next one that is evaluated; None before the first.
      best: the best one of that size; None before the first.
      best_loss: of that.
      best_step: at which it was evaluated.
      adam: moments of the gradient; None where another optimizer is used.
      is_finished: whether all steps of all sizes were made.
    """

    settings: dict[str, str]
    scale: int = 0
    step: int = 0
    image: np.ndarray | None = None
    best: np.ndarray | None = None
    best_loss: float = float("inf")
    best_step: int = 0
    adam: Adam | None = None
    is_finished: bool = False

    def save(self, folder: str) -> None:
        """Writes the state into a folder, whole or not at all.

        Raises:
          OSError: it cannot be written.
        """
        facts = {
            "version": _VERSION,
            "settings": self.settings,
            "scale": self.scale,
            "step": self.step,
            "best_loss": self.best_loss,
            "best_step": self.best_step,
            "is_finished": self.is_finished,
            "adam_step": None if self.adam is None else self.adam.step,
        }
        arrays = {"image": self.image, "best": self.best}
        if self.adam is not None:
            arrays |= {"mean": self.adam.mean, "square": self.adam.square}
        present: Any = {name: value for name, value in arrays.items() if value is not None}
        with files.replacing(os.path.join(folder, FILE), ".npz") as temporary:
            np.savez(temporary, facts=np.array(json.dumps(facts)), **present)


def load(folder: str, adam: Adam) -> RunState | None:
    """Reads the state in a folder; None where there is none.

    Args:
      adam: takes the moments that were kept, if any.

    Raises:
      ValueError: it is damaged, or of another version; names the file.
    """
    path = os.path.join(folder, FILE)
    if not os.path.exists(path):
        return None
    try:
        with np.load(path) as arrays:
            facts = json.loads(str(arrays["facts"]))
            values = {name: arrays[name] for name in arrays.files if name != "facts"}
        if facts["version"] != _VERSION:
            raise ValueError(f"version {facts['version']}")
        if facts["adam_step"] is not None:
            adam.step = facts["adam_step"]
            adam.mean, adam.square = values.get("mean"), values.get("square")
        return RunState(
            facts["settings"],
            facts["scale"],
            facts["step"],
            values.get("image"),
            values.get("best"),
            facts["best_loss"],
            facts["best_step"],
            adam if facts["adam_step"] is not None else None,
            facts["is_finished"],
        )
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{printable(path)} is damaged ({error}). Begin anew with --overwrite."
        ) from None
