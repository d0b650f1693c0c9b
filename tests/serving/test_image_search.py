"""Finding the image files that arguments of a command mean."""

import os

from PIL import Image

from serving import image_search
from serving.image_search import Search


def save(path, mode: str = "RGB", **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (4, 3)).save(path, **options)
    return str(path)


def test_files_folders_and_patterns_are_found_once(tmp_path):
    a = save(tmp_path / "a.jpg")
    b = save(tmp_path / "b.PNG", format="PNG")
    deep = save(tmp_path / "sub" / "deep" / "c.tif")
    (tmp_path / "notes.txt").write_text("no image")
    found = image_search.search([a, str(tmp_path), str(tmp_path / "**" / "*.tif")])
    assert found.paths == [a, b, deep]
    assert found.problems == []


def test_links_to_one_file_are_images_of_their_own(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "stored.png")
    for name in ("a.png", "b.png"):
        (folder / name).symlink_to(tmp_path / "stored.png")
    (tmp_path / "linked").symlink_to(folder)
    found = image_search.search([str(folder), str(tmp_path / "linked")])
    assert found.paths == [str(folder / "a.png"), str(folder / "b.png")]


def test_results_of_an_earlier_run_are_not_taken_for_images(tmp_path):
    a = save(tmp_path / "a.jpg")
    mask = save(tmp_path / "a_mask.png")
    assert image_search.search([str(tmp_path)], ["_mask.png"]) == Search([a], [], [])
    assert image_search.search([mask], ["_mask.png"]) == Search([mask], [], [])


def test_arguments_that_mean_nothing_are_named(tmp_path):
    (tmp_path / "empty").mkdir()
    arguments = [str(tmp_path / name) for name in ("empty", "*.jpg", "missing.jpg")]
    found = image_search.search(arguments)
    assert found.paths == []
    assert "holds no images (.jpg" in found.problems[0]
    assert found.problems[1] == f"no image matches '{arguments[1]}'"
    assert found.problems[2] == f"{arguments[2]}: no such file or folder"


def test_a_file_whose_name_looks_like_a_pattern_is_itself(tmp_path):
    path = save(tmp_path / "a[1].png")
    save(tmp_path / "a1.png")
    assert image_search.search([path]) == Search([path], [], [])


def test_skipped_files_are_named(tmp_path):
    a = save(tmp_path / "a.jpg")
    save(tmp_path / "sub" / "deep" / "c.tif")
    for name in ("IMG_1.HEIC", "b.cr2", "notes.txt", ".hidden.jpg", "._a.jpg", ".DS_Store"):
        (tmp_path / name).write_bytes(b"x")
    found = image_search.search([str(tmp_path)])
    assert found.paths == [a]
    assert found.problems == []
    folder = f"folder {tmp_path}"
    assert found.notes == [
        f"{folder}: cannot read IMG_1.HEIC (a HEIC file, as phones take them), b.cr2 (a camera's "
        "raw file). Convert what you need to JPEG or PNG.",
        f"{folder}: skipped files without the name of an image: notes.txt.",
        f"{folder}: skipped 1 image in its subfolders; '{tmp_path}/**' includes them.",
    ]
    everything = image_search.search([str(tmp_path / "**")])
    assert [os.path.basename(path) for path in everything.paths] == ["a.jpg", "c.tif"]


def test_every_ending_that_is_read_is_found(tmp_path):
    names = sorted(f"x{ending}" for ending in image_search.image_files.ENDINGS)
    for name in names:
        (tmp_path / name.upper()).write_bytes(b"x")
    found = image_search.search([str(tmp_path)])
    assert sorted(os.path.basename(path).lower() for path in found.paths) == names
    assert found.problems == []


def test_a_folder_without_images_says_what_it_has(tmp_path):
    save(tmp_path / "sub" / "a.jpg")
    save(tmp_path / "x_mask.png")
    found = image_search.search([str(tmp_path)], ["_mask.png"])
    assert found.paths == []
    assert found.problems[0].endswith(
        f"but its subfolders hold 1 image; '{tmp_path}/**' includes them"
    )
    assert found.notes == [
        f"folder {tmp_path}: skipped files with the name of a result: x_mask.png."
    ]


def test_folders_with_signs_of_patterns_in_their_names(tmp_path):
    inside = save(tmp_path / "a[1]" / "x.png")
    other = save(tmp_path / "a1" / "y.png")
    star = save(tmp_path / "b*" / "z.png")
    assert image_search.search([str(tmp_path / "a[1]")]) == Search([inside], [], [])
    assert image_search.search([str(tmp_path / "a[1]" / "*.png")]) == Search(
        [other, inside], [], []
    )
    assert image_search.search([str(tmp_path / "b*" / "*")]) == Search([star], [], [])


def test_home_is_known(tmp_path, monkeypatch):
    a = save(tmp_path / "a.jpg")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert image_search.search(["~/a.jpg", "~/*.jpg", "~"]) == Search([a], [], [])


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    found = image_search.search([str(tmp_path / "pipe.jpg")])
    assert found.paths == []
    assert found.problems == [f"{tmp_path}/pipe.jpg is neither a file nor a folder"]


def test_names_cannot_reach_the_terminal(tmp_path):
    folder = tmp_path / "a\x1b[31m"
    (folder / "sub").mkdir(parents=True)
    (folder / "b\nc.heic").write_bytes(b"x")
    found = image_search.search([str(folder), str(folder / "none\x07.jpg")])
    for text in (*found.notes, *found.problems):
        assert text.isprintable()
    assert "b\\nc.heic" in found.notes[0]


def test_videos_are_found_where_they_are_wanted(tmp_path):
    a = save(tmp_path / "a.jpg")
    for name in ("b.MP4", "c.mkv", "d.txt", "sub/e.mov"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    found = image_search.search([str(tmp_path)], with_videos=True)
    assert found.paths == [a, str(tmp_path / "b.MP4"), str(tmp_path / "c.mkv")]
    assert found.notes == [
        f"folder {tmp_path}: skipped files without the name of an image or video: d.txt.",
        f"folder {tmp_path}: skipped 1 image or video in its subfolders; '{tmp_path}/**' includes "
        "them.",
    ]
    found = image_search.search([str(tmp_path)])
    assert found.paths == [a]
    assert found.notes[0] == (
        f"folder {tmp_path}: cannot read b.MP4 (a video), c.mkv (a video). Convert what you need "
        "to JPEG or PNG."
    )
    assert image_search.search([f"{tmp_path}/*.flv"], with_videos=True).problems == [
        f"no image or video matches '{tmp_path}/*.flv'"
    ]


def test_addresses_and_cameras_are_no_files():
    for argument in ("https://host/x.jpg", "camera:0", "/dev/video9"):
        assert image_search.search([argument]).problems == [
            f"{argument}: only files are read here, neither addresses nor cameras"
        ]
