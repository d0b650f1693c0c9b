"""Colors for class ids."""


def voc_palette(num_classes: int) -> tuple[tuple[int, int, int], ...]:
    """Returns the colors of the PASCAL VOC devkit for ids 0..num_classes-1 (at most 256).

    The bits of an id are dealt to red, green and blue in turn, each from its highest bit down, so
    neighbouring ids get colors that differ much, and no two ids share one.
    """
    colors = []
    for class_id in range(num_classes):
        color = [0, 0, 0]
        for place in range(3):
            for channel in range(3):
                bit = class_id >> (3 * place + channel) & 1
                color[channel] |= bit << (7 - place)
        colors.append(tuple(color))
    return tuple(colors)
