"""`python -m datasets.describe_tfrecords`; the command is TASK/commands/describe_tfrecords.py."""

from commands import launcher

if __name__ == "__main__":
    launcher.run("describe_tfrecords")
