"""Sessions of networks that are run forward: which fusions they do without."""

import pytest
import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig

from common import forward_session


@pytest.mark.parametrize(
    ("system", "flags", "onednn", "is_off"),
    [
        ("Linux", "fma avx2", "1", True),
        ("Linux", "avx2 avx512f avx512dq", "1", False),
        ("Linux", "fma avx2", "0", False),
        ("Linux", "avx2 avx512f", None, False),
        ("Windows", "avx2 avx512f", "1", True),
    ],
)
def test_batch_norm_is_not_fused_where_onednn_does_it_value_by_value(
    tmp_path, monkeypatch, system, flags, onednn, is_off
):
    (tmp_path / "cpuinfo").write_text(f"flags\t: fpu {flags} sse\n")
    monkeypatch.setattr(forward_session, "_CPU_INFO", str(tmp_path / "cpuinfo"))
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if onednn is not None:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", onednn)
    with tf.Graph().as_default() as graph, forward_session.open_session(graph) as session:
        remapping = session._config.graph_options.rewrite_options.remapping
        assert (remapping == RewriterConfig.OFF) == is_off
        assert session._config.allow_soft_placement
        assert session.run(tf.constant(2) + 1) == 3
