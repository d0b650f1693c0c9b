"""A trained network as one file, and what `infer.py` tells with it."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from captioning.options import ATTENTION, SHOW_AND_TELL, SearchOptions
from serving.caption_model import CaptionModel
from tests.support import command_runs, tiny_captioner

NAMES = ("COCO_val2014_000000000042.png", "0007.png", "beach_3.png")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with two exports and three images."""
    folder = tmp_path_factory.mktemp("checkout")
    search = SearchOptions(beam_size=2, max_length=6)
    tiny_captioner.export(folder / "runs" / "looks", ATTENTION, search)
    tiny_captioner.export(folder / "runs" / "tells", SHOW_AND_TELL)
    (folder / "photos").mkdir()
    for seed, (name, size) in enumerate(zip(NAMES, [(50, 71), (64, 64), (30, 20)], strict=True)):
        Image.fromarray(tiny_captioner.random_image(seed, *size)).save(folder / "photos" / name)
    return folder


@pytest.fixture(scope="module")
def results(folder):
    """What infer.py tells in several ways."""
    (folder / "photos" / "0007.txt").write_text("what a person wrote\n")
    (folder / "photos" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0no image")
    images = [{"file_name": name, "id": 100 + index} for index, name in enumerate(NAMES)]
    (folder / "coco.json").write_text(json.dumps({"images": images}))
    for name in ("a", "b"):
        (folder / "same" / name).mkdir(parents=True)
        (folder / "same" / name / "x.png").write_bytes((folder / "photos" / NAMES[1]).read_bytes())
    words = [f"{word} 1" for word in tiny_captioner.WORDS]
    (folder / "words.txt").write_text("\n".join(words))
    (folder / "other.txt").write_text("\n".join([*words[:4], *words[6:]]))
    model = "--model=runs/looks"
    found = command_runs.run_series(
        "infer",
        [
            ["photos", model, "--output=out.json", "--text_files", "--sheet_dir=sheets"],
            ["photos", "--model=runs/tells", "--output=out.csv", "--top=2"],
            ["photos", model, "--output=ids.json", "--coco_images=coco.json"],
            ["photos", model, "--coco_images=photos/0007.txt"],
            ["photos", model, "--beam_size=5"],
            ["--input_files=photos/beach*,photos/0007.png", model, "--vocab_file=words.txt"],
            ["photos", model, "--vocab_file=other.txt"],
            ["photos", model, "--sheet_dir=photos/0007.png/x"],
            ["photos", model, "--precision=int8"],
            ["same/a/x.png", "same/b/x.png", model, "--sheet_dir=same", "--output=new/same.json"],
        ],
        cwd=folder,
    )
    return folder, found


def _expected(folder, path: str) -> list:
    with CaptionModel(str(folder / path)) as model:
        return [model.run(folder / "photos" / name) for name in sorted(NAMES)]


def test_captions_are_printed_and_written_as_coco_takes_results(results):
    folder, (first, *_) = results
    assert first.returncode == 1, "one image is broken"
    assert "error: photos/broken.jpg: " in first.stderr
    expected = _expected(folder, "runs/looks")
    lines = first.stdout.splitlines()
    for name, captions, line in zip(sorted(NAMES), expected, lines, strict=False):
        assert line.startswith(f"photos/{name}: {captions[0].text} (p=")
    told = json.loads((folder / "out.json").read_text())
    assert [each["image_id"] for each in told] == [7, 42, "beach_3"]
    assert [each["caption"] for each in told] == [captions[0].text for captions in expected]
    np.testing.assert_allclose(
        [each["log_probability"] for each in told],
        [captions[0].log_probability for captions in expected],
        atol=1e-4,
    )


def test_texts_lie_beside_images_and_replace_nothing(results):
    folder, (first, *_) = results
    expected = _expected(folder, "runs/looks")
    assert (folder / "photos" / "beach_3.txt").read_text() == f"{expected[2][0].text}\n"
    assert (folder / "photos" / "0007.txt").read_text() == "what a person wrote\n"
    assert "note: photos/0007.txt is there already, and stays" in first.stderr


def test_a_sheet_has_a_panel_for_each_word(results):
    folder, _ = results
    expected = _expected(folder, "runs/looks")
    for name, captions in zip(sorted(NAMES), expected, strict=True):
        with Image.open(folder / "sheets" / f"{name[:-4]}_caption.png") as sheet:
            assert sheet.width == 12 + 172 * min(5, 1 + len(captions[0].words))


def test_several_captions_are_rows_of_a_table(results):
    folder, (_, second, *_) = results
    expected = _expected(folder, "runs/tells")
    assert f"photos/0007.png:\n  1) {expected[0][0].text} (p=" in second.stdout
    with open(folder / "out.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    good = [row for row in rows if not row["error"]]
    assert [row["caption"] for row in good] == [
        caption.text for captions in expected for caption in captions[:2]
    ]
    assert [row["rank"] for row in good] == ["1", "2"] * 3
    assert [row["file"] for row in rows if row["error"]] == ["photos/broken.jpg"]


def test_ids_come_from_cocos_file(results):
    folder, _ = results
    told = json.loads((folder / "ids.json").read_text())
    assert [each["image_id"] for each in told] == [101, 100, 102]


def test_images_of_one_name_do_not_replace_each_other(results):
    folder, (*_, same) = results
    assert same.returncode == 0, same.stderr
    assert {path.name for path in (folder / "same").glob("*.png")} == {
        "x_caption.png",
        "x_2_caption.png",
    }
    told = json.loads((folder / "new" / "same.json").read_text())
    assert [each["file_name"] for each in told] == ["same/a/x.png", "same/b/x.png"]
    assert "note: 1 images have the image_id of another one" in same.stderr


def test_im2txts_flags_name_images_and_their_vocabulary_is_compared(results):
    _, (*_, named, _, _, _, _) = results
    assert named.returncode == 0, named.stderr
    lines = named.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == ["photos/beach_3.png", "photos/0007.png"]


def test_wrong_input_is_one_line(results):
    _, (*_, coco, beam, _, words, sheets, precision, _) = results
    messages = (
        (coco, "0007.txt"),
        (beam, "--beam_size is fixed in the export: give it to export_model.py"),
        (words, "a vocabulary of 11 words, and other.txt another one, of 9 (word 4 is"),
        (sheets, "choose another --sheet_dir"),
        (precision, "searched for word by word, which only TensorFlow does"),
    )
    for result, message in messages:
        assert result.returncode in (1, 2)
        assert message in result.stderr
