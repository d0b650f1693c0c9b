"""The flags of `train.py` beside those of the network (`network_flags`).

Names and defaults are those of research/deeplab's `train.py`; docs/flags.md lists what differs.
"""

import dataclasses
from typing import Any

from absl import flags

from commands import refused_flags
from commands.launcher import define_numbers
from training.options import LEARNING_POLICIES, OPTIMIZERS

FLAGS = flags.FLAGS

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
flags.DEFINE_integer(
    "min_resize_value", None, "Images are resized first so that the shorter side has this size …"
)
flags.DEFINE_integer("max_resize_value", None, "… unless the longer side exceeded this one.")
flags.DEFINE_integer(
    "resize_factor", None, "Sides after that resize are multiples of this plus one."
)
flags.DEFINE_bool(
    "keep_aspect_ratio", True, "Whether that resize keeps the image's shape, or makes a square."
)
flags.DEFINE_float("min_scale_factor", 0.5, "Smallest random scale of training images.")
flags.DEFINE_float("max_scale_factor", 2.0, "Largest random scale of training images.")
flags.DEFINE_float(
    "scale_factor_step_size", 0.25, "Distance of neighbouring random scales; 0 for any in between."
)

flags.DEFINE_integer(
    "input_memory_mb",
    4096,
    "Megabytes that decoded images may take together on their way into a batch. Matters for huge "
    "ones only, of which fewer are decoded at once.",
    lower_bound=1,
)

# Start and end.
flags.DEFINE_string(
    "train_logdir",
    None,
    "Folder of checkpoints, options.json and TensorBoard's events; if it has a checkpoint, the "
    "training goes on from it. Default: runs/<name of the dataset>.",
)
flags.DEFINE_string(
    "tf_initial_checkpoint",
    None,
    "Checkpoint (prefix or folder, or 'best' or 'latest' for that of the newest training in runs/) "
    "whose weights are taken where they fit. Not used once train_logdir has a checkpoint of its "
    "own.",
)
flags.DEFINE_string(
    "continue_checkpoint",
    None,
    "Checkpoint of another training of the same network, from which weights, optimizer and step "
    "count are taken. Not used once train_logdir has a checkpoint of its own.",
)
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
flags.DEFINE_integer(
    "training_number_of_steps", 30000, "Steps in all, those of earlier runs included."
)

# Optimisation.
flags.DEFINE_enum("optimizer", "momentum", OPTIMIZERS, "Optimizer.")
flags.DEFINE_float("momentum", 0.9, "Momentum of the momentum optimizer.")
flags.DEFINE_float("adam_learning_rate", 0.001, "Learning rate of Adam, without schedule.")
flags.DEFINE_float("adam_epsilon", 1e-08, "Epsilon of Adam.")
flags.DEFINE_enum(
    "learning_policy", "poly", LEARNING_POLICIES, "Learning rate schedule for momentum."
)
flags.DEFINE_float(
    "base_learning_rate",
    0.0001,
    "Learning rate at the start of the schedule. 0.007 is usual for new layers at batch 16.",
)
flags.DEFINE_float("end_learning_rate", 0.0, "Learning rate at the end of 'poly'.")
flags.DEFINE_float("learning_power", 0.9, "Exponent of 'poly'.")
flags.DEFINE_integer("decay_steps", 0, "Steps over which 'poly' falls; 0 for all of the training.")
flags.DEFINE_float("learning_rate_decay_factor", 0.1, "'step' multiplies the rate by this …")
flags.DEFINE_integer("learning_rate_decay_step", 2000, "… after every so many steps.")
flags.DEFINE_integer(
    "slow_start_step", 0, "Steps at slow_start_learning_rate before the schedule begins."
)
flags.DEFINE_float("slow_start_learning_rate", 1e-4, "See slow_start_step.")
flags.DEFINE_integer("train_batch_size", 8, "Images in a step, over all clones.")
flags.DEFINE_float("weight_decay", 0.00004, "Weight of the L2 loss on convolution weights.")
flags.DEFINE_float(
    "last_layer_gradient_multiplier",
    1.0,
    "Learning rate of the layers behind the encoder, relative to the encoder's.",
)
flags.DEFINE_float("clip_gradient_norm", 0.0, "Largest L2 norm over all gradients; 0 for no limit.")
flags.DEFINE_float(
    "ema_decay",
    0.0,
    "Decay of an exponential moving average of all weights, which checkpoints then hold too, for "
    "--use_ema of eval.py, vis.py and export_model.py; 0 for none. After step n it is (1 + n) / "
    "(10 + n) at most. 0.999 suits some thousands of steps, 0.9999 a hundred thousand.",
)
flags.DEFINE_bool("upsample_logits", True, "Loss at the label's size, or at the logits'.")
define_numbers(
    "label_weights",
    None,
    "Weight of each class in the loss, by class id; `make check-dataset` suggests some.",
    number_type=float,
)
flags.DEFINE_integer(
    "hard_example_mining_step", 0, "Step at which top_k_percent_pixels is reached; 0 for at once."
)
flags.DEFINE_float(
    "top_k_percent_pixels", 1.0, "Share of the pixels, those of the largest loss, that count."
)
flags.DEFINE_bool(
    "fine_tune_batch_norm",
    True,
    "Whether batch norm is trained. Off for few images in a batch (below 12 a clone).",
)
flags.DEFINE_float(
    "batch_norm_decay",
    None,
    "Decay of batch norm's moving statistics. Default: each layer's published value (0.9997 behind "
    "the encoder); 0.99 for trainings of a few thousand steps.",
)
flags.DEFINE_bool("sync_batch_norm", False, "Batch norm statistics over all clones together.")

