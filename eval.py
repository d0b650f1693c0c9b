from deeplab.commands import eval

__doc__ = eval.__doc__

if __name__ == "__main__":
    eval.launcher.run(eval.main)
