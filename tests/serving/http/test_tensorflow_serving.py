"""TensorFlow Serving's form beyond what the tests of all protocols send."""

import pytest

from serving.http import tensorflow_serving


@pytest.mark.parametrize(
    ("instance", "content"),
    [
        ({"b64": "x"}, "x"),
        ({"image": {"b64": "x"}}, "x"),
        ({"a": {"b64": "x"}, "b": 1}, None),
        ([[[1, 2, 3]]], None),
        (None, None),
    ],
)
def test_base64_is_found_where_an_instance_has_it(instance, content):
    assert tensorflow_serving._content(instance) == content
