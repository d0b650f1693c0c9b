"""Colours for class ids."""


def voc_palette(num_classes: int) -> tuple[tuple[int, int, int], ...]:
    """Returns the colours of the PASCAL VOC devkit for ids 0..num_classes-1 (at most 256).

    The bits of an id are dealt to red, green and blue in turn, each from its highest bit down, so
    neighbouring ids get colours that differ much, and no two ids share one.
    """
    colours = []
    for class_id in range(num_classes):
        colour = [0, 0, 0]
        for place in range(3):
            for channel in range(3):
                bit = class_id >> (3 * place + channel) & 1
                colour[channel] |= bit << (7 - place)
        colours.append(tuple(colour))
    return tuple(colours)
