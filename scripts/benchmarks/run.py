"""The command that measures the project beside its peers: `make bench`."""

from commands import launcher
from commands.command import Command
from scripts.benchmarks.options import BenchmarkOptions

COMMAND = Command(
    description="""\
Measures the project beside its peers: python -m scripts.benchmarks.run --only=train --rounds=5

It writes docs/benchmarks.md, which says how it is measured and how to read the tables.""",
    main="scripts.benchmarks.suite",
    options=(BenchmarkOptions,),
)

if __name__ == "__main__":
    launcher.execute(COMMAND)
