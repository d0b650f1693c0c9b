"""Bilinear resizing with aligned corners as a product with a matrix.

Along one axis, resizing is linear: outputs = M inputs, where row i of M holds the two weights of
output i. Its gradient is then a product with M transposed, which the matrix kernels do on every
core; TensorFlow's own `ResizeBilinearGrad` works on one.
"""

import numpy as np


def matrix(input_side: int, output_side: int) -> np.ndarray:
    """Returns the weights that `tf.image.resize_bilinear(…, align_corners=True)` uses.

    Args:
      input_side, output_side: pixels along the axis.

    Returns:
      float32 [output_side, input_side], rows that add up to 1.
    """
    # In float32 as TensorFlow's kernel: the weights agree to the last bit.
    scale = np.float32(input_side - 1) / np.float32(max(output_side - 1, 1))
    fraction, lower = np.modf(np.arange(output_side, dtype=np.float32) * scale)
    rows, lower = np.arange(output_side), lower.astype(int)
    weights = np.zeros([output_side, input_side], np.float32)
    weights[rows, lower] += 1 - fraction
    weights[rows, np.minimum(lower + 1, input_side - 1)] += fraction
    return weights
