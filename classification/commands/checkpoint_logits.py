"""How many classes the logits of a checkpoint have, and what that says of a warm start."""

from classification.options import ModelOptions
from training import checkpoints


def last_layer_scopes(model: ModelOptions) -> tuple[str, ...]:
    """Returns starts of the names of the variables of a network's logits."""
    scope = model.encoder.scope
    return tuple(f"{scope}/{name}" for name in ("logits", "Logits", "AuxLogits", "fc8"))


def count_classes(checkpoint: str, model: ModelOptions) -> int | None:
    """Returns the number of a checkpoint's logits; None where it has none of this encoder.

    Args:
      checkpoint: prefix.
      model: its encoder counts, its number of classes does not.
    """
    scopes = tuple(each for each in last_layer_scopes(model) if not each.endswith("AuxLogits"))
    for name, shape in checkpoints.Reader(checkpoint).shapes.items():
        if name.startswith(scopes) and name.endswith("/biases"):
            return shape[-1]
    return None


def explain_one_off(checkpoint: str, model: ModelOptions, labels_offset: int) -> str | None:
    """Returns a note if a checkpoint has one class more or less than the network; else None."""
    found = count_classes(checkpoint, model)
    if found is None or abs(found - model.num_classes) != 1:
        return None
    if found < model.num_classes:
        advice = (
            "if the dataset's first class is one that they lack, such as ImageNet's background, "
            f"give --labels_offset={labels_offset + 1}"
        )
    elif labels_offset:
        advice = (
            "if they know the class before the others, too, give "
            f"--labels_offset={labels_offset - 1}"
        )
    else:
        advice = (
            "if their first class is ImageNet's background, a dataset that names it first, too, "
            "keeps them (--labels_offset=0)"
        )
    return (
        f"{checkpoint} has logits of {found} classes, the network has {model.num_classes}, so they "
        f"start anew; {advice}."
    )
