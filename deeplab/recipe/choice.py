"""Chooses how to train: what an expert would, given the data, the machine and the start.

What is chosen are flags of train.py, each with its reason. Flags that somebody has given stay, and
the others are chosen to suit them. How many steps there is time for depends on how long one takes,
which is measured once the rest is known: `with_steps`.
"""

import dataclasses
import math
import types
from collections.abc import Container, Mapping
from typing import Any

from deeplab.recipe.data_facts import DataFacts
from deeplab.recipe.machine_facts import MachineFacts
from deeplab.recipe.start_facts import StartFacts
from published import catalogue

# Of ASPP, by output stride: those of the published networks, and halves of them.
_ATROUS_RATES = {8: (12, 24, 36), 16: (6, 12, 18), 32: (3, 6, 9)}
# Flags that, given, change what is chosen for others.
CONSIDERED = (
    *("model_variant", "depth_multiplier", "output_stride", "dense_prediction_cell_json"),
    *("min_resize_value", "train_batch_size", "num_clones", "training_number_of_steps"),
    *("validate_every", "ema_decay"),
)
# More rarely helps on data of that size.
_MOST_EPOCHS, _FEWEST_STEPS, _MOST_STEPS = 300, 1500, 60000
# Reading the dataset, building graphs, and checkpoints.
_OVERHEAD_SECS = 60
_VALIDATIONS = 10
# The rate falls until the end, where most is gained: fewer would end on a plateau before it.
_PATIENCE = 7
# Of batch norm's statistics. With more, validations of the first half are of statistics that lag.
_MOST_WITH_AVERAGES = 0.95
# Of such crops: a network that begins from scratch tells little but the most frequent class before.
_FEWEST_TO_LEARN = 200


_NOTHING: Mapping[str, Any] = types.MappingProxyType({})


@dataclasses.dataclass(frozen=True)
class _Scale:
    """How large a training run a kind of machine can do.

    Attributes:
      weights: name of the published weights that training begins with, if they can be had.
      scratch_variant: network that begins without any.
      crop_pixels: pixels of a training crop.
      largest_side: images whose shorter side is longer are scaled down to it.
      batch_size: of each device.
      warm_rate, scratch_rate: learning rates at that size, from a checkpoint and from scratch.
    """

    weights: str
    scratch_variant: str
    crop_pixels: int
    largest_side: int
    batch_size: int
    warm_rate: float
    scratch_rate: float


