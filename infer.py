from commands import launcher  # before TensorFlow, whose start it quiets

# isort: split

from deeplab.commands import infer

__doc__ = infer.__doc__

if __name__ == "__main__":
    launcher.run(infer.main, positional=True)
