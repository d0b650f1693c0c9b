from deeplab.commands import vis

__doc__ = vis.__doc__

if __name__ == "__main__":
    vis.launcher.run(vis.main)
