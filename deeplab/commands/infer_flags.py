"""The command infer.py: its words and its flags."""

import dataclasses

from commands.command import Command
from commands.shared_options import EngineOptions, TileFlags
from common.option_fields import DATA, HARDWARE, NETWORK, RESULTS, option

# As in `serving.results`, which imports NumPy.
_ID_FORMATS = ("npy", "png")
# As in `serving.labels.label_files`, which imports NumPy.
_LABEL_FORMATS = ("coco", "labelme")


@dataclasses.dataclass(frozen=True)
class InferOptions(EngineOptions, TileFlags):
    """What is written, and what it may take."""

    output: str = option(
        "masks",
        "Folder for the results; created if it does not exist.",
        RESULTS,
        is_common=True,
        aliases=("output_dir", "out", "o"),
    )
    opacity: float = option(
        0.5,
        "Opacity of the mask in the overlay, 0 to 1.",
        RESULTS,
        is_common=True,
        lower=0.0,
        upper=1.0,
        aliases=("alpha",),
    )
    legend: bool = option(
        True, "Whether the overlay has a legend below the image.", RESULTS, is_common=True
    )
    save_ids: str | None = option(
        None,
        "Also write the plain class ids: png (8-bit gray) or npy (int32); of a video, NAME_ids/ "
        "holds one file for each frame.",
        RESULTS,
        is_common=True,
        choices=_ID_FORMATS,
    )
    save_probabilities: bool = option(
        False,
        "Also write NAME_probabilities.npz: float16 [height, width, classes]. Large: 20 MB for a "
        "photograph of 1000x1000 pixels and 21 classes, uncompressed twice as much.",
        RESULTS,
        is_common=True,
    )
    save_labels: str | None = option(
        None,
        "Also write polygons for a labelling tool, to correct there: labelme (NAME.json for each "
        "image) or coco (coco_predictions.json for all of them).",
        RESULTS,
        is_common=True,
        choices=_LABEL_FORMATS,
    )
    label_tolerance: float = option(
        0.0,
        "With --save_labels, how far a polygon may be from the predicted outline, in pixels: at 1 "
        "it has about a fifth of the points to move. At 0 it is exact.",
        RESULTS,
        lower=0.0,
    )
    frames_per_second: float | None = option(
        None,
        "Frames of a video that are segmented for each second of it, evenly spaced in time; its "
        "overlay has these only.",
        DATA,
        is_common=True,
        lower=0.001,
        computed_default="all frames",
        aliases=("fps", "frame_rate"),
    )
    temporal_smoothing: float = option(
        0.0,
        "Weight of the past, 0 to 0.99, in an average of probabilities over the frames of a video: "
        "0.7 takes away much of the flickering and lags a little behind what moves.",
        NETWORK,
        is_common=True,
        lower=0.0,
        upper=0.99,
        aliases=("smoothing", "ema"),
    )
    batch_size: int = option(
        4,
        "Images, or frames, that are read, segmented and written together; engine "
        "tensorflow may run small ones of one size at once.",
        HARDWARE,
        is_common=True,
        lower=1,
        aliases=("batch",),
    )
    max_pixels: int | None = option(
        None,
        "Refuses images of more pixels by name, before they are decoded: for files of strangers, "
        "of which a small one may unpack to gigabytes.",
        HARDWARE,
        is_common=True,
        lower=1,
        computed_default="as many as memory_limit_mb holds",
        aliases=("max_image_pixels",),
    )
    runner: str | None = option(
        None,
        "Segment on Apache Beam with this runner, such as DirectRunner (this machine), FlinkRunner "
        "or DataflowRunner: images and results in folders that all machines see, or in buckets "
        "(gs://, s3://). A run that was ended goes on. Needs `make setup-beam`.",
        HARDWARE,
    )
    beam_options: str = option(
        "",
        "Further options of Beam and its runner, in one string: '--direct_num_workers=2'.",
        HARDWARE,
    )
    shard_size: int = option(
        256,
        "With --runner, images that a worker takes at once, and that are done again after it was "
        "ended.",
        HARDWARE,
        lower=1,
    )
    memory_limit_mb: int | None = option(
        None,
        "Memory in MB that the command may take, the network included: fewer images are held at "
        "once, and one that does not fit is refused by name.",
        HARDWARE,
        is_common=True,
        lower=1,
        computed_default="70% of what the machine, or the container, has free",
    )


COMMAND = Command(
    description="""\
Writes colored masks of images and videos: python infer.py photo.jpg holiday/ clip.mp4

For every image: NAME_mask.png, a palette PNG whose indices are the class ids, and NAME_overlay.jpg,
the mask painted over the image, with a legend. Both have the image's own size (the overlay plus its
legend; it is reduced above 89 million pixels). An image that cannot be read is reported and the
rest goes on; the exit status is then 1. Images larger than the model takes run in overlapping
tiles, or are shrunk for it a little; the command says so.

For every video, camera (camera:0) or stream (rtsp://…): NAME_overlay.mp4, with as many frames as
were read. Ctrl-C ends a camera or a stream, whose overlay is complete then; of a file, what is
finished stays as NAME_partial_overlay.mp4. Addresses (https://…) of images and videos are read,
too.""",
    main="deeplab.commands.infer",
    options=(InferOptions,),
    positional="IMAGES…: files, folders, patterns, camera:0 or addresses",
    needs_tensorflow=False,
)
