"""Paints images in the style of others. `stylize_flags` has its words and flags."""

import dataclasses
import hashlib
import itertools
import math
import os
import sys
from collections.abc import Iterable, Mapping, Sequence

import tensorflow.compat.v1 as tf

from commands import error_messages, image_flags
from commands.flags import Flags
from common import files, interruption, locks
from common.texts import first_few, printable
from style_transfer import images, layers, optimizers, scales
from style_transfer.commands.stylize_flags import (
    ImageOptions,
    NetworkOptions,
    PaintOptions,
    ProgressOptions,
)
from style_transfer.network import Network
from style_transfer.options import LossOptions
from style_transfer.presets import PRESETS, Preset
from style_transfer.run_state import RunState
from style_transfer.stylization import CONTENT, LBFGS, MIXED, NOISE, Settings, Stylization, Watcher
from style_transfer.weights import vgg_weights

_OUTPUT_ROOT = "stylized"
_RUNS_ROOT = os.path.join("runs", "style_transfer")
_STARTS = (CONTENT, NOISE, MIXED)


@dataclasses.dataclass(frozen=True)
class _Painting:
    """An image to paint: its content, its styles with their shares, and where it goes."""

    content: str
    styles: Mapping[str, float]
    output: str
    folder: str


def main(flags: Flags, arguments: list[str]) -> int:
    """Paints each image; returns the exit status."""
    del arguments
    tf.disable_v2_behavior()
    tf.logging.set_verbosity(tf.logging.ERROR)
    progress = flags.options(ProgressOptions)
    paintings = _plan(flags.options(ImageOptions), progress)
    settings, preset = _settings(flags.options(PaintOptions), flags.options(ImageOptions), progress)
    read = {path for each in paintings for path in (each.content, *each.styles)}
    for painting in paintings:
        _check_output(painting.output, [*read, settings.start])
    network_options = flags.options(NetworkOptions)
    weights = vgg_weights.read(network_options.weights)
    print(
        f"weights: {weights.variant} of {printable(network_options.weights)}, "
        f"{len(weights.layers)} convolutions"
    )
    pooling = network_options.pooling or preset.pooling
    network = Network(
        weights, pooling, settings.losses.content_layers, settings.losses.style_layers
    )
    recorded = {"pooling": pooling, "weights": weights.digest()}
    stop = interruption.Interruption()
    num_failed = 0
    with stop.listening(lambda: print("ending after this step …", flush=True)):
        for painting in paintings:
            try:
                _paint(painting, network, settings, recorded, progress, stop)
            except (OSError, ValueError) as error:
                if len(paintings) == 1:
                    raise
                print(f"error: {error_messages.describe(error)}", file=sys.stderr)
                num_failed += 1
            if stop:
                break
    network.close()
    if num_failed:
        print(f"error: {num_failed} of {len(paintings)} were not painted", file=sys.stderr)
    return stop.exit_status or bool(num_failed)


def _paint(
    painting: _Painting,
    network: Network,
    settings: Settings,
    recorded: Mapping[str, str],
    progress: ProgressOptions,
    stop: interruption.Interruption,
) -> None:
    """Paints one image, or goes on with it."""
    os.makedirs(painting.folder, exist_ok=True)
    with locks.sole_writer(painting.folder, "painting", "Choose another --output."):
        read = [painting.content, *painting.styles]
        read += [settings.start] if os.path.isfile(settings.start) else []
        digests = [_digest(path) for path in read]
        run = Stylization(
            network,
            settings,
            painting.content,
            painting.styles,
            painting.folder,
            {**recorded, "images": str(digests), "shares": str([*painting.styles.values()])},
            goes_on=not progress.overwrite,
        )
        named = " and ".join(printable(os.path.basename(style)) for style in painting.styles)
        print(
            f"{printable(painting.content)} in the style of {named} -> {printable(painting.output)}"
        )
        former = run.former
        change = None if former is None else _change(former, run)
        if progress.overwrite:
            run.begin_anew()
        elif change is not None:
            print(f"begins anew: {change}")
            run.begin_anew()
        elif former is not None and former.is_finished and not _has_more(former, settings):
            images.write(painting.output, run.picture())
            print(
                f"it is finished already, with {former.step} steps at its full size; more "
                "--num_steps go on, --overwrite begins anew"
            )
            return
        elif former is not None:
            print(f"goes on at step {former.step} of scale {former.scale + 1}")
        state = run.run(
            Watcher(
                lambda line: print(line, flush=True),
                lambda: bool(stop),
                progress.log_every,
                progress.preview_every,
            )
        )
        if state.best is not None:
            images.write(painting.output, run.picture())
            what = "the best image so far" if stop else "finished"
            print(f"{what}, loss {state.best_loss:.5g}: {printable(painting.output)}")


def _change(former: RunState, run: Stylization) -> str | None:
    """Says why a run cannot go on with what a former one has left; None if it can."""
    for name, value in run.settings.items():
        before = former.settings.get(name)
        if before != value:
            if name in ("images", "losses", "weights"):
                return f"the {name} are others than before"
            return f"{name} was {before} and is {value}"
    return None


def _has_more(former: RunState, settings: Settings) -> bool:
    last = len(settings.scales) - 1
    return former.scale < last or former.step < settings.scales[last].num_steps


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]


