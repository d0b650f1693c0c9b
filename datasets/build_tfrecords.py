"""`python -m datasets.build_tfrecords`; the command is TASK/commands/build_tfrecords.py."""

from commands import launcher

if __name__ == "__main__":
    launcher.run("build_tfrecords")
