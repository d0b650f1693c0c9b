"""`python serve.py --help`; the command is serving/commands/serve.py."""

from commands import launcher

if __name__ == "__main__":
    launcher.run("serve")
