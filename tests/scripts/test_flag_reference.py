"""docs/flag-reference.md says what the options say."""

from scripts import flag_reference
from tests.support.command_runs import ROOT


def test_the_document_is_up_to_date():
    written = (ROOT / flag_reference.DOCUMENT).read_text(encoding="utf-8")
    assert written == flag_reference.text(), "run: python -m scripts.flag_reference"
    commands = [line for line in written.splitlines() if line.startswith("## ")]
    assert len(commands) == len({*commands}) > 15
