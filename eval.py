from commands import launcher  # before TensorFlow, whose start it quiets

# isort: split

from deeplab.commands import eval

__doc__ = eval.__doc__

if __name__ == "__main__":
    launcher.run(eval.main)
