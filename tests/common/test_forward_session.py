"""Sessions of networks that are run forward: which fusions they do without."""

import pytest
import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig

from common import forward_session, processor


@pytest.mark.parametrize(
    ("flags", "onednn", "is_off"),
    [
        ("fma avx2", "1", True),
        ("avx2 avx512f avx512dq", "1", False),
        ("fma avx2", "0", False),
        ("avx2 avx512f", None, False),
        (None, "1", True),  # Not Linux.
    ],
)
def test_batch_norm_is_not_fused_where_onednn_does_it_value_by_value(
    tmp_path, monkeypatch, flags, onednn, is_off
):
    if flags is not None:
        (tmp_path / "cpuinfo").write_text(f"flags\t: fpu {flags} sse\n")
    monkeypatch.setattr(processor, "_CPU_INFO", str(tmp_path / "cpuinfo"))
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if onednn is not None:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", onednn)
    with tf.Graph().as_default() as graph, forward_session.open_session(graph) as session:
        remapping = session._config.graph_options.rewrite_options.remapping
        assert (remapping == RewriterConfig.OFF) == is_off
        assert session._config.allow_soft_placement
        assert session.run(tf.constant(2) + 1) == 3
