"""Softmax in NumPy."""

import numpy as np


def softmax(logits: np.ndarray, axis: int) -> np.ndarray:
    """Turns float32 logits along the axis of classes into probabilities, in place."""
    logits -= logits.max(axis, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis, keepdims=True)
    return logits