def _plan(options: ImageOptions, progress: ProgressOptions) -> list[_Painting]:
    """Returns what is painted: each content in each style, or in the mix of all.

    Raises:
      ValueError: images are missing, or the flags contradict each other.
    """
    contents = _find(options.content, "content")
    styles = _find(options.style, "style")
    for name, found in (("content", contents), ("style", styles)):
        if not found:
            raise ValueError(f"which {name}? Give --{name}=IMAGE.")
    mixes: list[Mapping[str, float]] = [{style: 1.0} for style in styles]
    if options.style_shares:
        shares = options.style_shares
        if len(shares) != len(styles):
            raise ValueError(
                f"--style_shares has {len(shares)} shares for {len(styles)} styles; expected one "
                "for each."
            )
        if min(shares) < 0 or sum(shares) <= 0:
            raise ValueError(
                f"--style_shares={','.join(f'{share:g}' for share in shares)}: expected shares of "
                "0 or more, and one above 0."
            )
        mix = dict.fromkeys(styles, 0.0)
        for style, share in zip(styles, shares, strict=True):
            mix[style] += share / sum(shares)
        mixes = [mix]
    pairs = list(itertools.product(contents, mixes))
    outputs = _outputs(options.output, pairs)
    if len(pairs) == 1 and progress.logdir is not None:
        return [_Painting(*pairs[0], outputs[0], progress.logdir)]
    root = progress.logdir or _RUNS_ROOT
    return [
        _Painting(content, mix, output, os.path.join(root, _place(output)))
        for (content, mix), output in zip(pairs, outputs, strict=True)
    ]


def _find(words: Sequence[str], flag: str) -> list[str]:
    """Returns the images that comma separated words name, or all words, where a name has commas."""
    whole = ",".join(words)
    words = [whole] if os.path.exists(whole) else words
    return [path for each in words for path in image_flags.find_images(each, flag)]


def _check_output(output: str, read: Sequence[str]) -> None:
    """Makes sure that a painting takes no image's place and can be written, before it is made."""
    there = filter(os.path.exists, read)  # But not a start that is "noise".
    if os.path.exists(output) and any(os.path.samefile(output, path) for path in there):
        raise ValueError(f"--output={printable(output)} is an image to read; give another name.")
    obstacle = files.find_obstacle(os.path.dirname(output) or ".")
    if obstacle is not None:
        raise ValueError(
            f"--output={printable(output)} cannot be written: {' '.join(obstacle)}. Give another."
        )


def _place(output: str) -> str:
    """Returns the path of an output as one below another folder: no two outputs share it."""
    path = os.path.relpath(output)
    return os.path.abspath(output).lstrip(os.sep) if path.startswith(os.pardir) else path


def _outputs(output: str | None, pairs: Sequence[tuple[str, Mapping[str, float]]]) -> list[str]:
    is_file = output is not None and os.path.splitext(output)[1] != "" and len(pairs) == 1
    if output is not None and is_file:
        images.check_ending(output)
        return [output]
    folder = output or _OUTPUT_ROOT
    if os.path.isfile(folder) or os.path.splitext(folder)[1].lower() in images.FORMATS:
        raise ValueError(
            f"--output={printable(folder)} is one image, and there are {len(pairs)} to paint; give "
            "a folder."
        )
    names = [
        "_".join(os.path.basename(_stem(path)) for path in (content, *mix)) + ".png"
        for content, mix in pairs
    ]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(
            f"several images would be written to {first_few(repeated)}: give images of different "
            "names, or one after the other."
        )
    return [os.path.join(folder, name) for name in names]


def _settings(
    options: PaintOptions, image: ImageOptions, progress: ProgressOptions
) -> tuple[Settings, Preset]:
    """Returns what the flags say, and the preset where they say nothing."""
    preset = PRESETS[options.preset]
    given = {
        name: value
        for name in ("content_weight", "style_weight", "tv_weight")
        if (value := getattr(options, name)) is not None
    }
    for kind in ("content_layers", "style_layers"):
        if getattr(options, kind):
            given[kind] = _layers(getattr(options, kind), kind)
    losses: LossOptions = dataclasses.replace(preset.losses, **given)
    if not losses.content_weight and not losses.style_weight:
        raise ValueError("--content_weight and --style_weight are both 0: give one of them.")
    num_steps = options.num_steps or preset.num_steps
    start = options.start or preset.start
    if start not in _STARTS and not os.path.isfile(start):
        raise ValueError(
            f"--start={printable(start)} is no file; expected {', '.join(_STARTS)} or an image."
        )
    if options.optimizer == LBFGS:
        optimizers.require_scipy()  # Before weights are downloaded.
    rate = preset.learning_rate if options.learning_rate is None else options.learning_rate
    settings = Settings(
        losses,
        scales.plan(image.image_size, num_steps, image.num_scales or preset.num_scales),
        style_scale=image.style_scale,
        start=start,
        optimizer=options.optimizer,
        learning_rate=rate,
        keeps_range=preset.keeps_range or options.optimizer == LBFGS,
        frame=preset.frame,
        keeps_colors=image.preserve_colors,
        seed=options.seed,
        window_side=progress.tile_size,
    )
    return settings, preset


def _layers(words: Iterable[str], flag: str) -> dict[str, float]:
    """Reads layers with weights; weights of the style add up to 1, as those of the presets."""
    found: dict[str, float] = {}
    for word in words:
        name, colon, weight = word.strip().partition(":")
        try:
            name = layers.canonical(name)
        except ValueError as error:
            raise ValueError(f"--{flag} has {printable(word)!r}: {error}") from None
        try:
            value = float(weight) if colon else 1.0
        except ValueError:
            value = math.nan
        if not 0 <= value < math.inf:
            raise ValueError(
                f"--{flag} has {printable(word)!r}; expected a weight of 0 or more after the "
                f"colon, such as {name}:0.5."
            )
        if name in found:
            raise ValueError(f"--{flag} has {printable(word)!r}, which is named twice.")
        found[name] = value
    total = sum(found.values())
    if not total:
        raise ValueError(f"--{flag} has no weight above 0.")
    return {name: value / total for name, value in found.items()}


def _stem(path: str) -> str:
    return os.path.splitext(path)[0]
