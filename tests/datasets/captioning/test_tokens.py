"""Words of captions, as NLTK's word_tokenize and Keras' Tokenizer split them."""

import pytest

from datasets.captioning import tokens


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("a man riding a wave .", "a man riding a wave ."),
        ("a man riding a wave.", "a man riding a wave ."),
        ("a dog, a cat and 1,000 birds; all run!", "a dog , a cat and 1,000 birds ; all run !"),
        ("it's 3:30, they're off and don't stop", "it 's 3:30 , they 're off and do n't stop"),
        ("the boys' ball (red)", "the boys ' ball ( red )"),
        ('a sign that says "stop" .', "a sign that says `` stop '' ."),
        ('a shirt with " 4 " on it', "a shirt with `` 4 `` on it"),
        ('a sign of "route 66."', "a sign of `` route 66 . ''"),
        ("mr. smith waits. he sits down.", "mr. smith waits . he sits down ."),
        ("a street in washington d.c.", "a street in washington d.c ."),
        ("a u.s. flag and a t-shirt -- both old...", "a u.s. flag and a t-shirt -- both old ..."),
        ("a slip n 'slide, 'tis wet", "a slip n ' slide , ' tis wet"),
        ("one cannot see what they are gonna do", "one can not see what they are gon na do"),
        ("salt&pepper cost $5 or 10%", "salt & pepper cost $ 5 or 10 %"),
        ("", ""),
        (" . ", "."),
    ],
)
def test_words_of_im2txt(caption, words):
    assert tokens.treebank(caption) == words.split()


def test_words_of_the_tutorial():
    assert tokens.tutorial("A man's T-shirt, (red) & new!") == [
        "a",
        "man's",
        "t",
        "shirt",
        "red",
        "new",
    ]
    assert tokens.tutorial(" .,! ") == []
