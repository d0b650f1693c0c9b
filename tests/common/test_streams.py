"""Standard streams."""

import os

import pytest

from common import streams


def test_stderr_is_silent_and_comes_back_after_an_error(capfd):
    def chatter():
        with streams.silent_stderr():
            os.write(2, b"chatter\n")
            raise KeyError

    with pytest.raises(KeyError):
        chatter()
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"
