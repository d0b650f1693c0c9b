"""Options that several commands of captioning share."""

import dataclasses

from captioning.options import SearchOptions
from commands import shared_options
from common.option_fields import COMPATIBILITY, NETWORK, change, changed, option


@dataclasses.dataclass(frozen=True)
class PatternOptions:
    """research/im2txt's way to name records."""

    input_file_pattern: str | None = option(
        None,
        "Folder and split in one, as DIR/train-?????-of-00256, in place of dataset_dir and the "
        "flag of the split. DIR has a dataset.json; for im2txt's own records "
        "datasets.describe_tfrecords writes it.",
        COMPATIBILITY,
    )


@dataclasses.dataclass(frozen=True)
class SearchFlags:
    """How captions are searched for; see `SearchOptions`."""

    beam_size: int = option(
        3,
        "Captions that are written at once; the likeliest one is taken.",
        NETWORK,
        is_common=True,
        lower=1,
        upper=100,
        aliases=("num_beams",),
    )
    max_caption_length: int = option(
        20,
        "Words of a caption at most, with the one that marks its start.",
        NETWORK,
        is_common=True,
        lower=2,
        upper=1000,
        aliases=("max_length",),
    )
    length_normalization_factor: float = option(
        0.0,
        "Power of its length by which a caption's log probability is divided: more prefers longer "
        "captions.",
        NETWORK,
        is_common=True,
        lower=0.0,
        upper=10.0,
    )
    block_trigrams: bool = option(
        False, "Whether no three words may come twice in a caption.", NETWORK, is_common=True
    )

    unknown_words: bool = option(
        True,
        "Whether captions may have <UNK>, which stands for all words that are not known.",
        NETWORK,
        is_common=True,
    )

    def search_options(self) -> SearchOptions:
        return SearchOptions(
            self.beam_size,
            self.max_caption_length,
            self.length_normalization_factor,
            self.block_trigrams,
            self.unknown_words,
        )


BatchOptions = changed(shared_options.BatchOptions, eval_batch_size=change(16))
