"""What images take in memory, and what there is."""

import numpy as np
import pytest
from PIL import Image

from common import memory as common_memory
from serving import memory


@pytest.mark.parametrize(
    ("name", "mode", "how", "bytes_per_pixel"),
    [
        ("x.jpg", "RGB", {}, 5),
        ("x.jpg", "RGB", {"progressive": True}, 10),
        ("x.jpg", "CMYK", {"progressive": True}, 12),
        ("x.jpg", "L", {"progressive": True}, 9),
        ("x.png", "RGBA", {}, 9),
        ("x.bmp", "RGB", {}, 5),
        ("x.png", "RGB", {}, 5),
        ("x.jpg", "RGB", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}, 9),
    ],
)
def test_memory_of_decoding(tmp_path, name, mode, how, bytes_per_pixel):
    path = str(tmp_path / name)
    Image.new(mode, (40, 30)).save(path, **how)
    assert memory.read_head(path) == memory.Head(30, 40, bytes_per_pixel * 30 * 40)


def test_decoders_that_hold_the_file_are_counted_with_it(tmp_path):
    path = tmp_path / "x.webp"
    Image.new("RGB", (40, 30)).save(path)
    assert memory.read_head(str(path)).read_bytes == 17 * 30 * 40 + path.stat().st_size


def test_memory_grows_with_pixels_and_probabilities():
    small, large = (memory.Head(n, n, 9 * n * n) for n in (4000, 8000))
    take = memory.image_bytes
    assert 3 * take(small, 0, False) < take(large, 0, False) < 4 * take(small, 0, False)
    assert take(small, 21, False) - take(small, 0, False) == 6 * 21 * 4000**2
    assert take(small, 0, True) > 3 * take(small, 0, False)
    costly = memory.Head(10, 10, 1 << 40)
    assert take(costly, 0, False) == 1 << 40


def test_tiles_count_only_beside_what_else_is_held_meanwhile():
    head = memory.Head(14_000, 14_000, 0)
    pixels = 14_000**2
    assert memory.image_bytes(head, 0, False, 1 << 40) == 5 * pixels + (1 << 40)
    # The overlay is half as high and wide as the image.
    assert 6 * pixels < memory.image_bytes(head, 0, False, 1) < 7 * pixels
    assert memory.image_bytes(head, 0, True, 1) == memory.image_bytes(head, 0, False, 1)


def test_a_narrow_image_counts_with_the_width_of_its_legend():
    assert memory.image_bytes(memory.Head(10_000, 1, 0), 0, False) > 6 * 499 * 10_000


def test_the_budget_is_what_the_process_leaves(monkeypatch):
    monkeypatch.setattr(memory, "resident_bytes", lambda: 600 * memory.MIB)
    budget = memory.Budget(2000 * memory.MIB)
    assert budget.for_images == 1300 * memory.MIB
    head = memory.Head(12000, 11000, 0)
    assert str(budget.refusal("a\x1b.jpg", head, 1900 * memory.MIB)) == (
        "a\\x1b.jpg: 12000x11000 pixels (height x width) take about 1900 MB from reading to "
        "writing; the limit is 2000 MB, of which the model leaves 1300 MB. Allow more with "
        "--memory_limit_mb=2600, or cut the image into parts."
    )


def test_the_advice_suffices_where_the_model_alone_takes_more_than_the_limit(monkeypatch):
    monkeypatch.setattr(memory, "resident_bytes", lambda: 600 * memory.MIB)
    budget = memory.Budget(300 * memory.MIB)
    assert budget.for_images == 0
    refusal = str(budget.refusal("a.jpg", memory.Head(90, 95, 0), memory.MIB))
    assert "Allow more with --memory_limit_mb=701, or" in refusal
    assert memory.Budget(701 * memory.MIB).for_images == memory.MIB


def test_the_default_limit_is_most_of_the_free_memory_without_swap(monkeypatch):
    def available_bytes(with_swap):
        assert not with_swap
        return free

    monkeypatch.setattr(common_memory, "available_bytes", available_bytes)
    free = 2_000_000
    assert memory.default_limit() == 1_400_000
    free = None
    assert memory.default_limit() > 1 << 20


def test_resident_memory_is_that_of_this_process():
    before = memory.resident_bytes()
    array = np.ones(1 << 27, np.uint8)
    assert (1 << 26) < memory.resident_bytes() - before < (1 << 28)
    assert array[0] == 1