# Where it runs.
flags.DEFINE_integer("num_clones", 1, "Copies of the network, one a GPU, that share each batch.")
flags.DEFINE_bool("clone_on_cpu", False, "Run all clones on the CPU.")
flags.DEFINE_bool(
    "prefetch_to_clones", False, "Copy each batch to the GPUs while they work on the one before."
)
flags.DEFINE_bool(
    "nccl",
    False,
    "Sum gradients between the GPUs with NVIDIA's NCCL; on CPUs TensorFlow sums them, as without.",
)
flags.DEFINE_string(
    "master",
    "",
    "Address (grpc://host:port) of this worker's TensorFlow server in a cluster that runs already. "
    "With the environment variable TF_CONFIG this and the next three flags are not needed.",
)
flags.DEFINE_integer("task", 0, "Number of this worker; 0 is the chief, which saves checkpoints.")
flags.DEFINE_integer("num_replicas", 1, "Workers in the cluster.")
flags.DEFINE_integer("num_ps_tasks", 0, "Parameter servers in the cluster.")
flags.DEFINE_integer(
    "startup_delay_steps", 15, "Steps of the chief that the other workers wait for."
)

flags.DEFINE_bool(
    "recompute_activations",
    True,
    "Compute activations again for the backward pass instead of keeping them. Without it a step "
    "takes less time and more memory.",
)
flags.DEFINE_bool(
    "mixed_precision",
    False,
    "Compute in float16 on GPUs where TensorFlow deems it safe, with a loss scale that finds "
    "itself. No effect on a CPU.",
)
flags.DEFINE_bool("xla", False, "Compile with XLA on GPUs. No effect on a CPU.")

# What it leaves behind.
flags.DEFINE_integer("log_steps", 10, "Steps between progress lines.")
flags.DEFINE_integer("save_interval_secs", 1200, "Seconds between checkpoints; 0 for the end only.")
flags.DEFINE_integer("save_summaries_secs", 600, "Seconds between summaries; 0 for none.")
flags.DEFINE_bool(
    "save_summaries_images", False, "Show images, labels and predictions in TensorBoard."
)
flags.DEFINE_bool("save_histograms", False, "Show histograms of all weights in TensorBoard.")
define_numbers(
    "profile_steps",
    None,
    "first,last step, counted from 1, of a trace for TensorBoard's profiler, such as 10,15; it "
    "needs the package tensorboard-plugin-profile there.",
)
flags.DEFINE_integer("max_checkpoints_to_keep", 5, "Newest checkpoints that are kept; 0 for all.")
flags.DEFINE_integer("seed", None, "Seed of everything random. Default: another one each time.")

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


def from_flags(options_class: type, **values: Any) -> Any:
    """Makes options of the flags that have the names of the class's fields.

    Args:
      options_class: a dataclass.
      **values: fields that no flag sets, or that another value than the flag's is to set.
    """
    for field in dataclasses.fields(options_class):
        if field.name not in values:
            value = FLAGS[field.name].value
            values[field.name] = tuple(value) if isinstance(value, list) else value
    return options_class(**values)
