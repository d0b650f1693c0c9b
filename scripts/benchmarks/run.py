"""The command that measures the project beside its peers: `make bench`."""

from commands import launcher
from commands.command import Command
from scripts.benchmarks.options import BenchmarkOptions

COMMAND = Command(
    description="""\
Measures the project beside its peers, and writes docs/benchmarks.md:
python -m scripts.benchmarks.run --only=predict,train --rounds=5

docs/benchmarks.md says how it is measured and how the tables are to be read.""",
    main="scripts.benchmarks.suite",
    options=(BenchmarkOptions,),
)

if __name__ == "__main__":
    launcher.execute(COMMAND)
