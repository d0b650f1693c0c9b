"""Flags that train.py of captioning does not have, and what is said of them."""

import pytest

from captioning.commands.train_flags import COMMAND
from commands.flags import Flags


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("vocab_file", "the words are those of the dataset: give --word_counts_file to"),
        ("epochs", "training is counted in steps (--training_number_of_steps)"),
    ],
)
def test_flags_of_other_programs_are_explained(name, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    explained = COMMAND.explain_unknown(name, "3", Flags(COMMAND.options))
    assert f"there is no flag --{name}; " in explained
    assert said in explained
    assert COMMAND.explain_unknown("poems", "", Flags(COMMAND.options)) is None
