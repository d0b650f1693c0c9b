"""Contender: a whole command, from its start to its end."""

import subprocess

from scripts.benchmarks import contender


def main() -> None:
    channel = contender.Channel()
    command = contender.parameters()["command"]

    def run() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    run()
    channel.serve(run)


if __name__ == "__main__":
    main()
