"""`python vis.py --help`; the command is deeplab/commands/vis.py."""

from commands import launcher

if __name__ == "__main__":
    launcher.run("vis")
