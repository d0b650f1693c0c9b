"""The command that makes a checkpoint of a frozen graph: `python -m scripts.import_graph`."""

from commands import launcher
from commands.command import Command
from deeplab.options import ModelOptions
from scripts.weight_import.options import ImportOptions, TrustOptions

COMMAND = Command(
    description="""\
Makes a checkpoint of a frozen graph: python -m scripts.import_graph FROZEN.pb OUT_DIR FLAGS

The graph is one of research/deeplab's or of this project's exports, as a .pb, the folder that holds
it, or the published .tar.gz. Its constants carry the variables' names and are copied. OUT_DIR gets
model.ckpt-0 and options.json, so that training, evaluation and export take it as any other. The
flags describe the network, which an export of this project does itself.""",
    main="scripts.weight_import.commands:import_graph",
    options=(ImportOptions, TrustOptions, ModelOptions),
    positional="FROZEN.pb OUT_DIR",
)

if __name__ == "__main__":
    launcher.execute(COMMAND)
