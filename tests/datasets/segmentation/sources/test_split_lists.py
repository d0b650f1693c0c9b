"""datasets.segmentation.sources.split_lists: what lines mean, given the files that are there."""

import numpy as np
import pytest

from datasets.segmentation.sources import listing, pairing, split_lists
from tests.support.sample_images import save, smooth_rgb

IDS = np.zeros((4, 6), np.uint8)


def make_pairing(root, *names: str, images: str = ".jpg") -> pairing.Pairing:
    for name in names:
        save(root / "images" / f"{name}{images}", smooth_rgb(4, 6))
        save(root / "masks" / f"{name}.png", IDS)
    return pairing.match(
        listing.index_images(str(root / "images")), listing.index_masks(str(root / "masks"))
    )


def resolve(root, pairs: pairing.Pairing, content: str | bytes):
    path = root / "train.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return split_lists.resolve(split_lists.read_list(str(path)), pairs, "train")


def names(root, pairs: pairing.Pairing, content: str | bytes) -> list[str]:
    chosen, problems = resolve(root, pairs, content)
    assert problems == ()
    return list(chosen)


def test_names_with_spaces_and_commas(tmp_path):
    wanted = ["IMG 001", "my photo (1)", "a, b", "IMG", "001", "it's", "x;y", "2008.v1"]
    pairs = make_pairing(tmp_path, *wanted)
    assert names(tmp_path, pairs, "\n".join(wanted)) == wanted
    assert names(tmp_path, pairs, "\n".join(f"{name}.jpg" for name in wanted)) == wanted
    assert names(tmp_path, pairs, "\n".join(f"images/{name}.JPG" for name in wanted)) == wanted


@pytest.mark.parametrize(
    "line",
    [
        "images/IMG 001.jpg masks/IMG 001.png",
        "images/IMG 001.jpg\tmasks/IMG 001.png",
        "images/IMG 001.jpg,masks/IMG 001.png,",
        "images/IMG 001.jpg; masks/IMG 001.png;",
        '"images/IMG 001.jpg","masks/IMG 001.png"',
        "'IMG 001.jpg' 'IMG 001.png'",
        '"IMG 001"',
        "IMG 001.jpg, ",
        "C:\\data\\images\\IMG 001.jpg",
        "./images/IMG 001.jpg",
        "/data/train/IMG 001.png /data/trainannot/IMG 001.png;",
        "IMG 001 IMG 001",
        "IMG 001 -1",
        "images/IMG 001.jpg word",
    ],
)
@pytest.mark.parametrize("end", ["", "\r\n\r\n# comment\r\n"])
def test_a_line_with_an_image_and_a_mask(tmp_path, line, end):
    pairs = make_pairing(tmp_path, "IMG 001", "IMG 002")
    assert names(tmp_path, pairs, line + end) == ["IMG 001"]


def test_lines_of_several_programs(tmp_path):
    pairs = make_pairing(tmp_path, "plain", "2008.v1", "file", "0001TP", "windows")
    content = (
        "# comment\n\nplain\n2008.v1\nfile.jpg\n"
        "/SegNet/CamVid/train/0001TP.png /SegNet/CamVid/trainannot/0001TP.png;\n"
        "C:\\images\\windows.JPG\n"
    )
    assert names(tmp_path, pairs, content) == ["plain", "2008.v1", "file", "0001TP", "windows"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path, encoding, newline):
    pairs = make_pairing(tmp_path, "Öl 1", "b")
    content = newline.join(["Öl 1.jpg", "", "b"]).encode(encoding)
    assert names(tmp_path, pairs, content) == ["Öl 1", "b"]


def test_a_line_chooses_another_mask(tmp_path):
    pairs = make_pairing(tmp_path, "a", "b")
    chosen, problems = resolve(tmp_path, pairs, "images/a.jpg masks/b.png\n")
    assert problems == ()
    (sample,) = pairs.choose("train", chosen)[0]
    assert (sample.image_path, sample.mask_path) == (pairs.images["a"], pairs.masks["b"])


