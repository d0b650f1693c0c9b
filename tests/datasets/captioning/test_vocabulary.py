"""Words and their ids, and word_counts.txt as research/im2txt writes it."""

import collections

import pytest

from datasets.captioning import tokens, vocabulary
from datasets.captioning.vocabulary import Vocabulary

CAPTIONS = ["A dog runs.", "A dog sleeps.", "A cat sleeps on a dog."]


def choose(**how) -> Vocabulary:
    counts = vocabulary.count_words(CAPTIONS, tokens.IM2TXT)
    return vocabulary.choose(counts, tokens.IM2TXT, **how)


def test_the_most_frequent_words_come_first_and_rare_ones_are_unknown():
    known = choose(min_count=2)
    assert known.words == ("a", "<S>", "dog", ".", "</S>", "sleeps", "<UNK>")
    assert (known.start, known.end, known.unknown) == (1, 4, 6)
    ids = known.ids(vocabulary.split("A bird sleeps.", tokens.IM2TXT))
    assert ids == [1, 0, 6, 5, 3, 4]
    assert known.sentence(ids) == "a <UNK> sleeps ."
    assert len(choose(min_count=2, max_words=6)) == 6


def test_no_word_is_frequent_enough():
    with pytest.raises(ValueError, match="occurs 9 times or more; lower --min_word_count"):
        choose(min_count=9)


@pytest.mark.parametrize(
    "content",
    [
        "a 4\n<S> 3\n</S> 3\n. 3\n",
        "b'a' 4\nb'<S>' 3\nb'</S>' 3\nb'.' 3\n",
        "a 4\n<S> 3\n</S> 3\n. 3\n<UNK> 0",
    ],
    ids=["Python 2", "Python 3", "with unknown"],
)
def test_word_counts_are_read_in_all_spellings(tmp_path, content):
    path = tmp_path / "word_counts.txt"
    path.write_text(content)
    assert vocabulary.read_word_counts(str(path)).words == ("a", "<S>", "</S>", ".", "<UNK>")


def test_odd_words_come_back(tmp_path):
    path = str(tmp_path / "new" / "word_counts.txt")
    words = ("<S>", "</S>", "b'", "it's", "été", "a\u00a0b", "``", "<UNK>")
    known = Vocabulary(words)
    vocabulary.write_word_counts(path, known, collections.Counter(words))
    assert vocabulary.read_word_counts(path) == known


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a 4\n<S> 3\n", "has no </S>"),
        ("a 4\ndog\n", "line 2: 'dog': it has no number at its end"),
        ("a 4\na 3\n", "line 2: 'a 3': the word comes a second time"),
        ("b'\\xff' 4\n", "line 1: .* not spelled as Python spells them"),
        ("", "has no <S>"),
    ],
)
def test_damaged_word_counts_are_refused_by_line(tmp_path, content, message):
    path = tmp_path / "word_counts.txt"
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        vocabulary.read_word_counts(str(path))


def test_an_unknown_word_in_the_middle_keeps_its_line(tmp_path):
    path = str(tmp_path / "word_counts.txt")
    known = Vocabulary(("<S>", "</S>", "<UNK>", "dog"))
    vocabulary.write_word_counts(path, known, collections.Counter(dog=3))
    assert vocabulary.read_word_counts(path) == known


def test_another_vocabulary_is_named_with_both_sizes():
    ours, theirs = choose(min_count=2), choose(min_count=1)
    ours.check_equal(choose(min_count=2), "x", "y")
    with pytest.raises(
        ValueError, match=r"runs/a has a vocabulary of 7 words, and data another .* 10"
    ):
        ours.check_equal(theirs, "runs/a", "data")
    with pytest.raises(ValueError, match="im2txt words here and tutorial words there"):
        ours.check_equal(Vocabulary(ours.words, tokens.TUTORIAL), "a", "b")
