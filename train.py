"""`python train.py --help`; the command is deeplab/commands/train.py."""

from commands import launcher

if __name__ == "__main__":
    launcher.run("train")
