"""Reports of benchmarks: tables, sections of documents, the machine."""

import re

import pytest

from scripts.benchmarks import report
from scripts.benchmarks.report import Table
from scripts.benchmarks.rounds import Result


def test_table_compares_with_the_first_and_with_the_fastest_peer():
    table = Table(
        "key",
        "Title",
        "ms",
        1000 / 2,
        [
            Result("plain", False, (0.4, 0.4), 512 << 20, {"equal": "100 %", "versions": {}}),
            Result("ours", False, (0.1, 0.1)),
            Result("slow peer", True, (0.8, 0.8)),
            Result("fast peer", True, (0.2, 0.2)),
            Result("absent peer", True, reason="no <module> | here"),
        ],
    )
    assert report.format_table(table).splitlines() == [
        "**Title**",
        "",
        "| contender | ms | time / plain | time / fastest peer | peak memory, MiB | equal |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| plain | 200 | 1.00 | 2.00 | 512 | 100 % |",
        "| ours | 50 | 0.25 | 0.50 | ? |  |",
        "| slow peer | 400 | 2.00 | 4.00 | ? |  |",
        "| fast peer | 100 | 0.50 | 1.00 | ? |  |",
        "",
        "- absent peer: could not run. no &lt;module> \\| here",
    ]


def test_rate_is_what_an_iteration_does_over_its_time():
    result = Result("ours", False, (0.5, 0.5))
    table = Table("key", "Title", "images/s", 100, [result], is_rate=True)
    assert table.value(result) == 200


def test_section_of_a_document_is_replaced():
    text = "a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n<!-- begin y -->\n<!-- end y -->\n"
    assert report.replace_section(text, "x", r"new \1") == text.replace("old", r"new \1")
    with pytest.raises(ValueError, match="no section <!-- begin z -->"):
        report.replace_section(text, "z", "new")


def test_section_tells_rounds_and_versions():
    results = [
        Result("ours", False, (1.0, 1.0), facts={"versions": {"B": "2.0", "A": "1.0"}}),
        Result("absent", True, reason="no such package"),
    ]
    section = report.format_section([Table("key", "Title", "s", 1.0, results)], "make bench", "0.1")
    assert "`make bench`; 2 rounds; " in section
    assert re.search(r"; load 0\.1 before, \d+\.\d after; A 1\.0, B 2\.0\.$", section)


def test_missing_section_is_found_before_measuring(tmp_path):
    document = tmp_path / "document.md"
    document.write_text("<!-- begin x -->\n<!-- end x -->\n")
    report.check_sections(str(document), ["x"])
    with pytest.raises(ValueError, match="no section <!-- begin y -->"):
        report.check_sections(str(document), ["x", "y"])
