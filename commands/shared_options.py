"""Options that the commands of several tasks have."""

import dataclasses

from common.option_fields import DATA, HARDWARE, NETWORK, RESULTS, START, option

DEFAULT_SPLIT = "val"
# As in `serving.engines`, which imports NumPy.
_ENGINES = ("auto", "tensorflow", "openvino", "litert", "onnxruntime")
_PRECISIONS = ("float32", "int8")
# As in `export.model_repository`.
_BUNDLES = ("tfserving", "triton", "ovms")


@dataclasses.dataclass(frozen=True)
class DatasetOptions:
    """Which records a command reads."""

    dataset_dir: str | None = option(
        None,
        "Folder of the records and their dataset.json.",
        DATA,
        is_common=True,
        computed_default="data/tfrecords/<--dataset>, or the dataset built last",
        aliases=("data_dir", "data", "tfrecords", "dataset_path"),
    )
    dataset: str | None = option(
        None,
        "Name of the dataset, the folder of its records in data/tfrecords.",
        DATA,
        is_common=True,
        aliases=("dataset_name",),
    )


@dataclasses.dataclass(frozen=True)
class CheckpointOptions:
    """Which checkpoints a command runs."""

    checkpoint_dir: str | None = option(
        None,
        "Folder of checkpoints: the train_logdir of a training run.",
        START,
        is_common=True,
        computed_default="the newest training run in runs/",
        aliases=("train_logdir", "logdir", "model_dir"),
    )
    checkpoint_path: str | None = option(
        None,
        "One checkpoint (model.ckpt-1000) or training run's folder, used instead of those of "
        "checkpoint_dir; or 'best' or 'latest' for that one of checkpoint_dir; or the name of "
        "published weights, which are downloaded.",
        START,
        is_common=True,
        aliases=("checkpoint", "ckpt", "weights", "model"),
    )
    eval_interval_secs: int = option(300, "Minimum seconds between evaluations.", HARDWARE)


@dataclasses.dataclass(frozen=True)
class WeightsOptions:
    """Which weights of a checkpoint a command uses."""

    use_ema: bool | None = option(
        None,
        "Whether the moving averages of the weights (train.py --ema_decay) replace the weights.",
        START,
        computed_default="whichever the training run's own validation scored; the weights where "
        "there was none, except for a best checkpoint that was kept for its averages",
    )


@dataclasses.dataclass(frozen=True)
class ClusterOptions:
    """This worker's place in a cluster that runs already."""

    master: str = option(
        "",
        "Address (grpc://host:port) of this worker's TensorFlow server in a cluster that runs "
        "already. With the environment variable TF_CONFIG neither this nor task, num_replicas and "
        "num_ps_tasks are needed.",
        HARDWARE,
    )
    startup_delay_steps: int = option(
        15, "Steps of the chief that the other workers wait for.", HARDWARE
    )


@dataclasses.dataclass(frozen=True)
class ScoredSplitOptions:
    """What eval.py scores, and where the results go."""

    eval_logdir: str | None = option(
        None,
        "Folder of the results.",
        RESULTS,
        is_common=True,
        computed_default=(
            "eval/ in the folder of the training run; eval_SPLIT/ for another split than val, "
            "eval_ema/ with use_ema, unless its own validation uses averages"
        ),
        aliases=("output_dir", "output"),
    )
    eval_split: str = option(
        DEFAULT_SPLIT,
        "Split to score. The best checkpoint is kept only by its score on val.",
        DATA,
        is_common=True,
        aliases=("split",),
    )


@dataclasses.dataclass(frozen=True)
class DrawnSplitOptions:
    """What vis.py draws, and where the results go."""

    vis_logdir: str | None = option(
        None,
        "Folder of the results.",
        RESULTS,
        is_common=True,
        computed_default=(
            "vis/ in the folder of the training run; vis_SPLIT/ for another split than val, "
            "vis_ema/ with use_ema, unless its own validation uses averages"
        ),
        aliases=("output_dir", "output"),
    )
    vis_split: str = option(
        DEFAULT_SPLIT, "Split to draw.", DATA, is_common=True, aliases=("split",)
    )


@dataclasses.dataclass(frozen=True)
class ExportedFileOptions:
    """Which checkpoint is exported, where to, and how."""

    checkpoint_path: str | None = option(
        None,
        "Checkpoint (model.ckpt-1000), or a training run's folder for its best where that has "
        "validated itself and otherwise its newest, or 'best' or 'latest' for that one of the "
        "newest training run in runs/, or the name of published weights, which are downloaded.",
        START,
        is_common=True,
        computed_default="best where the training run has validated itself, otherwise latest",
        aliases=("checkpoint", "checkpoint_dir", "ckpt", "train_logdir"),
    )
    export_path: str | None = option(
        None,
        "The .pb to write; its description goes beside it, as a .json.",
        RESULTS,
        is_common=True,
        computed_default="export/frozen_inference_graph.pb in the folder of the training run",
        aliases=("output", "output_path", "output_dir", "export_dir"),
    )
    optimize: bool = option(
        True,
        "Whether batch norms are folded into convolutions and constant parts are computed: the "
        "same results, faster. --nooptimize writes the graph as it was built.",
        RESULTS,
    )
    save_inference_graph: bool = option(
        False,
        "Whether the graph before freezing is written too, as text: inference_graph.pbtxt beside "
        "the .pb.",
        RESULTS,
    )


