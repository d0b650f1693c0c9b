"""Words results as Markdown tables, and puts them into a document."""

import dataclasses
import datetime
import os
import platform
import re
from collections.abc import Mapping, Sequence

from scripts.benchmarks.rounds import Result


@dataclasses.dataclass(frozen=True)
class Table:
    """Results that belong together; the first contender is what all are compared with.

    Attributes:
      key: short name, for files.
      title: heading.
      quantity: what is told of a contender, with its unit: "ms an image", or a rate "images/s".
      scale: turns seconds of one iteration into the quantity; for a rate, how many an iteration
        does.
      results: of each contender.
      columns: further columns: heading to the name of a fact.
      is_rate: whether the quantity is a rate.
    """

    key: str
    title: str
    quantity: str
    scale: float
    results: Sequence[Result]
    columns: Mapping[str, str] = dataclasses.field(default_factory=dict)
    is_rate: bool = False

    def value(self, result: Result) -> float:
        """Returns the quantity of a contender that could run."""
        seconds = result.median_seconds
        return self.scale / seconds if self.is_rate else self.scale * seconds


def fastest_peer(results: Sequence[Result]) -> Result | None:
    """Returns the peer with the smallest median; None where no peer could run."""
    peers = [result for result in results if result.is_peer and result.seconds]
    return min(peers, key=lambda result: result.median_seconds, default=None)


def format_table(table: Table) -> str:
    """Words a table, with its title above and contenders that could not run below."""
    best = fastest_peer(table.results)
    first = table.results[0]
    columns = {
        heading: fact
        for heading, fact in table.columns.items()
        if any(fact in result.facts for result in table.results)
    }
    headings = ["contender", table.quantity, f"time / {first.name}"]
    headings += ["time / fastest peer"] if best else []
    headings += ["peak memory, MiB", *columns]
    rows = [headings, ["---"] + ["---:"] * (len(headings) - 1)]
    absent = []
    for result in table.results:
        if not result.seconds:
            absent.append(f"- {result.name}: could not run. {_escape(result.reason or '')}")
            continue
        row = [result.name, f"{table.value(result):.3g}", _ratio(result, first)]
        row += [_ratio(result, best)] if best else []
        row.append(f"{result.peak_bytes / 2**20:.0f}" if result.peak_bytes else "?")
        rows.append(row + [_fact(result.facts.get(fact, "")) for fact in columns.values()])
    lines = [f"**{table.title}**", "", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines + (["", *absent] if absent else []))


def format_section(tables: Sequence[Table], command: str) -> str:
    """Words the tables of a benchmark, and how they were made."""
    versions: dict[str, str] = {}
    for table in tables:
        for result in table.results:
            versions.update(result.facts.get("versions", {}))
    named = ", ".join(f"{package} {version}" for package, version in sorted(versions.items()))
    counts = {len(result.seconds) for table in tables for result in table.results} - {0}
    made = f"{origin(command, sorted(counts))}; {named}."
    return "\n\n".join([*map(format_table, tables), made])


def origin(command: str, num_rounds: Sequence[int]) -> str:
    """Words how figures were made: day, command, numbers of rounds, machine."""
    day = f"{datetime.date.today():%d %B %Y}"
    return f"{day}; `{command}`; {' or '.join(map(str, num_rounds))} rounds; {machine()}"


def check_sections(path: str, names: Sequence[str]) -> None:
    """Finds out before minutes of measuring whether a file has the sections.

    Raises:
      OSError: the file cannot be read.
      ValueError: markers are not there.
    """
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for name in names:
        replace_section(text, name, "")


def write_section(path: str, name: str, content: str) -> None:
    """Puts new content between a section's two markers in a file.

    Raises:
      OSError: the file cannot be read or written.
      ValueError: the markers are not there.
    """
    with open(path, encoding="utf-8") as file:
        text = replace_section(file.read(), name, content)
    temporary = f"{path}.{os.getpid()}.tmp"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)


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
    model, instructions = platform.processor() or platform.machine(), []
    memory = "?"
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            lines = dict(
                (part.strip() for part in line.split(":", 1)) for line in file if ":" in line
            )
        model = lines.get("model name", model)
        flags = lines.get("flags", "").split()
        known = {"avx512f": "AVX-512", "avx512_vnni": "VNNI", "avx512_bf16": "BF16"}
        known |= {"amx_tile": "AMX", "avx2": "AVX2"}
        instructions = [name for flag, name in known.items() if flag in flags]
    if "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f}"
    return (
        f"{model} ({', '.join(instructions) or platform.machine()}), {os.cpu_count()} cores, "
        f"{memory} GiB, {platform.system()}, Python {platform.python_version()}"
    )


def _ratio(result: Result, reference: Result) -> str:
    ratio = result.ratio_to(reference)
    return "?" if ratio is None else f"{ratio:.2f}"


def _fact(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
