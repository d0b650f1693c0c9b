"""How a run of the benchmarks goes: what every benchmark is given, and where peers are found."""

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from commands import allocator
from scripts.benchmarks import rounds
from scripts.benchmarks.rounds import Contender

PEERS_VENV = ".venv-peers"
# Images, exports and records of the benchmarks; made anew where they are missing.
WORK_DIR = os.path.join("data", "benchmarks")

# Without them PyTorch gives memory back to the system and asks for it again in every step, which
# costs more than the arithmetic: its best setting, found by measuring.
MALLOC_SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "268435456",
}
# What train.py sets for itself before it starts.
TRAIN_SETTINGS = {"GLIBC_TUNABLES": allocator.settings()}
# It compiles in this process: others would stay, and count as its memory.
COMPILE_SETTINGS = {**MALLOC_SETTINGS, "TORCHINDUCTOR_COMPILE_THREADS": "1"}


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a run goes.

    Attributes:
      num_rounds: rounds that count.
      round_secs: how long a round of a contender is at least, seconds.
      work_dir: folder for files of the run.
      peers_venv: the peers' environment; contenders of a folder that is not there have a reason.
      report: takes lines about the progress.
    """

    num_rounds: int = 5
    round_secs: float = rounds.ROUND_SECS
    work_dir: str = WORK_DIR
    peers_venv: str = PEERS_VENV
    report: Callable[[str], None] = print

    def path(self, *parts: str) -> str:
        """Returns a path in the work folder, whose folders are there."""
        path = os.path.join(self.work_dir, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    @property
    def has_peers(self) -> bool:
        return os.path.exists(self.peers_python)

    @property
    def peers_python(self) -> str:
        return os.path.join(self.peers_venv, "bin", "python")

    def project(
        self,
        name: str,
        module: str,
        parameters: Mapping[str, Any],
        missing: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Contender:
        """Returns a contender that runs in the project's environment.

        Args:
          name: its name in the table.
          module: its module below `scripts.benchmarks`.
          parameters: what it reads with `contender.parameters`.
          missing: why it cannot run, where that is known.
          environment: variables that it gets besides.
        """
        command = (sys.executable, "-m", f"scripts.benchmarks.{module}", json.dumps(parameters))
        return Contender(name, command, environment or {}, missing=missing)

    def peer(
        self,
        name: str,
        module: str,
        parameters: Mapping[str, Any],
        missing: str | None = None,
        environment: Mapping[str, str] = MALLOC_SETTINGS,
    ) -> Contender:
        """Returns a contender that runs in the peers' environment; arguments as for `project`."""
        if not self.has_peers:
            missing = f"there is no {PEERS_VENV}: make bench-peers-setup"
        command = (
            self.peers_python,
            "-m",
            f"scripts.benchmarks.peers.{module}",
            json.dumps(parameters),
        )
        return Contender(name, command, environment, is_peer=True, missing=missing)
