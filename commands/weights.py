"""Which weights of a checkpoint evaluation and export use: the weights, or their averages."""

from training import best_checkpoint, ema, validation


def saved_names(checkpoint: str, use_ema: bool | None) -> dict[str, str]:
    """Returns the names of the weights to use where they differ from those of the variables.

    Args:
      checkpoint: prefix.
      use_ema: whether the moving averages replace the weights; None for the weights, except where
        the training run has validated itself with averages, and for the best checkpoint that was
        kept for the score of its averages.

    Returns:
      Names of averages by variable name; {} for the weights themselves.

    Raises:
      ValueError: averages are asked for, and the checkpoint has none.
    """
    if use_ema is None:
        use_ema = best_checkpoint.was_scored_with_averages(checkpoint) or (
            validation.scores_averages(best_checkpoint.training_folder(checkpoint))
        )
    return ema.saved_names(checkpoint) if use_ema else {}


def title(checkpoint: str, names: dict[str, str]) -> str:
    """Words which weights are used.

    Args:
      checkpoint: prefix.
      names: its `saved_names`.
    """
    return f"{checkpoint}, averages of its weights" if names else checkpoint
