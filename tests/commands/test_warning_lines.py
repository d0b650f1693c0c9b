"""Warnings of one kind are lines of a command, others stay as they are."""

import warnings

from commands import warning_lines


class _OwnWarning(UserWarning):
    pass


def test_only_warnings_of_the_category_are_notes(monkeypatch, capsys):
    others = []
    monkeypatch.setattr(warnings, "showwarning", lambda *given: others.append(str(given[0])))
    warning_lines.print_as_notes(_OwnWarning)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("own", _OwnWarning, stacklevel=1)
        warnings.warn("of others", UserWarning, stacklevel=1)
    assert capsys.readouterr().err == "note: own\n"
    assert others == ["of others"]
