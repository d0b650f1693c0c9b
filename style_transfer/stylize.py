"""`python -m style_transfer.stylize`; the command is style_transfer/commands/stylize.py."""

from commands import launcher

if __name__ == "__main__":
    launcher.run("stylize")