@dataclasses.dataclass(frozen=True)
class FormOptions:
    """What an export is written as besides, and how that is checked."""

    quantize: tuple[str, ...] = option(
        (),
        "Also write 8-bit forms, which are faster and a little less exact: _int8.xml and .bin for "
        "OpenVINO and, with tflite among formats, _int8.tflite. Needs calibration_images.",
        RESULTS,
        is_common=True,
        choices=("int8",),
    )
    formats: tuple[str, ...] = option(
        ("pb",),
        "What is written, comma separated: pb always is; saved_model (for TensorFlow Serving) and "
        "onnx (for ONNX Runtime and others) are the whole graph; tflite (for LiteRT, one image at "
        "a time) and openvino are its network.",
        RESULTS,
        is_common=True,
    )
    bundle: tuple[str, ...] = option(
        (),
        "Also lay the export out as a server's model repository, with its configuration: tfserving "
        "(TensorFlow Serving), triton (Triton Inference Server) or ovms (OpenVINO Model Server), "
        "or several of them. Writes the formats that these read.",
        RESULTS,
        choices=_BUNDLES,
    )
    bundle_dir: str | None = option(
        None,
        "Folder of the model repositories, each in a folder of its server's name. A model that is "
        "there gets a further version.",
        RESULTS,
        computed_default="bundles/ in the folder of the .pb",
    )
    bundle_name: str | None = option(
        None,
        "Name of the model in its repositories.",
        RESULTS,
        computed_default="that of the training run's folder, or of the .pb",
    )
    calibration_images: str | None = option(
        None,
        "Images that 8-bit forms are fitted to: a folder or a quoted pattern. Some 100 images like "
        "those to come, such as the training run's.",
        RESULTS,
        is_common=True,
    )
    num_calibration_images: int = option(
        128, "Number of calibration images used, evenly spread.", RESULTS, lower=1
    )
    verify_images: str | None = option(
        None,
        "Images, a folder or a quoted pattern, on which every installed engine is compared with "
        "the graph as it was built; the result also goes to verification.json beside the .pb.",
        RESULTS,
    )
    quantize_dataset_dir: str | None = option(
        None,
        "Folder of records on which the score of 8-bit forms is compared with that of float32.",
        RESULTS,
        computed_default="the training run's dataset, where it still is",
    )
    quantize_split: str = option(DEFAULT_SPLIT, "Split of quantize_dataset_dir to score.", RESULTS)


@dataclasses.dataclass(frozen=True)
class EngineOptions:
    """Which exported model runs, and in what."""

    model: str | None = option(
        None,
        "Exported model: a .pb, a folder with one, or a .tar.gz that research/deeplab published; "
        "or the name of published weights (python -m scripts.weights list), which are downloaded.",
        START,
        is_common=True,
        computed_default="the newest export in runs/",
        aliases=("checkpoint", "weights", "export_path", "pb"),
    )
    engine: str = option(
        "auto",
        "Inference engine. auto takes the fastest one that is installed; for few images the one "
        "that starts soonest.",
        HARDWARE,
        is_common=True,
        choices=_ENGINES,
        aliases=("device", "backend"),
    )
    precision: str = option(
        "float32",
        "int8 is faster and a little less exact, where export_model.py --quantize=int8 wrote it.",
        HARDWARE,
        is_common=True,
        choices=_PRECISIONS,
    )
    trust: bool = option(
        False,
        "Run a model that has operations which can read and write files or run programs. Only for "
        "files whose origin you trust.",
        DATA,
        is_common=True,
    )
    num_threads: int | None = option(
        None,
        "CPU threads of the network.",
        HARDWARE,
        is_common=True,
        lower=1,
        computed_default="all cores",
        aliases=("threads",),
    )


@dataclasses.dataclass(frozen=True)
class TileFlags:
    """What becomes of images larger than a segmentation network takes."""

    tile: str = option(
        "auto",
        "What becomes of images larger than the model takes: 'auto' runs those in overlapping "
        "tiles that would be shrunk to less than two thirds, and shrinks the others; 'off' shrinks "
        "all; a number tiles all and is the tiles' side in pixels, up to what the model takes.",
        NETWORK,
        is_common=True,
        aliases=("tile_size", "tiles", "window_size", "patch_size"),
    )
    overlap: float = option(
        0.5,
        "Share of a tile's side by which neighbors overlap. At 0.5 each pixel runs four times; "
        "0.25 takes half the time, and more seams show.",
        NETWORK,
        is_common=True,
        lower=0.0,
        upper=0.9,
        aliases=("tile_overlap",),
    )


@dataclasses.dataclass(frozen=True)
class BatchOptions:
    """How many images run at once."""

    eval_batch_size: int = option(
        32,
        "Images in a batch.",
        HARDWARE,
        is_common=True,
        lower=1,
        synonyms=("batch_size",),
        aliases=("batch",),
    )


@dataclasses.dataclass(frozen=True)
class ToldImagesOptions(EngineOptions):
    """Where what is told of images goes, and how much is done at once."""

    output: str | None = option(
        None,
        "File for the results; they are printed in any case.",
        RESULTS,
        is_common=True,
        aliases=("out", "o", "output_file"),
    )
    batch_size: int = option(
        8,
        "Images that are read together; engine tensorflow may run those of one size at once.",
        HARDWARE,
        is_common=True,
        lower=1,
        aliases=("batch",),
    )
    memory_limit_mb: int = option(
        2048,
        "Megabytes that images being read may take together; one that alone takes more is refused "
        "by name.",
        HARDWARE,
        lower=1,
    )
