"""`python export_model.py --help`; the command is deeplab/commands/export_model.py."""

from commands import launcher

if __name__ == "__main__":
    launcher.run("export_model")
