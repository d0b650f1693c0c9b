"""The command that describes records of captions: what it writes and prints."""

import json

from datasets.captioning import specs
from tests.support import captioned_images, command_runs

COMMAND = "datasets/describe_tfrecords.py"


def test_the_command_finds_its_task_describes_and_says_how_to_train(tmp_path):
    built = captioned_images.write_squares(tmp_path / "squares", train=2, val=1)
    (tmp_path / "squares" / "word_counts.txt").write_text(
        "".join(f"{word.encode()} 5\n" for word in built.words[:-1])
    )
    path = tmp_path / "squares" / "dataset.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "splitting": "tutorial"}))
    result = command_runs.run(COMMAND, "--tfrecords=squares", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.strip().endswith("dataset.json exists already; --overwrite replaces it.")
    result = command_runs.run(COMMAND, "--tfrecords=squares", "--overwrite", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == f"squares/dataset.json: a vocabulary of {len(built.words)} words".split()
    assert lines[1][:4] == ["split", "images", "captions", "words"]
    assert lines[2][:4] == ["train", "12", "24", str(built.split("train").num_words - 24)]
    assert lines[3][:3] == ["val", "6", "12"]
    assert result.stdout.splitlines()[-1] == (
        "Train on it: python train.py --task=captioning --dataset_dir=squares"
    )
    spec = specs.read_spec(str(tmp_path / "squares"))
    assert (spec.words, spec.splits) == (built.words, built.splits)
    assert spec.splitting == "tutorial"  # Of the description that was replaced.
    path.unlink()
    result = command_runs.run(COMMAND, "--tfrecords=squares", "--name=new", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    spec = specs.read_spec(str(tmp_path / "squares"))
    assert (spec.name, spec.splitting) == ("new", "im2txt")
