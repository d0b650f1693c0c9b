from deeplab.commands import train

__doc__ = train.__doc__

if __name__ == "__main__":
    train.launcher.run(train.main)
