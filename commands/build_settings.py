"""How a build of records is done, as its flags say."""

from commands.build_options import BuildingOptions
from datasets.images.memory_limit import MemoryLimit
from datasets.records.building import BuildSettings


def of(options: BuildingOptions) -> BuildSettings:
    """Returns the settings of a build.

    Raises:
      ValueError: Apache Beam is asked for and not installed.
    """
    settings = BuildSettings(
        output_dir=options.output_dir,
        num_shards=options.num_shards,
        is_checked=options.check,
        skip_errors=options.on_error == "skip",
        num_workers=options.num_workers,
        memory_limit=MemoryLimit(options.memory_limit_mb),
        runner=options.runner,
        beam_options=options.beam_options,
    )
    settings.require_runner()
    return settings
