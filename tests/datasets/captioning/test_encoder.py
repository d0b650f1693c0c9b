"""Records of samples: their order, their names, and what makes them be written again."""

import numpy as np
import pytest
from PIL import Image

from datasets.captioning import encoder, tokens
from datasets.captioning.encoder import CaptioningEncoder
from datasets.captioning.sources.source import Sample
from datasets.captioning.vocabulary import Vocabulary

KNOWN = Vocabulary(("<S>", "</S>", "a", "dog", "<UNK>"))


@pytest.fixture
def sample(tmp_path) -> Sample:
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros([20, 30, 3], np.uint8)).save(path)
    return Sample("a.png", str(path), 5, ("A dog", "A big dog"))


def test_the_order_depends_on_names_only_and_captions_of_an_image_are_mixed():
    samples = [Sample(f"{index}", f"{index}.jpg", index, ("x", "y")) for index in range(9)]
    mixed = encoder.mix(samples, is_single=False)
    assert mixed == encoder.mix(samples[::-1], is_single=False)
    assert mixed != tuple(samples)
    single = encoder.mix(samples, is_single=True)
    assert len({each.name for each in single}) == len(single) == 18
    pairs = zip(single[::2], single[1::2], strict=True)
    assert not all(one.path == other.path for one, other in pairs)


def test_statistics_count_captions_and_words(sample):
    made = CaptioningEncoder("x", KNOWN, is_single=False)
    counter = made.start_statistics()
    for _ in range(2):
        counter.add(*made.encode(sample).facts)
    shard = counter.to_split()
    assert (shard.num_examples, shard.num_captions, shard.num_words) == (2, 4, 14)
    assert (shard.longest, shard.max_height, shard.max_width) == (5, 20, 30)
    both = made.add_shards([shard, shard], [10, 20])
    assert (both.num_examples, both.num_captions, both.shard_bytes) == (4, 8, (10, 20))


def test_whatever_changes_a_record_changes_the_fingerprint(sample):
    def fingerprint(known=KNOWN, is_single=False, sample=sample):
        return CaptioningEncoder("x", known, is_single).fingerprint([sample], True)

    changed = [
        fingerprint(Vocabulary((*KNOWN.words[:-1], "cat", "<UNK>"))),
        fingerprint(Vocabulary(KNOWN.words, tokens.TUTORIAL)),
        fingerprint(is_single=True),
        fingerprint(sample=Sample(sample.name, sample.path, 5, ("A dog",))),
    ]
    assert all(each != fingerprint() for each in changed)
