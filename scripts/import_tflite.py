"""The command that makes a checkpoint of a TFLite file: `python -m scripts.import_tflite`."""

from commands import launcher
from commands.command import Command
from deeplab.options import ModelOptions
from scripts.weight_import.options import ImportOptions

COMMAND = Command(
    description="""\
Makes a checkpoint of a TFLite file: python -m scripts.import_tflite FILE OUT_DIR FLAGS

OUT_DIR gets model.ckpt-0 with research/deeplab's variable names, and options.json, so that
training, evaluation and export take it as any other. The flags describe the network.""",
    main="scripts.weight_import.commands:import_tflite",
    options=(ImportOptions, ModelOptions),
    positional="FILE OUT_DIR",
)

if __name__ == "__main__":
    launcher.execute(COMMAND)
