"""Packages that commands do without although they are installed."""

import importlib
import sys

from tf_slim.losses import metric_learning


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
