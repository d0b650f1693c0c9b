"""Pieces of messages."""

import pytest

from common import texts


def test_first_items_are_named_and_the_rest_is_counted():
    assert texts.first_few([], 2) == ""
    assert texts.first_few(["a", 2], 2) == "a, 2"
    assert texts.first_few("abcd", 2) == "a, b and 2 more"


def test_what_would_move_a_cursor_is_escaped():
    assert texts.printable("red \x1b[31m\nÖl 道 \udcff") == r"red \x1b[31m\nÖl 道 \udcff"


def test_long_text_loses_its_middle():
    assert texts.shorten("a" * 9, 9) == "a" * 9
    short = texts.shorten("a" * 50 + "b" * 50, 30)
    assert len(short) == 30
    assert short == "a" * 17 + " … " + "b" * 10


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (7.6, "8 s"),
        (59.7, "1 min 00 s"),
        (200, "3 min 20 s"),
        (2 * 3600 + 5 * 60 + 40, "2 h 05 min"),
        (50 * 3600, "2 d 02 h"),
    ],
)
def test_durations(seconds, words):
    assert texts.duration(seconds) == words
