"""Contender: builds records of a folder of images and masks, or checks it."""

import os
import shutil
import tempfile

import tensorflow.compat.v1 as tf

from datasets.segmentation import checks
from datasets.segmentation.sources import folder
from reference import converter
from scripts.benchmarks import contender, dataset


def main() -> None:
    channel = contender.Channel()
    parameters = contender.parameters()
    images, what = parameters["images"], parameters["what"]
    pairs = dataset.pairs(images)
    parent = tempfile.mkdtemp()
    output = os.path.join(parent, "records")

    def build() -> None:
        shutil.rmtree(output, ignore_errors=True)
        if what == "check":
            checks.check_source(folder.open_source(images, val_fraction=0.0), show_progress=False)
        elif what == "plain":
            os.makedirs(output)
            converter.convert(pairs, os.path.join(output, "train-00000-of-00001.tfrecord"))
        elif what.startswith("checked"):
            dataset.build_checked(images, output, with_gradient=what.endswith("with gradient"))
        else:
            dataset.build(images, output, with_gradient=what == "with gradient")

    build()
    try:
        channel.serve(build, versions={"TensorFlow": tf.version.VERSION})
    finally:
        shutil.rmtree(parent)


if __name__ == "__main__":
    main()
