"""The flags of `export_model.py`."""

from absl import flags

from commands import launcher
from datasets.segmentation import specs

flags.DEFINE_string(
    "checkpoint_path",
    None,
    "Checkpoint (model.ckpt-1000), or a folder, whose newest is taken (runs/NAME/best for the best "
    "that eval.py kept), or 'best' or 'latest' for that one of the newest training in runs/. "
    "Default: latest.",
)
flags.DEFINE_string(
    "export_path",
    None,
    "The .pb to write; its description goes beside it, as a .json. Default: "
    "export/frozen_inference_graph.pb in the training's folder.",
)
launcher.define_numbers(
    "crop_size",
    None,
    "height,width of the largest image that the graph takes, each a multiple of output_stride "
    "plus one. Every image is padded to it, so smaller is faster. Default: as large as the "
    "images of the dataset in dataset_dir, or 513,513 where that is not there.",
)
flags.DEFINE_string(
    "dataset_dir",
    None,
    "Folder of the records that crop_size is chosen for. Default: the training's dataset in "
    "data/tfrecords.",
)
flags.DEFINE_integer(
    "num_classes", None, "Number of classes, background included. Default: the checkpoint's."
)
flags.DEFINE_enum(
    "dataset",
    None,
    sorted(specs.GOOGLE_DATASETS),
    "Published dataset that gives names and colors to the classes of a checkpoint without "
    "options.json.",
)
launcher.define_numbers(
    "inference_scales",
    (1.0,),
    "Scales at which the network sees each image; their probabilities are averaged. Several, "
    "such as 0.75,1.0,1.25, are a little better, and each takes its own time.",
    number_type=float,
)
flags.DEFINE_bool(
    "save_inference_graph",
    False,
    "Whether the graph before freezing is written too, as text: inference_graph.pbtxt beside the "
    ".pb.",
)

flags.DEFINE_bool(
    "optimize",
    True,
    "Whether batch norms are folded into convolutions and what is constant is computed: the same "
    "results, faster. --nooptimize writes the graph as it was built.",
)
flags.DEFINE_bool(
    "static_graph",
    False,
    "Whether the graph has neither assertions nor operations whose output size depends on values, "
    "as TensorFlow.js's execute and some converters require: the same class ids, found a little "
    "slower.",
)
flags.DEFINE_multi_enum(
    "quantize",
    [],
    ["int8"],
    "Also write 8-bit forms, which are faster and a little less exact: _int8.xml and .bin for "
    "OpenVINO and, with tflite among --formats, _int8.tflite. Needs --calibration_images.",
)
flags.DEFINE_list(
    "formats",
    ["pb"],
    "What is written, comma separated: pb always is; tflite is the network for LiteRT, for one "
    "image at a time.",
)
flags.DEFINE_string(
    "calibration_images",
    None,
    "Images that 8-bit forms are fitted to: a folder or a quoted pattern. Some 100 images like "
    "those to come, such as the training's.",
)
flags.DEFINE_integer(
    "num_calibration_images",
    128,
    "How many of the calibration images are used, evenly spread.",
    lower_bound=1,
)
flags.DEFINE_string(
    "verify_images",
    None,
    "Images, a folder or a quoted pattern, on which every installed engine is compared with the "
    "graph as it was built; the result also goes to verification.json beside the .pb.",
)
flags.DEFINE_string(
    "quantize_dataset_dir",
    None,
    "Folder of records on which the mean IoU of 8-bit forms is compared with that of float32. "
    "Default: the training's dataset in data/tfrecords, where it is there.",
)
flags.DEFINE_string("quantize_split", "val", "Split of these records that is scored.")
