"""`python infer.py --help`; the command is deeplab/commands/infer.py."""

from commands import launcher

if __name__ == "__main__":
    launcher.run("infer")
