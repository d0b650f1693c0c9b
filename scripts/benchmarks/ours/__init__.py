"""Contenders: the project itself. TensorFlow is imported as its commands import it."""

from commands import tensorflow_start

tensorflow_start.import_quietly()
