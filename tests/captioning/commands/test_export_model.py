"""The command `export_model.py` for networks that describe images."""

import json

from captioning.options import ATTENTION, SHOW_AND_TELL
from serving.caption_model import CaptionModel
from tests.support import command_runs, tiny_captioner


def test_an_export_says_what_it_is(tmp_path):
    tiny_captioner.save(tmp_path / "runs" / "looks", ATTENTION)
    tiny_captioner.save(tmp_path / "runs" / "tells", SHOW_AND_TELL)
    looks, tells, refused, formats, size = command_runs.run_series(
        "export_model",
        [
            ["--checkpoint_path=runs/looks", "--beam_size=2", "--max_caption_length=6"],
            ["--checkpoint_path=runs/tells", "--save_im2txt_graph", "--export_path=tells/x.pb"],
            ["--checkpoint_path=runs/looks", "--save_im2txt_graph", "--export_path=none/x.pb"],
            ["--checkpoint_path=runs/looks", "--formats=pb,onnx"],
            ["--checkpoint_path=runs/looks", "--beam_size=0"],
        ],
        cwd=tmp_path,
    )
    assert looks.returncode == tells.returncode == 0, looks.stderr + tells.stderr
    assert "and attention, 11 words, images of any size seen at 64 pixels" in looks.stdout
    described = json.loads((tmp_path / "runs/looks/export/inference_graph.json").read_text())
    assert described["words"] == list(tiny_captioner.WORDS)
    assert described["search"]["beam_size"] == 2
    assert described["attention_size"] == [2, 2]
    with CaptionModel(tmp_path / "runs" / "looks") as model:
        captions = model.run(tiny_captioner.random_image(0, 50, 70))
        assert max(len(caption.words) for caption in captions) <= 5
        assert model.seen_share == 64 / 74
    assert (tmp_path / "tells" / "im2txt_graph.pb").exists()
    lines = (tmp_path / "tells" / "word_counts.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == list(tiny_captioner.WORDS[:-1])
    with CaptionModel(tmp_path / "tells" / "x.pb") as model:
        assert model.run(tiny_captioner.random_image(0, 50, 70))
    assert (refused.returncode, formats.returncode, size.returncode) == (1, 2, 2)
    assert "this network has decoder attention" in refused.stderr
    assert not (tmp_path / "none").exists()
    assert "there is no flag --formats for captioning" in formats.stderr
    assert "beam_size" in size.stderr
