"""How a run of the benchmarks goes: what every benchmark is given, and where peers are found."""

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from commands import allocator, tensorflow_start
from scripts.benchmarks import rounds
from scripts.benchmarks.rounds import Contender, Result

PEERS_VENV = ".venv-peers"
# Images, exports and records of the benchmarks; made again where they are missing.
WORK_DIR = os.path.join("data", "benchmarks")

# Without them PyTorch gives memory back to the system and asks for it again in every step, which
# costs more than the arithmetic: its best setting, found by measuring.
MALLOC_SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "268435456",
}
# What each of our commands sets for TensorFlow. Benchmarks are such a command, so for others it is
# taken away: the plain forms run as those who just import TensorFlow have it.
ONEDNN_SETTINGS = tensorflow_start.settings()
_NO_ONEDNN_SETTINGS = dict.fromkeys(ONEDNN_SETTINGS)
# What train.py sets for itself before it starts.
TRAIN_SETTINGS = {"GLIBC_TUNABLES": allocator.settings()}
# It compiles in this process: others would stay, and count as its memory.
COMPILE_SETTINGS = {**MALLOC_SETTINGS, "TORCHINDUCTOR_COMPILE_THREADS": "1"}


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a run goes.

    Attributes:
      num_rounds: rounds that count.
      round_secs: minimum seconds of a round of one contender.
      work_dir: folder for files of the run.
      peers_venv: the peers' environment; if it does not exist, peers are reported as missing.
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
    def peers_python(self) -> str:
        return os.path.join(self.peers_venv, "bin", "python")

    @property
    def has_peers(self) -> bool:
        return os.path.exists(self.peers_python)

    def contender(
        self,
        name: str,
        module: str,
        parameters: Mapping[str, Any],
        missing: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Contender:
        """Returns a contender; modules of `peers` run in the peers' environment.

        Args:
          name: its name in the table.
          module: its module in `scripts.benchmarks`.
          parameters: what it reads with `contender.parameters`.
          missing: why it cannot run, if that is known in advance.
          environment: additional variables; by default none, and `MALLOC_SETTINGS` for peers.
            Modules of `ours` have `ONEDNN_SETTINGS` besides.
        """
        is_peer = module.startswith("peers.")
        if is_peer and not self.has_peers:
            missing = f"there is no {PEERS_VENV}: make bench-peers-setup"
        if environment is None:
            environment = MALLOC_SETTINGS if is_peer else {}
        python = self.peers_python if is_peer else sys.executable
        command = (python, "-m", f"scripts.benchmarks.{module}", json.dumps(parameters))
        onednn = ONEDNN_SETTINGS if module.startswith("ours.") else _NO_ONEDNN_SETTINGS
        return Contender(name, command, {**onednn, **environment}, is_peer, missing)

    def measure(self, contenders: Sequence[Contender], round_factor: float = 1.0) -> list[Result]:
        """Measures contenders in turn, in rounds that may be longer than the others'."""
        return rounds.measure(
            contenders,
            self.num_rounds,
            round_secs=round_factor * self.round_secs,
            report=self.report,
        )
