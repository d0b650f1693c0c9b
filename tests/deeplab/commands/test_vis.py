"""vis.py: the command that writes images and predictions of a split."""

import functools
import json

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from common import palettes
from datasets.segmentation import specs
from datasets.segmentation.sources import cityscapes
from deeplab import run_description
from deeplab.network import model
from deeplab.options import ModelOptions
from tests.support import command_runs, sessions, tiny_dataset

NETWORK = ModelOptions(
    num_classes=19,
    model_variant="xception_tiny",
    atrous_rates=(2,),
    decoder_output_stride=(4,),
    aspp_convs_filters=8,
    decoder_filters=8,
)
CROP = (33, 49)
IMAGES = [
    (f"leftImg8bit/ulm_{index}.png", *tiny_dataset.random_image(index, *size, num_classes=19))
    for index, size in enumerate([(20, 40), (33, 49), (30, 10)])
]
RUNS = {
    "plain": ["--vis_batch_size=2", "--also_save_raw_predictions"],
    "resized": ["--min_resize_value=17", "--max_resize_value=31", "--upstream_names"],
    "averaged": ["--checkpoint_dir=averaged", "--use_ema"],
    "colored": ["--colormap_type=pascal", "--add_flipped_images", "--vis_crop_size=33,49"],
}
WRONG_FLAGS = {
    "--vis_crop_size=33,33": "image leftImg8bit/ulm_0.png has height 20 and width 40, more than "
    "the crop of 33,33 holds: give a larger crop (--eval_crop_size, --vis_crop_size)",
    "--vis_crop_size=40,49": "crop height is 40; expected a multiple of output_stride 16",
    "--vis_split=test": "has no split 'test': name one that it has with --vis_split=val",
    "--checkpoint_dir=runs/none": "checkpoint_dir runs/none is not a folder",
    "--use_ema": "model.ckpt-7 has no averages of its weights",
    "--eval_interval_secs=-1": "eval_interval_secs is -1; expected 0 or more seconds",
}
TRY_FLAGS = """
import json, sys
from tests.support import command_calls

messages = []
for arguments in json.loads(sys.argv[1]):
    try:
        messages.append(command_calls.call("vis", "--max_number_of_iterations=1", *arguments))
    except ValueError as error:
        messages.append(str(error))
print(json.dumps(messages))
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """(folder with a dataset and a training, printed lines, errors of the wrong flags)."""
    root = tmp_path_factory.mktemp("project")
    records = root / "data" / "tfrecords" / "streets"
    records.mkdir(parents=True)
    spec = tiny_dataset.write(
        records, IMAGES, split="val", num_classes=19, num_shards=2, with_gradient=False
    )
    spec = specs.DatasetSpec(
        **{
            **vars(spec),
            "name": "streets",
            "class_names": cityscapes.CLASS_NAMES,
            "palette": cityscapes.PALETTE,
        }
    )
    specs.write_spec(spec)
    logdir = root / "runs" / "streets"
    logdir.mkdir(parents=True)
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        tf.set_random_seed(3)
        model.predict({"image": tf.zeros([1, *CROP, 3])}, NETWORK)
        tf.train.create_global_step()
        session.run(tf.global_variables_initializer())
        (logits,) = [v for v in tf.global_variables() if v.op.name == "logits/semantic/weights"]
        logits.load(np.random.RandomState(0).normal(0, 1, logits.shape.as_list()), session)
        tf.train.Saver().save(session, str(logdir / "model.ckpt"), 7)
        values = session.run({v.op.name: v for v in tf.global_variables()})
    # The same as the averages of another training, whose own weights are zero.
    with tf.Graph().as_default(), sessions.unoptimized() as session:
        averages = {f"{name}/ExponentialMovingAverage": value for name, value in values.items()}
        zeros = {name: np.zeros_like(value) for name, value in values.items()}
        variables = {name: tf.Variable(each) for name, each in {**zeros, **averages}.items()}
        session.run(tf.global_variables_initializer())
        (root / "averaged").mkdir()
        tf.train.Saver(variables).save(session, str(root / "averaged" / "model.ckpt"), 7)
    description = run_description.RunDescription(
        model=NETWORK,
        dataset_name="streets",
        class_names=spec.class_names,
        palette=spec.palette,
        ignore_label=spec.ignore_label,
        train_crop_size=(33, 33),
    )
    for folder in (logdir, root / "averaged"):
        run_description.write_description(description, str(folder))
    calls = [[*flags, f"--vis_logdir={name}"] for name, flags in RUNS.items()]
    inputs = json.dumps([*calls, [], *([flag] for flag in WRONG_FLAGS)])
    result = command_runs.run_program(TRY_FLAGS, inputs, cwd=root)
    assert result.returncode == 0, result.stderr
    *lines, messages = result.stdout.splitlines()
    done, wrong = json.loads(messages)[: len(calls) + 1], json.loads(messages)[len(calls) + 1 :]
    assert done == [None] * (len(calls) + 1)
    return root, lines, dict(zip(WRONG_FLAGS, wrong, strict=True))


@functools.cache
def predict(root, index: int, resized: tuple[int, int] | None = None, flip: bool = False):
    """Class ids of an image alone: resized, padded, predicted, cut, and resized back."""
    image = IMAGES[index][1]
    size = resized or image.shape[:2]
    crop = (33, 33) if resized else CROP
    with tf.Graph().as_default(), tf.Session() as session:
        pixels = tf.image.resize_bilinear(
            image[None].astype(np.float32), size, align_corners=True
        ).eval()
        padded = np.full((1, *crop, 3), 127.5, np.float32)
        padded[0, : size[0], : size[1]] = pixels
        ids = model.predict({"image": tf.constant(padded)}, NETWORK, add_flipped=flip).class_ids
        ids = tf.image.resize_nearest_neighbor(
            ids[:, : size[0], : size[1], None], image.shape[:2], align_corners=True
        )
        tf.train.Saver().restore(session, str(root / "runs" / "streets" / "model.ckpt-7"))
        return session.run(ids)[0, ..., 0]


@pytest.mark.parametrize(
    ("run", "sizes"),
    [("plain", None), ("averaged", None), ("resized", [(15, 31), (17, 25), (31, 10)])],
)
def test_predictions_have_the_size_of_the_image(command, run, sizes):
    root = command[0]
    seen = set()
    for place, index in enumerate([0, 2, 1]):  # Shard 0 holds the first and the third image.
        _, image, _ = IMAGES[index]
        name = f"{place:06d}" if run == "resized" else f"ulm_{index}"
        results = root / run / "segmentation_results"
        written = np.asarray(Image.open(results / f"{name}_image.png"))
        np.testing.assert_array_equal(written, image)
        ids = np.asarray(Image.open(results / f"{name}_prediction.png"))
        np.testing.assert_array_equal(ids, predict(root, index, sizes and sizes[index]))
        seen.update(np.unique(ids))
    assert len(seen) > 1, "one class everywhere would show too little"


def test_raw_predictions_are_written_on_request_as_cityscapes_label_ids(command):
    root = command[0]
    for index in range(3):
        ids = np.asarray(
            Image.open(root / "plain" / "segmentation_results" / f"ulm_{index}_prediction.png")
        )
        raw = Image.open(root / "plain" / "raw_segmentation_results" / f"ulm_{index}.png")
        np.testing.assert_array_equal(np.asarray(raw), np.array(cityscapes.LABEL_IDS)[ids])
    assert not (root / "resized" / "raw_segmentation_results").exists()


def test_colors_are_the_datasets_or_those_asked_for(command):
    root = command[0]
    for run, palette, flip in (
        ("plain", cityscapes.PALETTE, False),
        ("colored", palettes.voc_palette(256), True),
    ):
        prediction = Image.open(root / run / "segmentation_results" / "ulm_1_prediction.png")
        ids = predict(root, 1, flip=flip)
        np.testing.assert_array_equal(
            np.asarray(prediction.convert("RGB")), np.asarray(palette, np.uint8)[ids]
        )


def test_results_lie_beside_the_checkpoint_by_default(command):
    root, lines, _ = command
    assert len(list((root / "runs" / "streets" / "vis").rglob("*.*"))) == 6
    run = "runs/streets"
    assert lines[-1] == (
        f"{run}/model.ckpt-7: 3 images of split val in {run}/vis/segmentation_results"
    )
    assert lines[0].endswith("plain/segmentation_results and plain/raw_segmentation_results")


@pytest.mark.parametrize("flag", list(WRONG_FLAGS))
def test_wrong_flags_are_explained(command, flag):
    assert WRONG_FLAGS[flag] in command[2][flag]
