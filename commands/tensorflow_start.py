"""Imports TensorFlow without its chatter, and without packages that it loads but nobody needs."""

import contextlib
import importlib.abc
import importlib.machinery
import os
import platform
import sys
import types
import warnings
from collections.abc import Iterator

from common import garbage, streams

_ONEDNN_MACHINES = ("x86_64", "AMD64")


def settings() -> dict[str, str]:
    """Returns the environment variables that TensorFlow is imported with.

    It uses oneDNN by itself on CPUs with AVX-512 only. On those with AVX2, a training step takes
    three quarters of the time with it.
    """
    return {"TF_ENABLE_ONEDNN_OPTS": "1"} if platform.machine() in _ONEDNN_MACHINES else {}


def import_quietly() -> None:
    """Imports TensorFlow and looks for GPUs with the C++ libraries' stderr closed.

    They print a dozen lines about oneDNN and missing GPUs, whatever TF_CPP_MIN_LOG_LEVEL says, and
    a command's own one-line error drowns in them. Setting that variable shows everything.
    """
    import_quietly_when_needed()
    importlib.import_module("tensorflow")


def import_quietly_when_needed() -> None:
    """Has TensorFlow imported as by `import_quietly`, as soon as something imports it."""
    for name, value in settings().items():
        os.environ.setdefault(name, value)
    if sys.modules.get("tensorflow") is not None:  # Somebody has been faster.
        if "TF_CPP_MIN_LOG_LEVEL" not in os.environ:
            with _quiet():
                _let_it_chat()
        _silence_what_it_prints_later()
    if not any(isinstance(finder, _QuietFinder) for finder in sys.meta_path):
        sys.meta_path[:0] = [_QuietFinder(), _KeepOutScikitLearn()]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # Read once, at the first line that TensorFlow logs. It also quiets lines that come later.
    # In a cluster errors, too: TensorFlow logs a lost server besides raising it.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3" if os.environ.get("TF_CONFIG") else "2"
    # TensorFlow imports Keras, which it does without and we never use, and Keras scikit-learn where
    # that is installed (NNCF brings it): a tenth, or a third, of the time before a first mask.
    sys.modules.setdefault("keras", None)  # type: ignore[arg-type]
    try:
        with streams.silent_stderr():
            yield
    finally:
        if sys.modules["keras"] is None:
            del sys.modules["keras"]  # From here on, who wants it gets it.
        # A command that this one starts would take it for the user's wish and show everything.
        del os.environ["TF_CPP_MIN_LOG_LEVEL"]


def _let_it_chat() -> None:
    """Does what TensorFlow prints about at its first time."""
    import tensorflow as tf

    tf.config.list_physical_devices("GPU")
    # The first run of a session chats too, and so does the first transposition of bytes (it is
    # not oneDNN's, which nobody asked). No GPU, so that the session does not take its memory.
    with tf.Graph().as_default():
        config = tf.compat.v1.ConfigProto(device_count={"GPU": 0})
        session = tf.compat.v1.Session(config=config)
        session.run(tf.transpose(tf.io.decode_raw(tf.constant(["ab"]), tf.uint8)))


def _silence_what_it_prints_later() -> None:
    # Deprecations of the graph mode that tf-slim is built on.
    sys.modules["tensorflow"].get_logger().setLevel("ERROR")
    warnings.filterwarnings("ignore", message="`layer.apply` is deprecated")


class _QuietFinder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow where others find it, with `_QuietLoader` to load it."""

    def find_spec(self, fullname, path=None, target=None):
        """Finds nothing but TensorFlow, and that unless the user wants to see what it prints."""
        if fullname != "tensorflow" or "TF_CPP_MIN_LOG_LEVEL" in os.environ:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _QuietLoader(spec.loader)
        return spec


class _QuietLoader(importlib.abc.Loader):
    """Loads TensorFlow as another loader does, without its chatter."""

    def __init__(self, loader: importlib.abc.Loader):
        self._loader = loader

    def __getattr__(self, name: str):
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        """See `importlib.abc.Loader`."""
        return self._loader.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        """See `importlib.abc.Loader`."""
        with _quiet(), garbage.paused():
            self._loader.exec_module(module)
            _let_it_chat()
        _silence_what_it_prints_later()


class _KeepOutScikitLearn(importlib.abc.MetaPathFinder):
    """Lets tf-slim do without scikit-learn, for losses that we do not use: 0.9 s where it is there.

    While the module with these losses is being imported, and at no other time.
    """

    def find_spec(self, fullname, path=None, target=None):
        """Refuses the import, or leaves it to others."""
        losses = sys.modules.get("tf_slim.losses.metric_learning")
        if fullname == "sklearn" and losses and not hasattr(losses, "HAS_SKLEARN"):
            raise ModuleNotFoundError("scikit-learn is kept out of tf-slim", name=fullname)
        return None
