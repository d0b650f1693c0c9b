"""The steps of the captioning demo, and what it reports."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from commands.flags import Flags
from datasets.captioning.sources import caption_demo
from datasets.demo_scenes import captions
from scripts import captioning_demo_steps, demo_runner
from scripts.captioning_demo import CaptioningDemoOptions
from tests.support import command_calls
from tests.support.sample_images import save


def test_every_step_takes_flags_that_its_command_has():
    steps = captioning_demo_steps.commands(70)
    names = [step[1].rpartition(".")[2] if step[0] == "-m" else step[0] for step in steps]
    assert names[:4] == ["build_tfrecords", "train.py", "eval.py", "export_model.py"]
    for name, step in zip(names, steps, strict=True):
        arguments = [each for each in step if each.startswith("--")]
        command_calls.flags(name.removesuffix(".py"), *arguments, task="captioning")
    train = command_calls.flags("train", *steps[1][1:], task="captioning")
    assert train.value("training_number_of_steps") == 70
    assert train.value("decoder") == "attention"
    assert not train.value("random_flip")  # Captions say left and right.


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the demo with commands that end with a status; returns (status, names of scripts)."""
    monkeypatch.chdir(tmp_path)

    def run(status: int) -> tuple[int, list[str]]:
        called: list[str] = []

        def call(command, check):
            called.append(command[1])
            return SimpleNamespace(returncode=status)

        def start(command, stdout, stderr):
            call(command, False)
            return SimpleNamespace(returncode=status, communicate=lambda: (b"", None))

        monkeypatch.setattr(demo_runner.subprocess, "run", call)
        monkeypatch.setattr(demo_runner.subprocess, "Popen", start)
        flags = Flags([CaptioningDemoOptions])
        flags.parse(["demo"])
        return captioning_demo_steps.main(flags, []), called

    return run


@pytest.fixture
def results(run, tmp_path):
    """Writes what the commands would: eight images, and a true caption for each but one."""
    caption_demo.open_source(
        captioning_demo_steps.IMAGES, num_train=2, num_val=8, show_progress=False
    )
    facts = caption_demo.read_facts(captioning_demo_steps.IMAGES, "val")
    rng = np.random.default_rng(0)
    found = {number: captions.draw_captions(rng, each, 1)[0] for number, each in facts.items()}
    wrong = next(number for number, each in facts.items() if each.time != "night")
    found[wrong] = "nothing at night"
    folder = tmp_path / captioning_demo_steps.RUN
    (folder / "eval").mkdir(parents=True)
    (folder / "best_checkpoint").write_text(json.dumps({"step": 40, "cider": 3.5}))
    scores = {"cider": 3.456, "perplexity": 1.3579}
    (folder / "eval/eval-40.json").write_text(json.dumps(scores))
    entries = [{"image_id": number, "caption": text} for number, text in found.items()]
    (folder / "captions.json").write_text(json.dumps(entries))
    for number in range(8):
        shade = np.full((10, 20 + number, 3), 10 * number, np.uint8)
        save(folder / f"sheets/val_{number:04d}_caption.png", shade)
    return folder, facts, found


def test_it_reports_scores_and_what_is_true(run, results, capsys):
    _, facts, _ = results
    status, called = run(0)
    assert (status, len(called)) == (0, len(captioning_demo_steps.commands(1)))
    output = capsys.readouterr().out
    content = json.loads(open(f"{captioning_demo_steps.IMAGES}/captions_val.json").read())  # noqa: SIM115
    said = [(facts[each["image_id"]], each["caption"]) for each in content["annotations"]]
    assert "CIDEr-D              3.46\n" in output
    own = captions.perplexity(said)
    assert f"1.358; that of the grammar which wrote the captions is {own:.3f}\n" in output
    assert "things named         1.000 are there, 1.000 in that number\n" in output
    assert "time of day          0.875 are right\n" in output
    sheet = np.asarray(Image.open(captioning_demo_steps.SHEET))
    assert sheet.shape == (40, 23, 3)
    assert sheet[5::10, 0, 0].tolist() == [0, 10, 20, 30]
    assert (sheet[5, 20:] == 255).all()


def test_it_ends_at_the_first_failure(run, capsys):
    assert run(3) == (3, ["-m"])
    assert "step 1 of the demo ended with status 3" in capsys.readouterr().err


def test_captions_of_other_images_and_damaged_records_are_named(results):
    folder, _, _ = results
    path = folder / "captions.json"
    path.write_text(json.dumps([{"image_id": 999, "caption": "a boat"}]))
    with pytest.raises(ValueError, match=r"captions.json has a caption of image 999, which"):
        captioning_demo_steps.check_captions(str(path))
    (folder / "best_checkpoint").write_text("{}")
    with pytest.raises(ValueError, match=r"best_checkpoint: 'step' is null"):
        captioning_demo_steps.best_step()
