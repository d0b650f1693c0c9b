"""The command that compares our networks with research/deeplab's outputs."""

from commands import launcher
from commands.command import Command

COMMAND = Command(
    description="""\
Compares networks with research/deeplab's outputs: python -m reference.conformance DIR

The folder holds index.json, with each network's options, variables and losses, and NAME.npz with
its input, logits and prediction. The command prints one line per network; exit status 1 says that
at least one differs.""",
    main="reference.comparison",
    positional="DIR",
)

if __name__ == "__main__":
    launcher.execute(COMMAND)
