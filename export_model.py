from deeplab.commands import export_model

__doc__ = export_model.__doc__

if __name__ == "__main__":
    export_model.launcher.run(export_model.main)
