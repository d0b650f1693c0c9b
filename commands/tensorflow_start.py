"""Imports TensorFlow without its chatter, and without packages that it loads but nobody needs."""

import importlib.abc
import os
import sys
import warnings


def import_quietly() -> None:
    """Imports TensorFlow and looks for GPUs with the C++ libraries' stderr closed.

    They print a dozen lines about oneDNN and missing GPUs, whatever TF_CPP_MIN_LOG_LEVEL says, and
    a command's own one-line error drowns in them. Setting that variable shows everything.
    """
    if not any(isinstance(finder, _KeepOutScikitLearn) for finder in sys.meta_path):
        sys.meta_path.insert(0, _KeepOutScikitLearn())
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        return
    # Read once, at the first line that TensorFlow logs. It also quiets lines that come later.
    # In a cluster errors, too: TensorFlow logs a lost server besides raising it.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3" if os.environ.get("TF_CONFIG") else "2"
    stderr = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    # TensorFlow imports Keras, which it does without and we never use, and Keras scikit-learn where
    # that is installed (NNCF brings it): a tenth, or a third, of the time before a first mask.
    sys.modules.setdefault("keras", None)  # type: ignore[arg-type]
    try:
        import tensorflow as tf

        tf.config.list_physical_devices("GPU")
        # The first run of a session chats too, and so does the first transposition of bytes (it is
        # not oneDNN's, which nobody asked). No GPU, so that the session does not take its memory.
        with tf.Graph().as_default():
            config = tf.compat.v1.ConfigProto(device_count={"GPU": 0})
            session = tf.compat.v1.Session(config=config)
            session.run(tf.transpose(tf.io.decode_raw(tf.constant(["ab"]), tf.uint8)))
    finally:
        if sys.modules["keras"] is None:
            del sys.modules["keras"]  # From here on, who wants it gets it.
        os.dup2(stderr, 2)
        os.close(stderr)
        # A command that this one starts would take it for the user's wish and show everything.
        del os.environ["TF_CPP_MIN_LOG_LEVEL"]
    tf.get_logger().setLevel("ERROR")  # Deprecations of the graph mode that tf-slim is built on.
    warnings.filterwarnings("ignore", message="`layer.apply` is deprecated")


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
