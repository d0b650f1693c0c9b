"""BLEU, ROUGE-L and CIDEr-D: by hand, and equal to what pycocoevalcap says of real captions."""

import json
import math

import pytest

from captioning.evaluation import bleu, cider, ngrams, rouge


@pytest.fixture(scope="module")
def published(shared):
    path = shared / "conformance-siblings" / "caption_metrics.json"
    if not path.exists():
        pytest.skip(f"needs {path}")
    return json.loads(path.read_text())


SYSTEMS = {
    "human: caption 1 against captions 2-5": 1,
    "captions of other pictures against all 5": 0,
    'one sentence for all ("a man is standing on the street")': 0,
    "human minus its last two words": 1,
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_real_captions_score_as_published(published, name):
    system = published["systems"][name]
    keys = list(published["tokenized_references"])
    references = [
        [caption.split() for caption in published["tokenized_references"][key][SYSTEMS[name] :]]
        for key in keys
    ]
    sentences = system["candidates"] or dict.fromkeys(keys, "a man is standing on the street")
    candidates = [sentences[key].split() for key in keys]
    scores = system["scores"]
    for length, found in enumerate(bleu.score(candidates, references), 1):
        assert found == pytest.approx(scores[f"Bleu_{length}"], abs=1e-9)
    each = [rouge.score(*pair) for pair in zip(candidates, references, strict=True)]
    assert sum(each) / len(each) == pytest.approx(scores["ROUGE_L"], abs=1e-9)
    each = cider.Cider(references).score(candidates)
    assert sum(each) / len(each) == pytest.approx(scores["CIDEr"], abs=1e-9)
    assert each[:10] == pytest.approx(system["cider_of_first_10"], abs=1e-9)


def words(*sentences: str) -> list[list[str]]:
    return [sentence.split() for sentence in sentences]


def test_ngrams_overlap():
    assert ngrams.count(["a", "b", "a", "b"], 2) == {("a", "b"): 2, ("b", "a"): 1}
    assert ngrams.count(["a"], 2) == {}


def test_bleu_counts_a_word_as_often_as_a_reference_has_it():
    # The classic case: two of seven, and half of the length's penalty does not apply.
    found = bleu.score(words("the the the the the the the"), [words("the cat is on the mat")])
    assert found[0] == pytest.approx(2 / 7)
    assert found[1] < 1e-6


def test_bleu_of_a_short_caption_is_lowered():
    found = bleu.score(words("a dog"), [words("a dog runs fast", "a dog runs very fast indeed")])
    assert found[0] == pytest.approx(math.exp(1 - 4 / 2))


def test_rouge_takes_the_longest_common_subsequence():
    found = rouge.score(["police", "killed", "the", "gunman"], words("police kill the gunman"))
    assert found == pytest.approx(3 / 4)
    assert rouge.score(["the", "gunman", "killed", "police"], words("police kill the gunman")) == (
        pytest.approx(2 / 4)
    )
    assert rouge.score([], words("a b")) == 0.0
    assert rouge.score(["x"], words("a b")) == 0.0


def test_cider_rewards_what_other_images_do_not_have():
    references = [words("a red car"), words("a blue boat"), words("a green house")]
    perfect = cider.Cider(references).score(words("a red car", "a boat", ""))
    assert perfect[0] == pytest.approx(10 * 3 / 4)  # It has no four words in a row.
    assert 0 < perfect[1] < perfect[0]
    assert perfect[2] == 0.0
    assert cider.Cider(references).score(words("a", "a", "a")) == [0.0] * 3
