"""The captions of COCO, Flickr8k and Flickr30k in one JSON file, with the splits of most papers.

    coco/                              flickr8k/
      dataset_coco.json                  dataset_flickr8k.json
      train2014/…  val2014/…             Images/1000268201_693b08cb0e.jpg

Karpathy and Fei-Fei, "Deep Visual-Semantic Alignments for Generating Image Descriptions", arXiv
1412.2306. Each image of the file says its `split`; `restval`, what is left of COCO's validation
images, is trained on, as everybody does.
"""

import glob
import os
from collections.abc import Mapping, Sequence
from typing import Any

from common.texts import printable
from datasets.captioning.sources import source
from datasets.captioning.sources.source import Sample, Source
from datasets.images import image_folders
from datasets.records.problems import Problem

EXPECTED = "Karpathy's dataset_coco.json, or that of Flickr8k or Flickr30k, and its images"
_REST = "restval"


def open_source(data_dir: str, *, val_fraction: float | None = None, seed: int = 0) -> Source:
    """Opens a folder, after which the dataset is named.

    Args:
      data_dir: the folder.
      val_fraction, seed: see `source.make_source`.

    Raises:
      ValueError: the folder has another layout, or a file is not as expected.
    """
    data_dir = os.path.normpath(data_dir)
    image_folders.require_folder(data_dir, EXPECTED)
    paths = find_files(data_dir)
    if len(paths) != 1:
        found = " and ".join(map(os.path.basename, paths)) or image_folders.name_entries(data_dir)
        raise ValueError(
            f"{printable(data_dir)} holds {printable(found)}. Expected one file: {EXPECTED}."
        )
    (path,) = paths
    images = _parse(path)
    problems: list[Problem] = []
    found_splits: dict[str, list[Sample]] = {}
    folders: dict[str, str] = {}
    for image in images:
        name, folder = image["filename"], image.get("filepath") or ""
        if folder not in folders:  # The first image of each tells where they are.
            folders[folder] = _find_images(data_dir, folder, name)
        split = source.TRAIN if image["split"] == _REST else image["split"]
        image_id = image.get("cocoid")
        sample = source.make_sample(
            name,
            os.path.join(folders[folder], name),
            source.number_of(name) if image_id is None else image_id,
            [_text(sentence) for sentence in image["sentences"]],
            split,
            path,
            problems,
        )
        found_splits.setdefault(split, []).append(sample)
    if source.TRAIN not in found_splits:
        raise ValueError(
            f"{printable(path)} has the splits {', '.join(found_splits) or '(none)'}, and no train."
        )
    return source.make_source(data_dir, found_splits, val_fraction, seed, problems)


def find_files(data_dir: str) -> list[str]:
    """Returns the files of a folder, and of its `annotations`, that are named as Karpathy's."""
    folders = [glob.escape(folder) for folder in (data_dir, os.path.join(data_dir, "annotations"))]
    return [
        path
        for folder in folders
        for path in sorted(glob.glob(os.path.join(folder, "dataset_*.json")))
    ]


def _find_images(data_dir: str, folder: str, name: str) -> str:
    """Returns the folder of the images that the file says to be in `folder`, which may be ""."""
    if not folder:
        return source.find_images(data_dir, name, EXPECTED)
    candidates = [os.path.join(data_dir, *parts, folder) for parts in ((), ("images",))]
    return next(filter(os.path.isdir, candidates), candidates[0])


def _text(sentence: Mapping[str, Any]) -> str:
    return sentence.get("raw") or " ".join(sentence.get("tokens", ()))


def _parse(path: str) -> Sequence[Mapping[str, Any]]:
    """Returns the images of a file (ValueError: it is not in Karpathy's form)."""
    content = source.read_json(path)
    images = content.get("images") if isinstance(content, dict) else None
    if not isinstance(images, list):
        raise ValueError(f"{printable(path)} has no list 'images'; expected {EXPECTED}.")
    for index, image in enumerate(images):
        wrong = _find_fault(image)
        if wrong:
            raise ValueError(f"{printable(path)}: images[{index}] has {wrong}.")
    return images


def _find_fault(image: Any) -> str | None:
    """Returns what is wrong with an image of the file; None where nothing is."""
    if not isinstance(image, dict):
        return f"{str(image)[:40]!r} in place of an object"
    for key in ("filename", "split"):
        if not isinstance(image.get(key), str) or not image[key]:
            return f"{key} {str(image.get(key))[:40]!r}; expected text"
    if not isinstance(image.get("filepath", ""), str):
        return f"filepath {str(image['filepath'])[:40]!r}; expected text"
    if not isinstance(image.get("cocoid", 0), int):
        return f"cocoid {str(image['cocoid'])[:40]!r}; expected a whole number"
    sentences = image.get("sentences")
    if not isinstance(sentences, list):
        return "no list 'sentences'"
    for sentence in sentences:
        tokens = sentence.get("tokens", []) if isinstance(sentence, dict) else None
        is_text = isinstance(tokens, list) and all(isinstance(each, str) for each in tokens)
        if not is_text or not isinstance(sentence.get("raw", ""), str):
            return f"the sentence {str(sentence)[:40]!r}; expected raw, a text, or tokens, words"
    return None
