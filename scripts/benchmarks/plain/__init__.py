"""Contenders: research/deeplab's operations. TensorFlow is imported as by `ours`."""

from commands import tensorflow_start

tensorflow_start.import_quietly()
