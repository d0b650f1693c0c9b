"""The steps of the demo of style transfer: what `scripts.style_demo` runs."""

import os
import time

import numpy as np
from PIL import Image

from commands.flags import Flags
from common import files
from datasets.demo_scenes.scene import draw_scene
from scripts import demo_runner
from scripts.style_demo import StyleDemoOptions

IMAGES = "data/style_demo"
RECORDS = "data/tfrecords/class_demo"
RUN = "runs/style_demo"
OUTPUT = "stylized/demo"
SHEET = f"{OUTPUT}/sheet.png"

_SIZE = (192, 256)
_SIDE = 256
_STYLES = ("strokes", "tiles", "rings")
_SEED = 11
_GAP = 8


def commands(options: StyleDemoOptions) -> list[list[str]]:
    """Returns the demo's commands, in order, without the interpreter."""
    train = [
        ["-m", "datasets.build_tfrecords", "--dataset=class_demo", f"--output_dir={RECORDS}"],
        [
            "train.py",
            "--flagfile=recipes/style_demo.flags",
            f"--dataset_dir={RECORDS}",
            f"--train_logdir={RUN}",
            f"--training_number_of_steps={options.steps}",
        ],
    ]
    paint = [
        "-m",
        "style_transfer.stylize",
        f"--content={IMAGES}/town.png",
        "--style=" + ",".join(f"{IMAGES}/{name}.png" for name in _STYLES),
        f"--weights={options.weights or RUN}",
        f"--image_size={_SIDE}",
        f"--output={OUTPUT}",
        f"--logdir={RUN}/painting",
        "--num_scales=2",
        "--num_steps=120",
        # A network that has seen drawings for a minute takes larger shares of style.
        *([] if options.weights else ["--content_weight=0.02"]),
    ]
    return [*(train if options.weights is None else []), paint]


def main(flags: Flags, arguments: list[str]) -> int:
    del arguments
    start = time.time()
    draw_images()
    status = demo_runner.run(commands(flags.options(StyleDemoOptions)))
    if status:
        return status
    write_sheet()
    print(f"""
Done in {time.time() - start:.0f} seconds.

  content and styles   {IMAGES}/
  painted images       {OUTPUT}/
  all beside another   {SHEET}
  curves               {RUN}/   (make tensorboard shows them)

Your own images: make stylize CONTENT=photo.jpg STYLE=painting.jpg; docs/style-transfer.md.""")
    return 0


def draw_images() -> None:
    """Draws the content and the styles, unless they are there."""
    os.makedirs(IMAGES, exist_ok=True)
    random = np.random.default_rng(_SEED)
    town, _ = draw_scene(random, *_SIZE)
    drawn = {"town": town, **{name: draw_pattern(name) for name in _STYLES}}
    for name, pixels in drawn.items():
        path = os.path.join(IMAGES, f"{name}.png")
        if not os.path.exists(path):
            with files.replacing(path) as temporary:
                Image.fromarray(pixels).save(temporary, "PNG")


def draw_pattern(name: str) -> np.ndarray:
    """Draws an image that has a style and no content: uint8 [height, width, 3]."""
    height, width = _SIZE
    random = np.random.default_rng([_SEED, _STYLES.index(name)])
    rows, columns = np.mgrid[:height, :width].astype(float)
    if name == "strokes":
        # Wavy bands of night colors along a field of directions.
        phase = 0.16 * (columns * np.cos(rows / 40) + rows * np.sin(columns / 55))
        palette = np.array([[18, 32, 96], [40, 88, 170], [232, 200, 70], [120, 170, 210]])
    elif name == "tiles":
        centers = random.uniform(0, [height, width], (90, 2))
        distances = (rows[..., None] - centers[:, 0]) ** 2 + (
            columns[..., None] - centers[:, 1]
        ) ** 2
        nearest = np.sort(np.sqrt(distances), axis=-1)[..., :2]
        phase = np.argmin(distances, axis=-1) * 1.7
        palette = np.array([[196, 60, 40], [240, 180, 60], [40, 120, 130], [236, 226, 200]])
    else:
        phase = np.zeros(_SIZE)
        for row, column in random.uniform(0, [height, width], (7, 2)):
            phase += np.sin(0.35 * np.hypot(rows - row, columns - column))
        phase *= 0.8
        palette = np.array([[30, 30, 34], [200, 40, 70], [244, 236, 220], [60, 140, 90]])
    index = np.floor(phase).astype(int) % len(palette)
    pixels = palette[index].astype(float)
    if name == "tiles":
        pixels[nearest[..., 1] - nearest[..., 0] < 3] = 24
    pixels += random.normal(0, 9, pixels.shape)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def write_sheet() -> None:
    """Writes the content, and below each style what was painted in it, into one image."""
    names = ["town", *_STYLES]
    width, height = _SIDE + _GAP, _SIZE[0] + _GAP
    sheet = Image.new("RGB", (len(names) * width + _GAP, 2 * height + _GAP), (255, 255, 255))
    for column, name in enumerate(names):
        paths = [os.path.join(IMAGES, f"{name}.png")]
        if name in _STYLES:
            paths.append(os.path.join(OUTPUT, f"town_{name}.png"))
        for row, path in enumerate(paths):
            sheet.paste(Image.open(path), (_GAP + column * width, _GAP + row * height))
    with files.replacing(SHEET) as temporary:
        sheet.save(temporary, "PNG")
