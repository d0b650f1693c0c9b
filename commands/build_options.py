"""Options of the commands that build and describe records, whatever the task."""

import dataclasses

from common.option_fields import DATA, HARDWARE, RESULTS, option

# `tfrecords.MAX_SHARDS`, whose module imports TensorFlow.
_MAX_SHARDS = 99999


@dataclasses.dataclass(frozen=True)
class BuildingOptions:
    """How records are built, and where they go."""

    output_dir: str | None = option(
        None,
        "Folder of the records.",
        RESULTS,
        is_common=True,
        computed_default=(
            "data/tfrecords/NAME, where NAME is the name of the dataset or, for images of your "
            "own, that of their folder"
        ),
        aliases=("output", "out"),
    )
    num_shards: int | None = option(
        None,
        "Shards per split.",
        RESULTS,
        lower=1,
        upper=_MAX_SHARDS,
        computed_default="about one per 128 images",
    )
    on_error: str = option(
        "fail",
        "What to do with images that cannot be used: fail and write no records, or skip them.",
        DATA,
        is_common=True,
        choices=("fail", "skip"),
    )
    check: bool = option(
        True,
        "Check everything before writing. --nocheck saves that time on data that were checked "
        "before; what cannot be used is noticed all the same.",
        DATA,
    )
    check_only: bool = option(
        False,
        "Only check and report; write no records. Exit status 1 if there are errors.",
        DATA,
        is_common=True,
    )
    num_workers: int | None = option(
        None,
        "Threads that read and encode images.",
        HARDWARE,
        lower=1,
        computed_default="one per core",
        aliases=("workers", "threads", "num_threads", "jobs"),
    )
    memory_limit_mb: int = option(
        4096,
        "Megabytes that the images being processed may take together, besides the 600 of the "
        "program: with huge images fewer are processed at once, and one that alone takes more is "
        "an error.",
        HARDWARE,
        lower=1,
    )
    runner: str | None = option(
        None,
        "Convert on Apache Beam with this runner, such as DirectRunner (this machine), FlinkRunner "
        "or DataflowRunner, instead of threads. Needs `make setup-beam`; the check still runs "
        "here.",
        HARDWARE,
    )
    beam_options: str = option(
        "",
        "Further options of Beam and its runner, in one string: '--direct_num_workers=2'.",
        HARDWARE,
    )


@dataclasses.dataclass(frozen=True)
class DescriptionOptions:
    """What the description of another program's records says, and how they are read."""

    name: str | None = option(
        None,
        "Name of the dataset.",
        RESULTS,
        is_common=True,
        computed_default="that of the folder",
    )
    overwrite: bool = option(
        False,
        "Replace an existing dataset.json, after the records were changed.",
        RESULTS,
        is_common=True,
    )
    num_workers: int | None = option(
        None,
        "Threads, each of which reads a shard.",
        HARDWARE,
        is_common=True,
        lower=1,
        computed_default="one per core",
    )
