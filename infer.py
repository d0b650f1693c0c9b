from deeplab.commands import infer

__doc__ = infer.__doc__

if __name__ == "__main__":
    infer.launcher.run(infer.main, positional=True)
