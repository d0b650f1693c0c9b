"""What a build says at its end."""

import os

import pytest

from datasets.records import building
from tests.support import tiny_dataset


@pytest.mark.parametrize(
    ("folder", "split", "said"),
    [
        ("data/tfrecords/pets", "train", "Train on it: python train.py\n"),
        ("pets", "train", "Train on it: python train.py --dataset_dir=pets\n"),
        ("my pets", "train", "Train on it: python train.py --dataset_dir='my pets'\n"),
        (
            "data/tfrecords/pets",
            "val",
            "There is no split train. To train on another: python train.py --train_split=SPLIT\n",
        ),
    ],
)
def test_the_training_command_finds_the_dataset(tmp_path, monkeypatch, capsys, folder, split, said):
    monkeypatch.chdir(tmp_path)
    os.makedirs(folder)
    images = [("a", *tiny_dataset.random_image(0, 9, 9))]
    spec = tiny_dataset.write(folder, images, split=split)
    building.print_training(spec, "python train.py")
    assert capsys.readouterr().out == said
