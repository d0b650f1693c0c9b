"""Packages that commands do without although they are installed."""

import importlib
import os
import pathlib
import platform
import subprocess
import sys

import pytest
from tf_slim.losses import metric_learning

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_scikit_learn_is_kept_out_of_tf_slim_and_of_nothing_else(tmp_path, monkeypatch):
    for path in ("sklearn/__init__.py", "sklearn/metrics.py"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("imported = True\n")
    for name in ("sklearn", "sklearn.metrics"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delattr(metric_learning, "HAS_SKLEARN")  # As before its first import.

    importlib.reload(metric_learning)

    assert metric_learning.HAS_SKLEARN is False
    assert "sklearn" not in sys.modules
    assert importlib.import_module("sklearn.metrics").imported  # A user's own import.
    for name in ("sklearn", "sklearn.metrics"):
        monkeypatch.delitem(sys.modules, name)


PROGRAM = """
import os, sys
from commands import tensorflow_start
tensorflow_start.import_quietly_when_needed()
assert "tensorflow" not in sys.modules
import tensorflow.compat.v1 as tf
with tf.Graph().as_default(), tf.Session() as session:
    print(session.run(tf.constant(3)), sys.modules.get("keras"), len(sys.meta_path))
tensorflow_start.import_quietly_when_needed()
print(len(sys.meta_path), os.environ.get("TF_CPP_MIN_LOG_LEVEL"))
print("still there", file=sys.stderr)
"""


def run(program: str, environment: dict[str, str]) -> subprocess.CompletedProcess:
    """Runs a program in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )


def test_tensorflow_is_imported_quietly_when_something_needs_it():
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    result = run(PROGRAM, environment)
    first, second = result.stdout.splitlines()
    assert first.startswith("3 None ")
    assert second == f"{first.split()[-1]} None"
    assert result.stderr == "still there\n"


ONEDNN_PROGRAM = """
from commands import tensorflow_start
tensorflow_start.import_quietly()
from tensorflow.python.util import _pywrap_util_port
print(_pywrap_util_port.IsMklEnabled())
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="oneDNN is for x86 here")
@pytest.mark.parametrize(("given", "used"), [(None, True), ("0", False)])
def test_onednn_is_used_on_every_x86_unless_the_user_says_otherwise(given, used):
    environment = {k: v for k, v in os.environ.items() if k != "TF_ENABLE_ONEDNN_OPTS"}
    if given is not None:
        environment["TF_ENABLE_ONEDNN_OPTS"] = given
    assert run(ONEDNN_PROGRAM, environment).stdout == f"{used}\n"
