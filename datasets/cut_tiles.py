"""`python -m datasets.cut_tiles`; the command is deeplab/commands/cut_tiles.py."""

from commands import launcher

if __name__ == "__main__":
    launcher.run("cut_tiles")
