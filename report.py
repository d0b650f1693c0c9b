"""`python report.py --help`; the command is deeplab/commands/report.py."""

from commands import launcher

if __name__ == "__main__":
    launcher.run("report")