def test_a_heading_is_passed_over(tmp_path):
    pairs = make_pairing(tmp_path, "a", "b")
    assert names(tmp_path, pairs, "image,mask\na.jpg,a.png\n") == ["a"]
    assert names(tmp_path, make_pairing(tmp_path, "image"), "image\na\n") == ["image", "a"]


def test_folders_in_lists(tmp_path):
    pairs = make_pairing(tmp_path, "w", "town/w", "town/x", "lake/y 1")
    content = "w\ntown/w.jpg\nx\nimages/lake/y 1.jpg masks/lake/y 1.png\n"
    assert names(tmp_path, pairs, content) == ["w", "town/w", "town/x", "lake/y 1"]
    chosen, (problem,) = resolve(tmp_path, pairs, "x\ncity/w.jpg\n")
    assert list(chosen) == ["town/x"]
    assert "several examples are called so: town/w, w. Write the folder too" in problem.message


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("IMG 01.jpg", "'IMG 001'"),
        ("img 001", "'IMG 001'"),
        ("IMG_001", "'IMG 001'"),
        ("images/IMG 01.jpg masks/IMG 01.png", "'IMG 001'"),
        ("tree/x", "'town/x'"),
        ("Öll", "'Öl'"),
    ],
)
def test_a_typo_is_one_error_and_a_question(tmp_path, line, meant):
    pairs = make_pairing(tmp_path, "IMG 001", "town/x", "lake/x", "Öl")
    pairs_of_x = make_pairing(tmp_path / "x", "town/x", "b") if line == "tree/x" else pairs
    other = "b" if line == "tree/x" else "lake/x"
    chosen, (problem,) = resolve(tmp_path, pairs_of_x, f"{other}\n{line}\n")
    assert list(chosen) == [other]
    assert (problem.severity, problem.kind, problem.split) == ("error", "list", "train")
    assert problem.path == str(tmp_path / "train.txt")
    assert problem.message.startswith(f"line 2 names {line!r}: no image and no mask")
    assert problem.message.endswith(f"Did you mean {meant}?")


def test_a_name_is_never_cut_at_a_space_to_fit_a_file(tmp_path):
    pairs = make_pairing(tmp_path, "IMG", "b")
    chosen, (problem,) = resolve(tmp_path, pairs, "b\nIMG 001\n")
    assert list(chosen) == ["b"]
    assert "line 2 names 'IMG 001'" in problem.message


def test_a_mask_that_is_not_there_is_named(tmp_path):
    pairs = make_pairing(tmp_path, "a", "b")
    _, (problem,) = resolve(tmp_path, pairs, "b\na.jpg masks/c.png\n")
    assert "there is no mask 'masks/c.png' in" in problem.message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\n#a\n,,\n", "names no example"),
        (b"a\na.jpg\n", "names 'a' twice"),
        (b"\xff\xfe\0", "not a text file in UTF-8"),
        ("a\nb\nÖl".encode("latin-1"), "byte 0xd6 in line 3 is not UTF-8.*Save it as UTF-8"),
        ("a\nÖl".encode("utf-16-le"), "Save it as UTF-8"),
        (b"c\nd\n", "no example that it names is there.* 'c', and images are called 'a'"),
    ],
)
def test_wrong_list_is_named(tmp_path, content, message):
    with pytest.raises(ValueError, match=rf"train\.txt: .*{message}"):
        resolve(tmp_path, make_pairing(tmp_path, "a", "b"), content)


@pytest.mark.parametrize("line", ["images/typo.jpg masks/b.png", "typo.jpg b.png", "typo, b"])
def test_the_mask_of_a_line_does_not_stand_for_its_image(tmp_path, line):
    pairs = make_pairing(tmp_path, "a", "b")
    chosen, (problem,) = resolve(tmp_path, pairs, f"a\n{line}\n")
    assert list(chosen) == ["a"]
    assert "no image and no mask is called so" in problem.message


def test_folders_with_spaces_in_front_of_names_with_spaces(tmp_path):
    pairs = make_pairing(tmp_path, "IMG", "001", "IMG 001")
    content = "/my data/v2 (x)/images/IMG 001.jpg\n/my data/images/IMG /my data/masks/IMG\n"
    assert names(tmp_path, pairs, content) == ["IMG 001", "IMG"]
