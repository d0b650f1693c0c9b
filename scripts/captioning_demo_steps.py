"""The steps of the captioning demo: what `scripts.captioning_demo` runs, and what it reports."""

import glob
import io
import time
from collections.abc import Mapping
from typing import Any

from PIL import Image

from commands.flags import Flags
from common import files, json_files
from datasets.captioning.sources import caption_demo
from datasets.demo_scenes import captions, truth
from datasets.demo_scenes.postcard import Facts
from datasets.demo_scenes.truth import Truth
from scripts import demo_runner
from scripts.captioning_demo import CaptioningDemoOptions

IMAGES = "data/caption_demo"
RECORDS = "data/tfrecords/caption_demo"
RUN = "runs/caption_demo"
CAPTIONS = f"{RUN}/captions.json"
SHEETS = f"{RUN}/sheets"
SHEET = f"{RUN}/sheet.png"
# Numbers of steps that run beside those before: the export beside eval.py, and the sheets beside
# the captions of all images.
TOGETHER = (4, 6)
_SHEET_ROWS = 4


def commands(steps: int) -> list[list[str]]:
    """Returns the demo's commands, in order, without the interpreter."""
    model = f"--model={RUN}/export/frozen_inference_graph.pb"
    return [
        ["-m", "datasets.build_tfrecords", "--dataset=caption_demo", f"--output_dir={RECORDS}"],
        [
            "train.py",
            "--flagfile=recipes/caption_demo.flags",
            f"--dataset_dir={RECORDS}",
            f"--train_logdir={RUN}",
            f"--training_number_of_steps={steps}",
        ],
        [
            "eval.py",
            f"--checkpoint_path={RUN}",
            f"--dataset_dir={RECORDS}",
        ],
        ["export_model.py", f"--checkpoint_path={RUN}"],
        [
            "infer.py",
            f"{IMAGES}/images/val",
            model,
            f"--output={CAPTIONS}",
            f"--coco_images={caption_demo.captions_path(IMAGES, 'val')}",
        ],
        ["infer.py", f"{IMAGES}/images/val/val_000?.jpg", model, f"--sheet_dir={SHEETS}"],
    ]


def main(flags: Flags, arguments: list[str]) -> int:
    del arguments
    start = time.time()
    options = flags.options(CaptioningDemoOptions)
    status = demo_runner.run(commands(options.steps), TOGETHER)
    if status:
        return status
    step = best_step()
    path = f"{RUN}/eval/eval-{step}.json"
    scores = json_files.read_object(path)
    cider, perplexity = (
        json_files.check(scores.get(name), float, path, name) for name in ("cider", "perplexity")
    )
    own, shares = check_captions(CAPTIONS)
    draw_sheet()
    print(f"""
Done in {time.time() - start:.0f} seconds. On the demo's validation images:

  CIDEr-D              {cider:.2f}
  perplexity           {perplexity:.3f}; that of the grammar which wrote the captions is {own:.3f}
  things named         {shares.there:.3f} are there, {shares.counted:.3f} in that number
  things shown         {shares.named:.3f} are named
  time of day          {shares.time:.3f} are right
  ground               {shares.ground:.3f} are right
  left, middle, right  {shares.side:.3f} are right, where the captions say it

  images and captions  {IMAGES}/
  TFRecords            {RECORDS}/
  checkpoints, curves  {RUN}/   (make tensorboard shows them)
  the best checkpoint  {RUN}/best/
  scores               {path}
  exported model       {RUN}/export/frozen_inference_graph.pb
  its captions         {CAPTIONS}
  where it looked      {SHEET}  {SHEETS}/

Your own images: docs/captioning.md.""")
    return 0


def best_step() -> int:
    """Returns the step of the best checkpoint."""
    path = f"{RUN}/best_checkpoint"
    return json_files.check(json_files.read_object(path).get("step"), int, path, "step")


def check_captions(path: str) -> tuple[float, Truth]:
    """Compares captions of the validation images, in COCO's form of results, with their facts.

    Returns:
      The perplexity of the grammar on the captions of those images, and how much is true.

    Raises:
      OSError: a file cannot be opened.
      ValueError: a file is damaged, or has captions of other images.
    """
    facts = caption_demo.read_facts(IMAGES, "val")
    known = caption_demo.captions_path(IMAGES, "val")
    own = captions.perplexity(
        _pairs(json_files.read_object(known).get("annotations"), known, facts)
    )
    return own, truth.score(_pairs(json_files.read(path), path, facts))


def _pairs(entries: Any, path: str, facts: Mapping[int, Facts]) -> list[tuple[Facts, str]]:
    """Returns captions, entries of COCO's JSON, with the facts of their images."""
    pairs = []
    for each in json_files.check(entries, tuple[Mapping[str, Any], ...], path, "captions"):
        image_id = json_files.check(each.get("image_id"), int, path, "image_id")
        if image_id not in facts:
            raise ValueError(
                f"{path} has a caption of image {image_id}, which the demo does not have: remove "
                f"{RUN} and start again."
            )
        pairs.append((facts[image_id], json_files.check(each.get("caption"), str, path, "caption")))
    return pairs


def draw_sheet() -> None:
    """Puts some of the sheets of single images below each other."""
    paths = sorted(glob.glob(f"{SHEETS}/*.png"))[:_SHEET_ROWS]
    parts = [Image.open(path).convert("RGB") for path in paths]
    size = (max(part.width for part in parts), sum(part.height for part in parts))
    sheet = Image.new("RGB", size, "white")
    top = 0
    for part in parts:
        sheet.paste(part, (0, top))
        top += part.height
    content = io.BytesIO()
    sheet.save(content, "PNG")
    files.write(SHEET, content.getvalue())
