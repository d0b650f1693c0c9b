"""Paints one image in one style, or a mix of styles: from the coarsest size to the finest."""

import dataclasses
import glob
import os
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow.compat.v1 as tf

from common import files, texts
from style_transfer import images, optimizers, run_state, scales
from style_transfer.network import Network
from style_transfer.objective import Evaluation, Objective, Style
from style_transfer.optimizers import Adam
from style_transfer.options import LossOptions
from style_transfer.run_state import RunState
from style_transfer.scales import Scale
from training.summaries import SummaryWriter

CONTENT, NOISE, MIXED = "content", "noise", "mixed"
ADAM, LBFGS = "adam", "lbfgs"
PREVIEW_FILE = "preview.jpg"

# Of the kinds of start: noise as of neural-style, and as of cs20.
_NOISE_DEVIATION = 0.256
_MIXED_NOISE, _MIXED_SHARE = 20.0, 0.6


@dataclasses.dataclass(frozen=True)
class Settings:
    """How an image is painted.

    Attributes:
      losses: what it is to be.
      scales: its sizes, from coarse to fine.
      style_scale: size of the style's image, of that of the content's.
      start: "content", "noise", "mixed", or a path of an image.
      optimizer: "adam" or "lbfgs".
      learning_rate, keeps_range: see `Adam`.
      frame: see `images.framed`; what is painted beyond the image's borders, and cut off.
      keeps_colors: whether the result has the content's colors.
      seed: of noise.
      window_side: see `windows.split`; None for what fits into memory.
    """

    losses: LossOptions
    scales: Sequence[Scale]
    style_scale: float = 1.0
    start: str = CONTENT
    optimizer: str = ADAM
    learning_rate: float = 8.0
    keeps_range: bool = True
    frame: int = 0
    keeps_colors: bool = False
    seed: int = 0
    window_side: int | None = None

    def recorded(self) -> dict[str, str]:
        """Returns what the result depends on, but the number of steps."""
        values = {
            field.name: str(getattr(self, field.name))
            for field in dataclasses.fields(self)
            if field.name not in ("scales", "window_side")
        }
        return values | {"sizes": str([scale.longer_side for scale in self.scales])}


@dataclasses.dataclass(frozen=True)
class Watcher:
    """Whom a run tells how it goes, and who may end it.

    Attributes:
      tell: takes a line.
      is_interrupted: asked after each step.
      report_every: steps between lines.
      preview_every: steps between previews, which are saved with the state; 0 for none.
    """

    tell: Callable[[str], None]
    is_interrupted: Callable[[], bool]
    report_every: int
    preview_every: int


