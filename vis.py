from commands import launcher  # before TensorFlow, whose start it quiets

# isort: split

from deeplab.commands import vis

__doc__ = vis.__doc__

if __name__ == "__main__":
    launcher.run(vis.main)
