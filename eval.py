"""`python eval.py --help`; the command is deeplab/commands/eval.py."""

from commands import launcher

if __name__ == "__main__":
    launcher.run("eval")
