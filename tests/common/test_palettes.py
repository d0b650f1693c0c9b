"""common.palettes: the colors of PASCAL VOC."""

from common import palettes


def test_voc_palette_is_the_devkits():
    palette = palettes.voc_palette(256)
    assert palette[:3] == ((0, 0, 0), (128, 0, 0), (0, 128, 0))
    assert palette[15] == (192, 128, 128)  # person
    assert palette[20] == (0, 64, 128)  # tvmonitor
    assert palette[255] == (224, 224, 192)  # void
    assert len(set(palette)) == 256
