"""What drawn captions earn, against the scores of whole splits."""

import numpy as np
import pytest

from captioning.evaluation.caption_rewards import CaptionRewards, read_rewards
from captioning.evaluation.cider import Cider
from datasets.captioning.vocabulary import Vocabulary
from tests.support import captioned_images

KNOWN = Vocabulary(("<S>", "</S>", ".", "a", "dog", "cat", "runs", "sleeps", "<UNK>"))
REFERENCES = {
    7: [["<S>", "a", "dog", "runs", ".", "</S>"], ["<S>", "a", "dog", "sleeps", "</S>"]],
    3: [["<S>", "a", "cat", "sleeps", ".", "</S>"], ["<S>", "a", "tabby", "sleeps", "</S>"]],
    5: [["<S>", "a", "dog", "runs", "</S>"]],
}
ENDING = [
    [[word for word in caption if word not in ("<S>", ".")] for caption in captions]
    for captions in REFERENCES.values()
]


def ids(*captions: str) -> np.ndarray:
    """Returns captions as a network draws them: the start word, and anything after the end."""
    rows = [KNOWN.ids(["<S>", *caption.split()]) for caption in captions]
    length = max(map(len, rows)) + 1
    return np.array([row + [KNOWN.ids(["cat"])[0]] * (length - len(row)) for row in rows], np.int32)


def score(image: int, *captions: str) -> list[float]:
    rewards = CaptionRewards(REFERENCES, KNOWN)
    return rewards.score(np.array([image]), ids(*captions)[np.newaxis])[0].tolist()


def test_rewards_are_cider_with_the_end_as_a_word():
    candidates = {7: "a dog runs </S>", 3: "a dog sleeps sleeps </S>", 5: "a cat </S>"}
    expected = Cider(ENDING).score([caption.split() for caption in candidates.values()])
    found = [score(image, caption)[0] for image, caption in candidates.items()]
    assert found == pytest.approx(expected, rel=1e-6)
    rewards = CaptionRewards(REFERENCES, KNOWN)
    captions = np.stack([ids(caption, caption) for caption in ("a dog runs </S>", "a cat </S> .")])
    both = rewards.score(np.array([7, 5]), captions)
    np.testing.assert_allclose(both, [[expected[0]] * 2, [expected[2]] * 2], rtol=1e-6)
    assert both.dtype == np.float32


def test_punctuation_does_not_count_unknown_words_earn_nothing_and_whole_captions_more():
    plain, dotted, broken_off, empty, none = score(
        7, "a dog runs </S>", "a dog . runs . </S>", "a dog runs a", "</S>", "<UNK> <UNK> </S>"
    )
    assert dotted == pytest.approx(plain)
    assert broken_off < plain
    assert 0 <= empty < 0.5
    assert 0 <= none < 0.5
    with_unknown, with_known = score(3, "a <UNK> sleeps </S>", "a cat sleeps </S>")
    assert with_unknown < with_known


@pytest.mark.parametrize("is_single", [False, True])
def test_all_captions_of_an_image_are_read_however_the_records_hold_them(tmp_path, is_single):
    spec = captioned_images.write_squares(tmp_path / "squares", is_single=is_single, train=1, val=1)
    rewards = read_rewards(spec, "train")
    known = spec.vocabulary
    sentences = ("<S> a blue square is on the left . </S>", "<S> there is a blue one . </S> . .")
    captions = np.array([[known.ids(sentence.split(" ")) for sentence in sentences]])
    right, wrong = (rewards.score(np.array([image]), captions)[0] for image in (0, 4))
    assert (right > 3.5).all()  # Each is one of the two references.
    assert (wrong < right).all()
