"""Tiles: where they lie, and what is made of what the network sees in them."""

import numpy as np
import pytest

from serving import tiling

CLASSES = 3


def random_image(height: int, width: int) -> np.ndarray:
    return np.random.RandomState(0).randint(0, 256, [height, width, 3]).astype(np.uint8)


def probabilities_of(tile: np.ndarray) -> np.ndarray:
    """Returns probabilities that depend on nothing but the pixel."""
    exponentials = np.exp(tile.astype(np.float32) / 64)
    return exponentials / exponentials.sum(axis=2, keepdims=True)


def run(tiles):
    return [(tile.argmax(axis=2), probabilities_of(tile)) for tile in tiles]


def blend(image, planned, run=run, **how):
    """Returns class ids and probabilities, and how often each pixel was returned."""
    ids = np.full(planned.size, -1)
    probabilities = np.full([*planned.size, CLASSES], np.nan, np.float32)
    counts = np.zeros(planned.size, int)

    def read(top, bottom, left, right):
        assert 0 <= top < bottom <= planned.size[0]
        assert 0 <= left < right <= planned.size[1]
        return image[top:bottom, left:right]

    for block in tiling.segment(planned, read, run, CLASSES, how.pop("batch_size", 4), **how):
        place = np.s_[
            block.top : block.top + block.ids.shape[0], block.left : block.left + block.ids.shape[1]
        ]
        ids[place] = block.ids
        counts[place] += 1
        if block.probabilities is not None:
            probabilities[place] = block.probabilities
    return ids, probabilities, counts


@pytest.mark.parametrize("size", [(1, 1), (48, 64), (49, 64), (300, 17), (1000, 1001), (97, 5000)])
@pytest.mark.parametrize("overlap", [0, 0.3, 0.5, 0.9])
def test_tiles_cover_an_image_evenly_and_overlap_enough(size, overlap):
    planned = tiling.plan(size, (48, 64), overlap)
    for side, tile, most, starts in zip(
        size, planned.tile, (48, 64), (planned.tops, planned.lefts), strict=True
    ):
        assert tile == min(side, most)
        assert starts[0] == 0
        assert starts[-1] == side - tile
        steps = np.diff(starts)
        if len(steps):
            assert 0 < steps.min() >= steps.max() - 1
            assert steps.max() <= np.ceil(tile * (1 - overlap))
            # One tile less would not do.
            assert (side - tile) / max(1, len(steps) - 1) > tile * (1 - overlap) - 1 or (
                len(steps) == 1
            )
    assert planned.num_tiles == len(planned.tops) * len(planned.lefts)


def test_an_overlap_that_makes_no_sense_is_named():
    for overlap in (-0.1, 1.0, 0.95):
        with pytest.raises(ValueError, match=rf"overlap is {overlap}; expected 0 to 0\.9"):
            tiling.plan((100, 100), (10, 10), overlap)


@pytest.mark.parametrize("overlap", [0, 0.25, 0.5, 0.8])
@pytest.mark.parametrize("max_sums", [1 << 26, 1])
@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("max_finished", [1, 1 << 22])
def test_a_network_of_single_pixels_gives_the_same_in_tiles(
    monkeypatch, overlap, max_sums, batch_size, max_finished
):
    """In one strip of columns, and in as many as there may be."""
    monkeypatch.setattr(tiling, "_MAX_SUMS", max_sums)
    monkeypatch.setattr(tiling, "_MAX_FINISHED", max_finished)
    image = random_image(101, 150)
    planned = tiling.plan((101, 150), (24, 32), overlap)
    assert (len(planned.strips(CLASSES)) > 1) == (max_sums == 1)
    counted = []
    ids, probabilities, counts = blend(
        image, planned, batch_size=batch_size, progress=counted.append
    )
    expected = probabilities_of(image)
    np.testing.assert_array_equal(counts, 1)
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    # Where two classes are all but equal, rounding decides.
    chosen = np.take_along_axis(expected, ids[..., None], axis=2)[..., 0]
    np.testing.assert_allclose(chosen, expected.max(axis=2), atol=1e-6)
    assert sum(counted) == planned.num_runs(CLASSES)
    assert max(counted) <= batch_size


def test_the_blend_is_the_weighted_mean_of_all_tiles_that_see_a_pixel():
    """Against sums over the whole image, with a network whose answer depends on the tile."""
    image = random_image(60, 70)

    def run_with_place(tiles):
        for tile in tiles:
            probabilities = probabilities_of(tile)
            rows = np.linspace(0.2, 3, len(tile))[:, None, None]
            probabilities = probabilities ** (rows * (1 + tile[0, 0, 0] / 100))
            probabilities /= probabilities.sum(axis=2, keepdims=True)
            yield probabilities.argmax(axis=2), probabilities.astype(np.float32)

    planned = tiling.plan((60, 70), (20, 24), 0.6)
    sums, weights = np.zeros([60, 70, CLASSES]), np.zeros([60, 70, 1])
    for top in planned.tops:
        for left in planned.lefts:
            place = np.s_[top : top + 20, left : left + 24]
            ((_, probabilities),) = run_with_place([image[place]])
            down = np.minimum(np.arange(1, 21), np.arange(20, 0, -1)) / 10
            across = np.minimum(np.arange(1, 25), np.arange(24, 0, -1)) / 12
            weight = np.sqrt(np.outer(down, across))[..., None]
            weight = weight * probabilities.max(axis=2, keepdims=True) ** 4
            sums[place] += weight * probabilities
            weights[place] += weight
    _, probabilities, _ = blend(image, planned, lambda tiles: list(run_with_place(tiles)))
    np.testing.assert_allclose(probabilities, sums / weights, atol=1e-5)


def test_without_probabilities_a_pixel_goes_to_the_nearest_middle():
    image = random_image(50, 90)
    planned = tiling.plan((50, 90), (20, 24), 0.5)
    number = iter(range(1000))
    ids, _, counts = blend(
        image,
        planned,
        lambda tiles: [(np.full(tile.shape[:2], next(number)), None) for tile in tiles],
        has_probabilities=False,
    )
    np.testing.assert_array_equal(counts, 1)
    for (row, column), tile in np.ndenumerate(ids):
        distances = [
            [abs(row + 0.5 - top - 10) for top in planned.tops],
            [abs(column + 0.5 - left - 12) for left in planned.lefts],
        ]
        top, left = divmod(tile, len(planned.lefts))
        assert distances[0][top] <= min(distances[0]) + 1
        assert distances[1][left] <= min(distances[1]) + 1


def test_memory_is_bounded_by_a_band_and_not_by_the_height():
    few, many = (tiling.plan((height, 14_000), (193, 257), 0.5) for height in (1000, 14_000))
    assert few.num_bytes(9) == many.num_bytes(9) < 300 << 20
    # 150 classes at 513x513: the sums of a whole band would take 4 GB.
    assert tiling.plan((9000, 14_000), (513, 513), 0.5).num_bytes(150) < 800 << 20
