"""Contender: a whole command, from its start to its end.

It is not in `ours`, whose modules import TensorFlow: the peak of a process begins at the memory of
the one that starts it. What is told is the peak of the first run.
"""

import subprocess

from scripts.benchmarks import contender, processes


def main() -> None:
    channel = contender.Channel()
    command = contender.parameters()["command"]

    def run() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    run()
    channel.serve(run, peak_bytes=processes.peak_bytes_of_ended())


if __name__ == "__main__":
    main()
