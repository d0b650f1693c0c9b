"""Folders of images, by the names that people give them."""

from datasets.images import image_folders


def test_names_that_people_take_for_the_same_are_folded_alike():
    same = ("Street_01", "street-01", "STREET 01", "s.treet01")
    assert {image_folders.fold(name) for name in same} == {"street01"}
    assert image_folders.fold("straße") == image_folders.fold("STRASSE")
    assert image_folders.fold("a1") != image_folders.fold("a2")
    assert image_folders.compose("u\u0308") == "ü"
