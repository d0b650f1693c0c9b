"""Pieces of messages."""

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
