"""Describes images: infer.py. `infer_flags` has its words and flags."""

import csv
import functools
import io
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from PIL import Image

from captioning.commands.infer_flags import InferOptions
from commands import told_images
from commands.flags import Flags
from commands.told_images import Telling, Told
from common import files, json_files
from common.texts import printable
from datasets.captioning import vocabulary
from datasets.captioning.vocabulary import Vocabulary
from serving import export_file
from serving.caption_model import Caption, CaptionModel
from serving.drawing import attention

_Captions: TypeAlias = list[Caption]

# COCO_val2014_000000000042.jpg, or 000000000042.jpg.
_COCO_NAME = re.compile(r"(?:COCO_\w+_)?0*(\d{1,18})")
_SHEET_ENDING = "_caption.png"


def main(flags: Flags, arguments: list[str]) -> int:
    """Turns flags into options and describes the images; returns the exit status."""
    options = flags.options(InferOptions)
    ids = _read_ids(options.coco_images)
    sheet_names: set[str] = set()
    known = None
    if options.vocab_file is not None:
        known = vocabulary.read_word_counts(options.vocab_file)
    if options.sheet_dir is not None:
        told_images.check_writable("sheet_dir", options.sheet_dir)

    def open_model(num_images: int) -> CaptionModel:
        del num_images
        model = CaptionModel(
            options.model or export_file.find_newest_export(),
            options.engine,
            precision=options.precision,
            num_threads=options.num_threads,
            trust=options.trust,
        )
        if known is not None:
            ours = Vocabulary(model.words, known.splitting)
            ours.check_equal(known, model.path, printable(options.vocab_file or ""))
        return model

    def answer(model: CaptionModel, images: Sequence[tuple[str, Image.Image]]) -> list[_Captions]:
        captions = model.run_batch([image for _, image in images])
        for (path, image), (best, *_) in zip(images, captions, strict=True):
            if options.text_files:
                _write_text(path, best)
            if options.sheet_dir is not None:
                sheet_path = _free_path(options.sheet_dir, path, sheet_names)
                _write_sheet(sheet_path, image, best, model.seen_share)
        return [each[: options.top] for each in captions]

    how = Telling(
        open_model,
        answer,
        _lines,
        {".json": functools.partial(_as_json, ids=ids), ".csv": _as_csv},
        "describing",
    )
    return told_images.tell([*arguments, *options.input_files], options, how)


def _lines(captions: _Captions) -> list[str]:
    told = [f"{each.text} (p={each.probability:.6f})" for each in captions]
    return told if len(told) == 1 else [f"{rank}) {each}" for rank, each in enumerate(told, 1)]


def _as_json(told: Sequence[Told[_Captions]], ids: Mapping[str, int]) -> str:
    """COCO's form of results, with the file's name and the caption's probability besides."""
    content = [
        {
            "image_id": _image_id(each.path, ids),
            "caption": each.answer[0].text,
            "file_name": each.path,
            "log_probability": round(each.answer[0].log_probability, 6),
        }
        for each in told
        if each.answer
    ]
    num_twice = len(content) - len({entry["image_id"] for entry in content})
    if num_twice:
        print(
            f"note: {num_twice} images have the image_id of another one; --coco_images tells them "
            "apart",
            file=sys.stderr,
        )
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _as_csv(told: Sequence[Told[_Captions]]) -> str:
    """A row for each caption: file, rank from 1, caption, probability, and why there is none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "rank", "caption", "probability", "error"])
    for each in told:
        if not each.answer:
            writer.writerow([each.path, "", "", "", each.error])
        for rank, caption in enumerate(each.answer or [], start=1):
            writer.writerow([each.path, rank, caption.text, f"{caption.probability:.9g}", ""])
    return text.getvalue()


def _read_ids(path: str | None) -> dict[str, int]:
    """Returns the ids of images by the names of their files."""
    if path is None:
        return {}
    images = json_files.read_object(path).get("images")
    try:
        assert isinstance(images, list)
        return {os.path.basename(each["file_name"]): int(each["id"]) for each in images}
    except (AssertionError, KeyError, TypeError, ValueError):
        raise ValueError(
            f"--coco_images={printable(path)}: expected COCO's JSON, whose images have file_name "
            "and id."
        ) from None


def _image_id(path: str, ids: Mapping[str, int]) -> int | str:
    name = os.path.basename(path)
    if name in ids:
        return ids[name]
    stem = os.path.splitext(name)[0]
    found = _COCO_NAME.fullmatch(stem)
    return int(found[1]) if found else stem


def _write_text(path: str, caption: Caption) -> None:
    """Writes a caption beside its image; people's own are never replaced."""
    text_path = os.path.splitext(path)[0] + ".txt"
    content = f"{caption.text}\n".encode()
    if os.path.exists(text_path):
        with open(text_path, "rb") as file:
            if file.read(len(content) + 1) == content:
                return
        print(f"note: {printable(text_path)} is there already, and stays", file=sys.stderr)
        return
    files.write(text_path, content)


def _free_path(folder: str, path: str, taken: set[str]) -> str:
    """Returns where the sheet of an image goes, with a number where another one is called so."""
    stem = os.path.splitext(os.path.basename(path))[0]
    name, number = stem + _SHEET_ENDING, 1
    while name in taken:
        number += 1
        name = f"{stem}_{number}{_SHEET_ENDING}"
    taken.add(name)
    return os.path.join(folder, name)


def _write_sheet(path: str, image: Image.Image, caption: Caption, seen_share: float) -> None:
    sheet = attention.draw(image, caption.text, caption.attention, seen_share)
    content = io.BytesIO()
    sheet.save(content, "PNG")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    files.write(path, content.getvalue())
