from commands import launcher  # before TensorFlow, whose start it quiets

# isort: split

from deeplab.commands import export_model

__doc__ = export_model.__doc__

if __name__ == "__main__":
    launcher.run(export_model.main)
