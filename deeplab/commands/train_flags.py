"""The flags of `train.py` beside those of the network (`network_flags`).

Names and defaults are those of research/deeplab's `train.py`; docs/flags.md lists what differs.
"""

from absl import flags

from commands import option_flags, refused_flags
from commands.launcher import define_numbers
from deeplab.options import InputOptions, ObjectiveOptions
from deployment.config import DeploymentConfig
from training.options import OptimizerOptions, TrainOptions

# Data.
flags.DEFINE_string(
    "dataset_dir",
    None,
    "Folder of the records and their dataset.json. Default: data/tfrecords/<--dataset>, or the "
    "dataset built last.",
)
flags.DEFINE_string(
    "dataset",
    None,
    "Name of the dataset. With records that research/deeplab's converters made: pascal_voc_seg, "
    "cityscapes or ade20k.",
)
flags.DEFINE_string("train_split", "train", "Split to train on.")
define_numbers(
    "train_crop_size",
    (513, 513),
    "height,width of the training crops in pixels, each a multiple of output_stride plus one.",
)
option_flags.define(InputOptions)

# Start and end.
flags.DEFINE_bool(
    "initialize_last_layer",
    True,
    "Whether tf_initial_checkpoint also sets the layers behind the encoder.",
)
flags.DEFINE_bool(
    "last_layers_contain_logits_only",
    False,
    "Whether only the logits count as last layers, for initialize_last_layer and "
    "last_layer_gradient_multiplier.",
)
option_flags.define(TrainOptions)
option_flags.define(OptimizerOptions)
option_flags.define(ObjectiveOptions)

# Where it runs.
option_flags.define(DeploymentConfig)
flags.DEFINE_string(
    "master",
    "",
    "Address (grpc://host:port) of this worker's TensorFlow server in a cluster that runs already. "
    "With the environment variable TF_CONFIG neither this nor task, num_replicas and num_ps_tasks "
    "are needed.",
)
flags.DEFINE_integer(
    "startup_delay_steps", 15, "Steps of the chief that the other workers wait for."
)

refused_flags.define_refused(
    flags.DEFINE_float,
    "drop_path_keep_prob",
    1.0,
    "only networks found by neural architecture search have paths to drop; leave the flag away",
)
refused_flags.define_refused(
    flags.DEFINE_string,
    "profile_logdir",
    None,
    "the profiler behind it (tf.contrib.tfprof) is gone from TensorFlow; --profile_steps writes a "
    "trace into train_logdir instead",
)
