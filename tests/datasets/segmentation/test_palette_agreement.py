"""palette_agreement: the same color as another index is found, harmless palettes pass."""

import numpy as np

from datasets.segmentation.class_statistics import count_ids
from datasets.segmentation.masks.raw_mask import RawMask
from datasets.segmentation.palette_agreement import PaletteComparison, used_colors

BLACK, WHITE, RED, BLUE = (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255)
RAMP = [(i, i, i) for i in range(256)]


def make_mask(name: str, indices, palette) -> RawMask:
    return RawMask(name, np.array([indices], np.uint8), np.array(palette, np.uint8))


def make_bilevel(name: str, values) -> RawMask:
    return RawMask(name, np.array([values], np.uint8), is_one_bit=True)


def compare(*masks: RawMask):
    """Returns the disagreements, as (paths, color, indices)."""
    comparison = PaletteComparison()
    used = (used_colors(mask, count_ids(mask.values)) for mask in masks)
    found = [comparison.add(colors) for colors in used if colors is not None]
    return [
        ((d.first.path, d.second.path), d.color, (d.first_index, d.second_index))
        for d in found
        if d is not None
    ]


def test_one_color_as_two_indices():
    found = compare(
        make_mask("a", [0, 1, 2], [BLACK, RED, BLUE]), make_mask("b", [0, 1], [BLACK, BLUE])
    )
    assert found == [(("a", "b"), BLUE, (2, 1))]


def test_inverted_black_and_white():
    palettes = [[BLACK, WHITE], [WHITE, BLACK]]
    found = compare(*(make_mask(name, [0, 1], p) for name, p in zip("ab", palettes, strict=True)))
    assert found == [(("a", "b"), WHITE, (1, 0))]
    found = compare(make_bilevel("a", [0, 1]), make_mask("b", [0, 1], palettes[1]))
    assert found == [(("a", "b"), WHITE, (1, 0))]
    assert compare(make_bilevel("a", [0, 1]), make_mask("b", [0, 1], palettes[0])) == []


def test_black_and_white_as_0_and_255_beside_inverted_palettes():
    gray = RawMask("a", np.array([[0, 255]], np.uint8))
    ramp = make_mask("a", [0, 255], RAMP)
    inverted = make_mask("b", [0, 1], [WHITE, BLACK])
    inverted_ramp = make_mask("b", [0, 255], RAMP[::-1])
    for first, second in [(gray, inverted), (ramp, inverted_ramp), (gray, inverted_ramp)]:
        assert compare(first, second) == [(("a", "b"), WHITE, (255, 0))]
    for upright in (make_bilevel("b", [0, 1]), make_mask("b", [0, 1], [BLACK, WHITE]), ramp):
        assert compare(gray, upright) == []
    # 255 is ignored there, and nothing is painted white.
    assert compare(gray, make_mask("b", [0, 1, 2], [WHITE, RED, BLACK])) == []


def test_files_that_use_one_index_each():
    found = compare(make_mask("a", [1], [BLACK, RED]), make_mask("b", [0], [RED, BLACK]))
    assert found == [(("a", "b"), RED, (1, 0))]


def test_colors_of_unused_indices_do_not_count():
    first = make_mask("a", [0, 1], [BLACK, RED, BLUE])
    second = make_mask("b", [0, 1], [BLACK, RED, (9, 9, 9), BLUE])
    assert compare(first, second, make_mask("c", [0], [BLACK, BLUE, RED])) == []


def test_a_color_that_a_palette_has_twice_does_not_count():
    filled = [BLACK, RED, BLACK, BLACK]  # As libraries fill up the rest of a palette.
    assert compare(make_mask("a", [0, 1], filled), make_mask("b", [3, 1], filled)) == []


def test_what_fills_up_a_palette_does_not_count():
    filled = make_mask("b", [0, 1], [RED, BLACK, BLACK, BLACK])  # As GIF files are.
    found = compare(make_mask("a", [0, 1, 2], [RED, BLUE, BLACK, BLACK]), filled)
    assert found == [(("a", "b"), BLACK, (2, 1))]


def test_a_gray_ramp_tells_nothing():
    colored = make_mask("b", [0, 1, 2], [BLACK, (1, 1, 1), RED])
    assert compare(make_mask("a", [0, 1, 2], RAMP), make_mask("c", [0, 2], RAMP), colored) == []


def test_one_index_of_two_colors_is_uncertain():
    found = compare(make_mask("a", [0, 1], [BLACK, RED]), make_mask("b", [0, 1], [BLACK, BLUE]))
    assert found == [(("a", "b"), RED, (1, 1))]


def test_palettes_in_another_order_are_told_where_each_file_uses_one_index():
    found = compare(
        make_mask("a", [0, 2], [BLACK, BLUE, RED]), make_mask("b", [0, 2], [BLACK, RED, BLUE])
    )
    assert found == [(("a", "b"), RED, (2, 1))]


def test_a_bilevel_file_among_masks_whose_white_is_another_id():
    voc = make_mask("a", [0, 1, 255], [BLACK, RED, *[BLUE] * 253, WHITE])
    assert compare(voc, make_bilevel("b", [0, 1])) == []
