from commands import allocator  # noqa: F401  (before anything else: it starts the process again)

# isort: split

from commands import launcher  # before TensorFlow, whose start it quiets

# isort: split

from deeplab.commands import train

__doc__ = train.__doc__

if __name__ == "__main__":
    launcher.run(train.main)
