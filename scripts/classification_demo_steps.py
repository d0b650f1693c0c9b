"""The steps of the classification demo: what `scripts.classification_demo` runs."""

import time

from commands.flags import Flags
from common import json_files
from scripts import demo_runner
from scripts.classification_demo import ClassificationDemoOptions

IMAGES = "data/class_demo"
RECORDS = "data/tfrecords/class_demo"
RUN = "runs/class_demo"
# Numbers of steps that run beside those before: vis.py and export_model.py, beside eval.py.
TOGETHER = (4, 5)


def commands(steps: int) -> list[list[str]]:
    """Returns the demo's commands, in order, without the interpreter."""
    on_best = [f"--checkpoint_path={RUN}/best", f"--dataset_dir={RECORDS}"]
    return [
        ["-m", "datasets.build_tfrecords", "--dataset=class_demo", f"--output_dir={RECORDS}"],
        [
            "train.py",
            "--flagfile=recipes/class_demo.flags",
            f"--dataset_dir={RECORDS}",
            f"--train_logdir={RUN}",
            f"--training_number_of_steps={steps}",
        ],
        ["eval.py", *on_best],
        ["vis.py", *on_best],
        ["export_model.py", f"--checkpoint_path={RUN}/best"],
        [
            "infer.py",
            f"{IMAGES}/val/*/*_00?.jpg",
            f"--model={RUN}/export/frozen_inference_graph.pb",
            f"--output={RUN}/classes.csv",
        ],
    ]


def main(flags: Flags, arguments: list[str]) -> int:
    del arguments
    start = time.time()
    status = demo_runner.run(commands(flags.options(ClassificationDemoOptions).steps), TOGETHER)
    if status:
        return status
    step, accuracy = best_accuracy()
    print(f"""
Done in {time.time() - start:.0f} seconds. Accuracy on the demo's validation images: {accuracy:.3f}

  images by class      {IMAGES}/
  TFRecords            {RECORDS}/
  checkpoints, curves  {RUN}/   (make tensorboard shows them)
  the best checkpoint  {RUN}/best/
  scores, confusions   {RUN}/eval/eval-{step}.json  confusion-{step}.png
  a sheet of images    {RUN}/vis/predictions-{step}.png
  exported model       {RUN}/export/frozen_inference_graph.pb
  classes of images    {RUN}/classes.csv

Your own images: docs/classification.md.""")
    return 0


def best_accuracy() -> tuple[int, float]:
    """Returns step and accuracy of the best checkpoint."""
    path = f"{RUN}/best_checkpoint"
    record = json_files.read_object(path)
    return (
        json_files.check(record.get("step"), int, path, "step"),
        json_files.check(record.get("accuracy"), float, path, "accuracy"),
    )
