"""The line of an error that tells what was wrong."""

import pytest
import tensorflow.compat.v1 as tf

from common import tf_errors


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            tf.errors.InvalidArgumentError(None, None, "Graph execution error:\n\nbad\n [[{{x}}]]"),
            "bad",
        ),
        (
            tf.errors.UnknownError(None, None, "2 root error(s) found.\n  (0) first\n  (1) second"),
            "first",
        ),
        (ValueError("\n too short \nsecond line"), "too short"),
        (ValueError("File x is too short"), "File x is too short"),
        (IndexError(), "IndexError"),
    ],
)
def test_reason_is_one_line(error, reason):
    assert tf_errors.reason(error) == reason
