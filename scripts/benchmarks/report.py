"""Formats results as Markdown tables, and puts them into a document."""

import dataclasses
import datetime
import os
import platform
import re
from collections.abc import Sequence

from common import files, processor
from scripts.benchmarks.rounds import Result

# The processor's flags for what makes networks fast, and their names.
_INSTRUCTIONS = {
    "avx512f": "AVX-512",
    "avx512_vnni": "VNNI",
    "avx512_bf16": "BF16",
    "amx_tile": "AMX",
    "avx2": "AVX2",
}


@dataclasses.dataclass(frozen=True)
class Table:
    """Results that belong together; the first contender is what all are compared with.

    Attributes:
      key: short name, for files.
      title: heading.
      quantity: what is reported, with its unit: "ms an image", or a rate "images/s".
      scale: turns seconds of one iteration into the quantity; for a rate, how many of them an
        iteration does.
    """

    key: str
    title: str
    quantity: str
    scale: float
    results: Sequence[Result]
    is_rate: bool = False

    def value(self, result: Result) -> float:
        """Returns the quantity of a contender that could run."""
        seconds = result.median_seconds
        return self.scale / seconds if self.is_rate else self.scale * seconds


def format_table(table: Table) -> str:
    """Formats a table, with its title above and contenders that could not run below."""
    first, measured = table.results[0], [each for each in table.results if each.seconds]
    peers = [each for each in measured if each.is_peer]
    best = min(peers, key=lambda result: result.median_seconds) if peers else None
    facts = list(dict.fromkeys(fact for each in measured for fact in each.facts))
    facts = [fact for fact in facts if fact != "versions"]
    headings = ["contender", table.quantity, f"time / {first.name}"]
    headings += ["time / fastest peer"] if best else []
    headings += ["peak memory, MiB", *facts]
    rows = [headings, ["---"] + ["---:"] * (len(headings) - 1)]
    for result in measured:
        row = [result.name, f"{table.value(result):.3g}", _ratio(result, first)]
        row += [_ratio(result, best)] if best else []
        row.append(f"{result.peak_bytes / 2**20:.0f}" if result.peak_bytes else "?")
        rows.append(row + [str(result.facts.get(fact, "")) for fact in facts])
    absent = [
        f"- {each.name}: could not run. {_escape(each.reason or '')}"
        for each in table.results
        if not each.seconds
    ]
    lines = [f"**{table.title}**", "", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines + (["", *absent] if absent else []))


def format_section(tables: Sequence[Table], command: str, load_before: str) -> str:
    """Formats the tables of a benchmark, and how they were made.

    Args:
      tables: at least one.
      command: that has made them.
      load_before: what `load` was when it began.
    """
    results = [result for table in tables for result in table.results]
    versions: dict[str, str] = {}
    for result in results:
        versions.update(result.facts.get("versions", {}))
    named = ", ".join(f"{package} {version}" for package, version in sorted(versions.items()))
    counts = sorted({len(result.seconds) for result in results} - {0})
    made = (
        f"{datetime.date.today():%d %B %Y}; `{command}`; {' or '.join(map(str, counts))} rounds; "
        f"{machine()}; load {load_before} before, {load()} after; {named}."
    )
    return "\n\n".join([*map(format_table, tables), made])


def check_sections(path: str, names: Sequence[str]) -> None:
    """Refuses (ValueError), before minutes of measuring, a file that lacks one of the sections."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for name in names:
        replace_section(text, name, "")


def write_section(path: str, name: str, content: str) -> None:
    """Puts new content between a section's two markers in a file; see `replace_section`."""
    with open(path, encoding="utf-8") as file:
        text = replace_section(file.read(), name, content)
    files.write(path, text.encode())


def replace_section(text: str, name: str, content: str) -> str:
    """Puts new content between a section's two markers.

    Raises:
      ValueError: the markers are not there.
    """
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"the document has no section {begin} … {end}.")
    return pattern.sub(lambda _: f"{begin}\n{content}\n{end}", text, count=1)


def machine() -> str:
    """Describes the machine: processor, cores, memory, system."""
    facts = processor.facts()
    model = facts.get("model name") or platform.processor() or platform.machine()
    flags = facts.get("flags", "").split()
    memory = "?"
    if "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f}"
    instructions = [name for flag, name in _INSTRUCTIONS.items() if flag in flags]
    return (
        f"{model} ({', '.join(instructions) or platform.machine()}), {os.cpu_count()} cores, "
        f"{memory} GiB, {platform.system()}, Python {platform.python_version()}"
    )


def load() -> str:
    """Returns the average load of the last minute: 1.0 for a process that always works."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "?"


def _ratio(result: Result, reference: Result) -> str:
    ratio = result.ratio_to(reference)
    return "?" if ratio is None else f"{ratio:.2f}"


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
