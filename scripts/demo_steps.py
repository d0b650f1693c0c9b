"""The steps of the demo, and the image that shows its results: what `scripts.demo` runs."""

import glob
import io
import os
import time

from PIL import Image

from commands.flags import Flags
from common import files, json_files
from scripts import demo_runner
from scripts.demo import DemoOptions

IMAGES = "data/demo"
RECORDS = "data/tfrecords/demo"
RUN = "runs/demo"
MASKS = "masks/demo"
SHEET = "masks/demo.png"
# Rows of the image that shows results.
_SHEET_ROWS = 4
_PANEL_SIZE = (256, 192)  # width, height


def commands(steps: int) -> list[list[str]]:
    """Returns the demo's commands, in order, without the interpreter."""
    return [
        ["-m", "datasets.build_tfrecords", "--dataset=demo", f"--output_dir={RECORDS}"],
        [
            "train.py",
            "--flagfile=recipes/demo.flags",
            f"--dataset_dir={RECORDS}",
            f"--train_logdir={RUN}",
            f"--training_number_of_steps={steps}",
        ],
        [
            "eval.py",
            f"--checkpoint_dir={RUN}",
            f"--dataset_dir={RECORDS}",
            "--max_number_of_evaluations=1",
        ],
        ["export_model.py", f"--checkpoint_path={RUN}"],
        [
            "infer.py",
            f"{IMAGES}/val/images",
            f"--model={RUN}/export/frozen_inference_graph.pb",
            f"--output={MASKS}",
        ],
    ]


def main(flags: Flags, arguments: list[str]) -> int:
    del arguments
    start = time.time()
    status = demo_runner.run(commands(flags.options(DemoOptions).steps))
    if status:
        return status
    draw_sheet()
    minutes = (time.time() - start) / 60
    print(f"""
Done in {minutes:.1f} minutes. Mean IoU on the demo's validation images: {newest_miou():.3f}

  images and masks     {IMAGES}/
  TFRecords            {RECORDS}/
  checkpoints, curves  {RUN}/   (make tensorboard shows them)
  scores               {RUN}/eval/
  exported model       {RUN}/export/frozen_inference_graph.pb
  masks and overlays   {MASKS}/
  some of them         {SHEET}

Your own images: README.md, "Your own data".""")
    return 0


def newest_miou() -> float:
    """Returns the mean IoU that eval.py wrote last."""
    newest = max(glob.glob(f"{RUN}/eval/*.json"), key=os.path.getmtime)
    miou = json_files.read_object(newest).get("miou")
    return json_files.check(miou, float, newest, "miou")


def draw_sheet() -> None:
    """Draws some images, true masks, predicted masks and overlays side by side."""
    overlays = sorted(glob.glob(f"{MASKS}/*_overlay.jpg"))
    chosen = overlays[:: max(1, len(overlays) // _SHEET_ROWS)][:_SHEET_ROWS]
    width, height = _PANEL_SIZE
    sheet = Image.new("RGB", (4 * width, len(chosen) * height))
    for row, overlay in enumerate(chosen):
        name = os.path.basename(overlay).removesuffix("_overlay.jpg")
        panel_files = (
            f"{IMAGES}/val/images/{name}.jpg",
            f"{IMAGES}/val/masks/{name}.png",
            f"{MASKS}/{name}_mask.png",
            overlay,
        )
        panels = [Image.open(file).convert("RGB") for file in panel_files]
        panels[-1] = panels[-1].crop((0, 0, *panels[0].size))  # without its legend
        for column, panel in enumerate(panels):
            sheet.paste(panel.resize(_PANEL_SIZE), (column * width, row * height))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    files.write(SHEET, content.getvalue())
