"""The version stands in the code, in pyproject.toml and, with a date, in CHANGELOG.md."""

import re

from common.version import VERSION
from tests.support.command_runs import ROOT


def test_the_version_is_the_same_everywhere():
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{VERSION}"' in pyproject
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.search(r"^## (\S+) \((\d{4}-\d\d-\d\d)\)$", changelog, re.MULTILINE)
    assert released is not None
    assert released[1] == VERSION
