"""Sheets that show where a network looked for each word."""

import numpy as np
import pytest
from PIL import Image

from serving.drawing import attention

WHITE = Image.new("RGB", (80, 40), (200, 200, 200))


def brightness(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L")).astype(float)


def test_an_image_is_bright_where_the_network_looked():
    looked = np.zeros([2, 2], np.float32)
    looked[0, 1] = 0.7
    lit = brightness(attention.light_up(WHITE, looked))
    assert lit.shape == (40, 80)
    assert lit[:10, -20:].mean() > 190
    assert lit[-10:, :20].mean() < 60


def test_what_the_network_does_not_see_is_dark():
    lit = brightness(attention.light_up(WHITE, np.ones([2, 2], np.float32), seen_share=0.5))
    assert lit[20, 40] == 200
    assert (lit[:8].max(), lit[:, :18].max()) == (40, 40)


@pytest.mark.parametrize("num_words", [0, 1, 2, 3, 5, 6, 7, 13])
def test_a_sheet_has_a_place_for_any_number_of_words(num_words):
    words = [f"word{number}" for number in range(num_words)]
    looked = np.random.RandomState(0).uniform(size=[num_words, 3, 3]).astype(np.float32)
    entries = attention.panels(WHITE, words, looked, 1.0)
    assert [entry.lines[0][0] for entry in entries] == words
    sheet = attention.draw(WHITE, " ".join(words), looked, columns=4)
    side = 160 + 12
    assert sheet.width == 12 + side * min(4, num_words + 1)
    rows = -(-(num_words + 1) // 4)
    assert (sheet.height - 12) % rows == 0
    assert sheet.height > rows * side


def test_a_long_caption_takes_several_lines():
    text = "a dog and another dog run after a ball on the beach"
    lines = [line for line, _ in attention.entry(WHITE, text).lines]
    assert " ".join(lines) == text
    assert len(lines) > 1
    assert all(len(line) <= 27 for line in lines)