# From scratch, a small Xception learns in a fraction of the steps that a MobileNetV2 takes.
_ON_CPU = _Scale("mobilenetv2_coco_voc_trainaug", "xception_tiny", 257 * 337, 400, 8, 0.02, 0.05)
_ON_MANY_CORES = dataclasses.replace(_ON_CPU, crop_pixels=385 * 513, largest_side=513)
_ON_GPU = _Scale("xception65_coco_voc_trainaug", "xception_65", 513 * 513, 800, 8, 0.01, 0.05)
# So many do the steps of larger crops in the time that two cores take for smaller ones.
_MANY_CORES = 8
# Scaled down further, images have lost what their masks show.
_SMALLEST_FACTOR = 0.3
# Smaller images are a few pixels to an encoder, which sees the 16th part of their sides.
_SMALLEST_SIDE = 129
# What a crop should hold of the shorter side of images, however long the other one is.
_NARROWEST_CROP = 161
# Twice what a batch of `_ON_CPU` takes.
_CPU_MEMORY_GB = 4.0


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Flags of train.py, and why they have their values.

    Attributes:
      parts: flags that have one reason, by the names of flags, each with the reason.
    """

    parts: tuple[tuple[Mapping[str, Any], str], ...] = ()

    @property
    def flags(self) -> dict[str, Any]:
        """The values of all flags."""
        return {name: value for part, _ in self.parts for name, value in part.items()}

    def adding(self, reason: str, **flags: Any) -> "Recipe":
        """Returns a recipe with more flags that have one reason."""
        return Recipe((*self.parts, (flags, reason)))

    def without(self, names: Container[str]) -> "Recipe":
        """Returns a recipe without some flags."""
        parts = [
            ({name: value for name, value in part.items() if name not in names}, reason)
            for part, reason in self.parts
        ]
        return Recipe(tuple((part, reason) for part, reason in parts if part))


def published_weights(machine: MachineFacts, given: Mapping[str, Any] = _NOTHING) -> str | None:
    """Returns the name of the published weights to begin with; None where nobody published any.

    Those of a segmentation network go before those of an encoder alone.
    """
    variant = given.get("model_variant")
    if variant is None:
        return _scale(machine).weights
    width = given.get("depth_multiplier", 1.0)
    fitting = [
        weights
        for weights in catalogue.CATALOGUE.values()
        if (weights.model_variant, weights.depth_multiplier) == (variant, width)
    ]
    kinds = list(catalogue.KINDS)
    return min(fitting, key=lambda each: kinds.index(each.kind)).name if fitting else None


def choose(
    data: DataFacts,
    machine: MachineFacts,
    start: StartFacts | None,
    given: Mapping[str, Any] = _NOTHING,
) -> Recipe:
    """Chooses everything but the number of steps.

    Args:
      data: what is trained on.
      machine: where.
      start: the checkpoint that the network begins with; None for scratch.
      given: values of flags of `CONSIDERED` that are not to be chosen.
    """
    scale = _scale(machine)
    recipe = _add_encoder(Recipe(), scale, machine, start, given)
    recipe = _add_head(recipe, data, machine, given)
    recipe = _add_view(recipe, scale, data, given)
    recipe = _add_batch(recipe, scale, machine, given, is_warm=start is not None)
    if not data.is_balanced:
        recipe = recipe.adding(
            "classes occur unequally often: roots of median frequency / frequency",
            label_weights=data.label_weights,
        )
    return recipe.adding(
        "the mean IoU itself beside the cross entropy",
        losses=("cross_entropy", "lovasz_softmax"),
    )


def with_steps(
    recipe: Recipe,
    data: DataFacts,
    hours: float,
    step_secs: float,
    validation_secs: float,
    given: Mapping[str, Any] = _NOTHING,
) -> Recipe:
    """Returns a recipe with the number of steps, and what follows from it.

    Args:
      recipe: the rest of it.
      data: what is trained on.
      hours: that the training run may take.
      step_secs: how long a step takes.
      validation_secs: how long a validation takes.
      given: see `choose`.
    """
    budget = hours * 3600 - _OVERHEAD_SECS - _VALIDATIONS * validation_secs
    affordable = max(1, int(budget / step_secs))
    epoch = _steps_of_epoch(recipe, data)
    useful = min(_MOST_STEPS, max(_FEWEST_STEPS, _MOST_EPOCHS * epoch))
    steps = min(affordable, useful)
    seen = steps * recipe.flags["train_batch_size"] / data.num_images
    times = f"all images {seen:.3g} times"
    if affordable < useful:
        allow = "allows" if hours == 1 else "allow"
        times += f": what {hours:g} h {allow} at {step_secs:.2g} s a step"
    recipe = recipe.adding(times, training_number_of_steps=steps)
    return with_decays(recipe, data, steps, given)


def with_decays(
    recipe: Recipe, data: DataFacts, steps: int, given: Mapping[str, Any] = _NOTHING
) -> Recipe:
    """Returns a recipe with what follows from a number of steps."""
    # A decay follows within 1 / (1 - decay) steps: a twentieth of the training run.
    decay = 1 - max(1e-4, min(0.1, 20 / max(1, steps)))
    decay = round(decay, 1 - math.floor(math.log10(1 - decay)))
    reason = "soon enough for so many steps"
    if data.num_validation_images == 0 or given.get("validate_every") == 0:
        # Nothing would score averages of the weights, so that they would never be used.
        return recipe.adding(reason, batch_norm_decay=decay, ema_decay=0.0)
    statistics = decay
    if given.get("ema_decay") != 0:
        reason += "; averages of the weights are scored and kept in best"
        # They smooth the statistics, too, which thus may follow the weights at once.
        statistics = min(decay, _MOST_WITH_AVERAGES)
    recipe = recipe.adding(reason, batch_norm_decay=statistics, ema_decay=decay)
    every = max(1, math.ceil(steps / _VALIDATIONS))
    if steps < _FEWEST_TO_LEARN:
        return recipe.adding("the best checkpoint is kept", validate_every=every)
    return recipe.adding(
        "the best checkpoint is kept, and training ends early when there is no better one",
        validate_every=every,
        patience=_PATIENCE,
    )


def warning(recipe: Recipe, data: DataFacts) -> str | None:
    """Says why a number of steps is too small to learn from; None where it is not."""
    steps = recipe.flags["training_number_of_steps"]
    epoch = _steps_of_epoch(recipe, data)
    if steps >= max(_FEWEST_TO_LEARN, epoch):
        return None
    return (
        f"too few steps to learn from ({steps}), so masks will mean little: give more --hours "
        f"(with {_FEWEST_TO_LEARN} steps a network begins to tell classes apart)."
    )


def _steps_of_epoch(recipe: Recipe, data: DataFacts) -> int:
    return -(-data.num_images // recipe.flags["train_batch_size"])


def _scale(machine: MachineFacts) -> _Scale:
    if machine.num_gpus:
        return _ON_GPU
    return _ON_MANY_CORES if machine.num_cores >= _MANY_CORES else _ON_CPU


def _add_encoder(
    recipe: Recipe,
    scale: _Scale,
    machine: MachineFacts,
    start: StartFacts | None,
    given: Mapping[str, Any],
) -> Recipe:
    if start is not None:
        width = {} if start.depth_multiplier == 1 else {"depth_multiplier": start.depth_multiplier}
        return recipe.adding(
            "the encoder of the checkpoint", model_variant=start.model_variant, **width
        )
    where = f"{machine.num_gpus} GPUs" if machine.num_gpus else "a machine without a GPU"
    variant = scale.scratch_variant
    if "depth_multiplier" in given:  # Of the network that has one.
        variant = catalogue.CATALOGUE[scale.weights].model_variant
    return recipe.adding(f"from scratch, for {where}", model_variant=variant)


def _add_head(
    recipe: Recipe, data: DataFacts, machine: MachineFacts, given: Mapping[str, Any]
) -> Recipe:
    """Chooses ASPP and decoder; a finer decoder takes more steps than a CPU has time for."""
    stride = _output_stride(given)
    head: dict[str, Any] = {"output_stride": stride}
    if not given.get("dense_prediction_cell_json") and stride in _ATROUS_RATES:
        head["atrous_rates"] = _ATROUS_RATES[stride]
    if data.thin_classes and machine.num_gpus:
        recipe = recipe.adding("ASPP of DeepLabV3+", **head)
        thin = ", ".join(data.thin_classes)
        return recipe.adding(f"finer than usual for {thin}", decoder_output_stride=(4, 2))
    return recipe.adding("ASPP and the decoder of DeepLabV3+", **head, decoder_output_stride=(4,))


def _add_view(recipe: Recipe, scale: _Scale, data: DataFacts, given: Mapping[str, Any]) -> Recipe:
    """Chooses the size of images and crops, and how images are scaled."""
    height, width = data.height, data.width
    shorter, longer = sorted((height, width))
    given_side = given.get("min_resize_value")
    side: int = given_side or _suitable_side(shorter, scale)
    factor = side / shorter
    height, width = round(height * factor), round(width * factor)
    if given_side is None and side != shorter:
        reason = "too small for the encoder" if factor > 1 else "more than there is time for"
        if factor < _SMALLEST_FACTOR:
            reason += "; make tiles keeps their details"
        recipe = recipe.adding(
            f"images are {data.width}x{data.height} in the median, {reason}",
            min_resize_value=side,
            max_resize_value=round(side * max(longer / shorter, data.elongation)),
        )
    return recipe.adding(
        f"of images of {width}x{height}; scaled down further they would be padding mostly",
        train_crop_size=_crop_size(height, width, scale.crop_pixels, _output_stride(given)),
        min_scale_factor=0.75,
    )


def _suitable_side(shorter: int, scale: _Scale) -> int:
    """Returns to how many pixels the shorter side of images is scaled; its own for not at all."""
    if shorter > 1.25 * scale.largest_side:
        return scale.largest_side
    return _SMALLEST_SIDE if shorter < _SMALLEST_SIDE / 1.25 else shorter


def _crop_size(height: int, width: int, pixels: int, stride: int) -> tuple[int, int]:
    """Returns the height and width of crops that have about so many pixels.

    They have the shape of the images and hold them whole where they are small; of long images they
    hold a piece, so that they are not too narrow.
    """
    factor = min(1.0, math.sqrt(pixels / (height * width)))
    shorter = min(height, width)
    narrow = max(shorter * factor, min(shorter, _NARROWEST_CROP))
    wide = min(max(height, width) * factor, pixels / narrow)
    sides = (narrow, wide) if height <= width else (wide, narrow)
    return _crop_side(sides[0], height, stride), _crop_side(sides[1], width, stride)


def _add_batch(
    recipe: Recipe, scale: _Scale, machine: MachineFacts, given: Mapping[str, Any], is_warm: bool
) -> Recipe:
    num_clones = given.get("num_clones", max(1, machine.num_gpus))
    batch_size, reason = scale.batch_size, "usual for such crops"
    if machine.num_gpus:
        batch_size *= num_clones
        recipe = recipe.adding(
            "each GPU takes its share of a batch, in float16 where that is safe",
            num_clones=num_clones,
            mixed_precision=True,
            sync_batch_norm=num_clones > 1,
        )
    elif machine.free_memory_gb is not None and machine.free_memory_gb < _CPU_MEMORY_GB:
        batch_size //= 2
        reason = f"{machine.free_memory_gb:.1f} GB of memory are free"
    batch_size = given.get("train_batch_size", batch_size + -batch_size % num_clones)
    recipe = recipe.adding(reason, train_batch_size=batch_size)
    rate = scale.warm_rate if is_warm else scale.scratch_rate
    return recipe.adding(
        "for a network that is trained already" if is_warm else "from scratch",
        base_learning_rate=rate * batch_size / scale.batch_size,
    )


def _output_stride(given: Mapping[str, Any]) -> int:
    return int(given.get("output_stride", 16))


def _crop_side(side: float, whole: int, stride: int) -> int:
    """Returns a multiple of the output stride plus one: the nearest, or what holds a whole side."""
    steps = (side - 1) / stride
    return max(4, math.ceil(steps) if side >= whole else round(steps)) * stride + 1