class Stylization:
    """A run: its images, its state and what is told of it."""

    def __init__(
        self,
        network: Network,
        settings: Settings,
        content: str,
        styles: Mapping[str, float],
        folder: str,
        recorded: Mapping[str, str],
        goes_on: bool = True,
    ):
        """Reads the images, and what a former run has left in the folder.

        Args:
          content: path of an image.
          styles: shares by paths of images; they add up to 1.
          folder: of the state, the preview and the curves.
          recorded: what else the result depends on.
          goes_on: whether what a former run has left is looked at.

        Raises:
          OSError, ValueError: an image or the state cannot be read.
        """
        self._network, self._settings, self._folder = network, settings, folder
        self._content_path = content
        self._content = images.read(content)
        self._styles = {path: (images.read(path), share) for path, share in styles.items()}
        self._start = (
            None if settings.start in (CONTENT, NOISE, MIXED) else images.read(settings.start)
        )
        self.settings = {**settings.recorded(), **recorded}
        self._adam = self._new_adam()
        os.makedirs(folder, exist_ok=True)
        files.remove_leftovers(folder)
        self._state = run_state.load(folder, self._adam) if goes_on else None

    @property
    def former(self) -> RunState | None:
        """What a former run has left, if anything."""
        return self._state

    def begin_anew(self) -> None:
        """Forgets what a former run has left, its curves, too."""
        self._adam = self._new_adam()
        self._state = None
        for path in glob.glob(os.path.join(glob.escape(self._folder), "events.out.tfevents.*")):
            os.remove(path)  # Two paintings' curves in one would look like none.

    def run(self, watcher: Watcher) -> RunState:
        """Paints until all steps are made, or until it is interrupted; returns how far it is."""
        state = self._state = self._state or RunState(dict(self.settings))
        state.is_finished = False
        # Of all sizes before the first: what does not fit is known before hours of work.
        sides = {
            index: self._window_side(scale, watcher.tell)
            for index, scale in enumerate(self._settings.scales)
            if index >= state.scale
        }
        writer = SummaryWriter(
            self._folder, tf.Graph(), lambda: os.makedirs(self._folder, exist_ok=True)
        )
        try:
            while True:
                ended = self._run_scale(state, sides[state.scale], writer, watcher)
                is_last = state.scale + 1 == len(self._settings.scales)
                state.is_finished = ended and is_last
                state.save(self._folder)
                if not ended or is_last:
                    return state
                assert state.best is not None
                state.image = self._without_frame(state.best, state.scale)
                state.best, state.best_loss, state.best_step = None, float("inf"), 0
                state.scale, state.step = state.scale + 1, 0
                self._adam = self._new_adam()
        finally:
            writer.close()

    def picture(self) -> np.ndarray:
        """Returns the best image so far, uint8 [height, width, 3]."""
        state = self._state
        assert state is not None
        best = state.best if state.best is not None else state.image
        assert best is not None
        return self._shown(self._without_frame(best, state.scale))

    def _window_side(self, scale: Scale, tell: Callable[[str], None]) -> int | None:
        """Returns the side of a size's windows, and tells how much memory they take.

        Raises:
          ValueError: they do not fit into memory, or have no inner part.
        """
        settings = self._settings
        size = self._size(scale)
        painted = images.framed_size(size, settings.frame)
        of_style = round(scale.longer_side * settings.style_scale)
        styles = [images.fitted_size(each, of_style) for each, _ in self._styles.values()]
        largest = max([painted, *styles], key=lambda each: each[0] * each[1])
        side = settings.window_side or scales.window_side(self._network, *largest)
        framed = "" if painted == size else f"{size[1]}x{size[0]}, with its frame "
        of_largest = scales.describe(self._network, *largest, side)
        tell(framed + scales.describe(self._network, *painted, side))
        if largest[0] * largest[1] > 2 * painted[0] * painted[1]:
            tell(f"its style, first {of_largest}")
        return side

    def _run_scale(
        self, state: RunState, side: int | None, writer: SummaryWriter, watcher: Watcher
    ) -> bool:
        """Makes the steps of one size, in windows of a side; returns whether all were made."""
        settings = self._settings
        scale = settings.scales[state.scale]
        size = self._size(scale)
        content = images.framed(
            images.resized(self._content, size, self._content_path), settings.frame
        )
        objective = Objective(
            self._network,
            settings.losses,
            content,
            [self._style(path, scale.longer_side) for path in self._styles],
            side,
        )
        if state.image is None:
            state.image = self._first_image(content, size)
        elif state.image.shape != content.shape:
            state.image = images.framed(images.enlarged(state.image, size), settings.frame)
        later = sum(
            each.num_steps * (each.longer_side / scale.longer_side) ** 2
            for each in settings.scales[state.scale + 1 :]
        )
        progress = _Progress(scale.num_steps, watcher.report_every, watcher.tell, later)
        offset = sum(each.num_steps for each in settings.scales[: state.scale])

        def report(image: np.ndarray, evaluation: Evaluation) -> bool:
            if not np.isfinite(evaluation.total):
                raise ValueError(
                    f"the loss is {evaluation.total} at step {state.step}: lower --learning_rate "
                    f"({settings.learning_rate:g})."
                )
            if evaluation.total < state.best_loss:
                state.best, state.best_loss = image.copy(), evaluation.total
                state.best_step = state.step
            state.image = image
            progress.tell(state.step, evaluation)
            step = offset + state.step
            writer.add_scalars({"loss": evaluation.total, **evaluation.losses}, step)
            every = watcher.preview_every
            if every and state.step and state.step % every == 0:
                self._preview(writer, step)
                state.save(self._folder)
            if watcher.is_interrupted():
                return False
            state.step += 1
            return True

        if settings.optimizer == LBFGS:
            state.adam = None
            optimizers.run_lbfgs(
                state.image,
                objective.evaluate,
                scale.num_steps - state.step,
                settings.keeps_range,
                report,
            )
        else:
            state.adam, state.step = self._adam, self._adam.step
            optimizers.run_adam(
                self._adam, state.image, objective.evaluate, scale.num_steps, report
            )
            state.step = self._adam.step
        state.step = min(state.step, scale.num_steps)
        if watcher.is_interrupted():
            return False
        if not state.best_step:
            watcher.tell(
                f"warning: none of {scale.num_steps} steps made the image better than it was: "
                f"lower --learning_rate ({settings.learning_rate:g})"
            )
        return True

    def _size(self, scale: Scale) -> tuple[int, int]:
        """Returns height and width of what a size paints, without the frame."""
        return images.fitted_size(self._content, scale.longer_side)

    def _without_frame(self, image: np.ndarray, scale: int) -> np.ndarray:
        size = self._size(self._settings.scales[scale])
        return images.unframed(image, size, self._settings.frame)

    def _new_adam(self) -> Adam:
        return Adam(self._settings.learning_rate, self._settings.keeps_range)

    def _style(self, path: str, longer_side: int) -> Style:
        image, share = self._styles[path]
        size = images.fitted_size(image, round(longer_side * self._settings.style_scale))
        return Style(images.resized(image, size, path), share)

    def _first_image(self, content: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Returns what is painted over, of the shape of the content in its frame."""
        if self._start is not None:
            start = images.resized(self._start, size, self._settings.start)
            return images.framed(start, self._settings.frame)
        random = np.random.RandomState(self._settings.seed)
        mean = np.asarray(self._network.mean_color, np.float32)
        if self._settings.start == NOISE:
            return mean + random.normal(0.0, _NOISE_DEVIATION, content.shape).astype(np.float32)
        if self._settings.start == MIXED:
            noise = random.uniform(-_MIXED_NOISE, _MIXED_NOISE, content.shape).astype(np.float32)
            return _MIXED_SHARE * (mean + noise) + (1 - _MIXED_SHARE) * content
        return content

    def _shown(self, image: np.ndarray) -> np.ndarray:
        shown = images.to_bytes(image)
        if not self._settings.keeps_colors:
            return shown
        content = images.resized(self._content, shown.shape[:2], self._content_path)
        return images.with_colors_of(shown, images.to_bytes(content))

    def _preview(self, writer: SummaryWriter, step: int) -> None:
        shown = self.picture()
        images.write(os.path.join(self._folder, PREVIEW_FILE), shown)
        writer.add_image("image", shown, step)


class _Progress:
    """Tells how the losses fall and how much time is left.

    Args:
      num_steps: at this size.
      every: steps between lines.
      later: steps of this size that take as long as those of the finer ones will.
    """

    def __init__(self, num_steps: int, every: int, tell: Callable[[str], None], later: float):
        self._num_steps, self._every, self._tell = num_steps, every, tell
        self._later = later
        self._began: tuple[float, int] | None = None

    def tell(self, step: int, evaluation: Evaluation) -> None:
        now = time.monotonic()
        is_last = step == self._num_steps
        if step % self._every == 0 or is_last:
            text = (
                f"step {step:>4}/{self._num_steps}  loss {evaluation.total:.5g}  content "
                f"{evaluation.sum_of('content'):.4g}  style {evaluation.sum_of('style'):.4g}"
            )
            if self._began is not None and step > self._began[1]:
                secs = (now - self._began[0]) / (step - self._began[1])
                left = secs * (self._num_steps - step + self._later)
                text += f"  {secs:.2g} s a step"
                text += f"  {texts.duration(left)} left" if left else ""
            self._tell(text)
        if self._began is None:
            self._began = (now, step)  # The first step builds what the others use.
