"""A small network with every part, and its export from a checkpoint."""

import functools

from deeplab import inference_graph
from deeplab.options import ModelOptions
from export import freeze
from serving import contract

OPTIONS = ModelOptions(
    num_classes=3,
    model_variant="xception_tiny",
    atrous_rates=(1, 2),
    decoder_output_stride=(4,),
    decoder_use_gradient=True,
    aspp_convs_filters=8,
    decoder_filters=8,
)
CROP = (49, 65)


def write(
    folder, checkpoint: str, metadata: dict, options: ModelOptions = OPTIONS, **how: object
) -> str:
    """Exports a network for images of `CROP` and returns the path of the `.pb`.

    Args:
      folder: where it goes.
      checkpoint: its weights.
      metadata: what the graph carries.
      options: the network.
      **how: further arguments of `build_inference_graph`.
    """
    path = str(folder / "frozen_inference_graph.pb")
    build = functools.partial(inference_graph.build_inference_graph, options, crop_size=CROP, **how)
    freeze.freeze(
        build,
        checkpoint,
        path,
        input_name=contract.INPUT,
        output_names=contract.OUTPUTS,
        metadata=metadata,
    )
    return path
