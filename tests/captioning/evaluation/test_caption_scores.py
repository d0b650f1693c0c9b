"""What is said of the captions of a set of images."""

import pytest

from captioning.evaluation import bleu, caption_scores

REFERENCES = {
    1: [["<S>", "a", "dog", "runs", ".", "</S>"], ["<S>", "the", "dog", "is", "fast", "</S>"]],
    2: [["<S>", "a", "cat", "sleeps", ".", "</S>"]],
}


def test_marks_and_punctuation_are_not_compared():
    found = {1: ["a", "dog", "runs", "."], 2: ["a", "cat", "sleeps"]}
    scores = caption_scores.score(found, REFERENCES, sum_of_losses=4.0, num_words=8)
    assert scores.bleu[:3] == pytest.approx((1.0, 1.0, 1.0), abs=1e-6)
    assert scores.rouge_l == pytest.approx(1.0)
    assert (scores.num_images, scores.num_captions) == (2, 3)
    assert scores.perplexity == pytest.approx(1.6487, abs=1e-4)
    assert (scores.distinct, scores.mean_length) == (1.0, 3.0)
    assert scores.warning() is None
    expected = bleu.score([["a", "dog", "runs"]], [[["a", "dog", "runs"]]])
    assert scores.bleu[0] == pytest.approx(expected[0])


def test_a_caption_of_nothing_is_a_bad_one():
    scores = caption_scores.score({2: ["."]}, REFERENCES, 0.0, 0)
    assert scores.bleu[0] == pytest.approx(0.0, abs=1e-3)
    assert scores.cider == 0.0


@pytest.mark.parametrize(
    ("num_images", "num_captions", "is_told"),
    [(2, 1, False), (8, 1, True), (20, 1, True), (132, 7, True), (132, 30, False), (8, 2, False)],
)
def test_few_different_captions_are_told(num_images, num_captions, is_told):
    found = {image: ["a", str(image % num_captions)] for image in range(num_images)}
    references = {image: [["a", "man", "walks"]] for image in found}
    scores = caption_scores.score(found, references, 1.0, 1)
    assert scores.distinct == num_captions / num_images
    assert (scores.warning() is not None) == is_told


def test_the_same_caption_for_all_images_is_told():
    found = {image: ["a", "man"] for image in range(40)}
    references = {image: [["a", "man", "walks"]] for image in found}
    scores = caption_scores.score(found, references, 1.0, 1)
    assert scores.distinct == 1 / 40
    assert "only 2% of the captions are distinct, and 100% of the images get 'a man'" in (
        scores.warning()
    )
