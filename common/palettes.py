"""Colors for class ids."""


def voc_palette(num_classes: int) -> tuple[tuple[int, int, int], ...]:
    """Returns the colors of the PASCAL VOC devkit for ids 0..num_classes-1 (at most 256).

    The bits of an id are dealt to red, green and blue in turn, each from its highest bit down, so
    neighboring ids get colors that differ much, and no two ids share one.
    """

    def level(class_id: int, channel: int) -> int:
        return sum((class_id >> 3 * place + channel & 1) << 7 - place for place in range(3))

    return tuple((level(each, 0), level(each, 1), level(each, 2)) for each in range(num_classes))
