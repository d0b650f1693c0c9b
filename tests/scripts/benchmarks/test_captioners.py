"""The networks of the benchmarks that describe images: batches, contenders, what they learn."""

import json

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from captioning import inference_graph, run_description
from captioning.options import ATTENTION, DECODERS, SHOW_AND_TELL, SearchOptions
from scripts.benchmarks import (
    batches,
    caption_predict,
    caption_train,
    captioners,
    networks,
    prediction,
    rounds,
)
from scripts.benchmarks.plain import caption_train as plain
from scripts.benchmarks.rounds import Result
from scripts.benchmarks.settings import Settings

PARAMETERS = {
    "decoder": SHOW_AND_TELL,
    "encoder": "mobilenet_v3_small",
    "size": 64,
    "num_words": 30,
    "features": [2, 2, 5],
    "images": 3,
    "captions_per_image": 2,
    "optimizer": "sgd",
    "encoder_is": caption_train.FROZEN,
}


def test_captions_begin_end_and_are_as_long_as_they_say():
    ids, lengths = batches.draw_captions(200, 50)
    assert ids.shape == (200, lengths.max())
    assert ids.dtype == lengths.dtype == np.int32
    assert 12 < lengths.mean() < 15
    assert set(ids[:, 0]) == {1}
    for caption, length in zip(ids, lengths, strict=True):
        assert min(caption[1 : length - 1]) > 1
        assert set(caption[length - 1 :]) == {0}
    # The last word is the one that stands for unknown ones.
    assert ids.max() < 49


def test_a_step_is_one_of_the_input_pipeline():
    batch = batches.captioned_step(PARAMETERS)
    assert batch["ids"].shape[:2] == batch["lengths"].shape == (3, 2)
    assert batch["image"].shape == (3, 64, 64, 3)
    assert batch["image"].dtype == np.float32
    assert batch["image"].max() > 200
    batch = batches.captioned_step({**PARAMETERS, "encoder_is": caption_train.CACHED})
    assert "image" not in batch
    assert batch["features"].shape == (3, 2, 2, 5)
    assert batch["features"].dtype == np.float16


@pytest.mark.parametrize(
    "kind", [caption_train.CACHED, pytest.param(caption_train.TRAINED, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("decoder", DECODERS)
def test_the_plain_step_changes_what_it_is_to_train(decoder, kind):
    parameters = {
        **PARAMETERS,
        "decoder": decoder,
        "captions_per_image": 1,
        "encoder_is": kind,
    }
    batch = batches.captioned_step(parameters)
    with tf.Graph().as_default(), tf.Session() as session:
        step = plain.build_step({key: tf.constant(batch[key]) for key in batch}, parameters)
        session.run(tf.global_variables_initializer())
        variables = {each.op.name: each for each in tf.trainable_variables()}
        before = session.run(variables)
        assert np.isfinite(session.run(step))
        after = session.run(variables)
    changed = {name for name in variables if (before[name] != after[name]).any()}
    # Attention's bias adds the same to all places.
    assert {*variables} - changed <= {"decoder/attention/V/bias"}
    has_encoder = any(name.startswith("MobilenetV3/") for name in variables)
    assert has_encoder == (kind == caption_train.TRAINED)


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Settings with which nothing is measured, and the contenders that would have been."""
    seen = []

    def measure(contenders, *_, **__):
        seen.extend(contenders)
        return [Result(each.name, each.is_peer, (1.0,)) for each in contenders]

    monkeypatch.setattr(rounds, "measure", measure)
    return Settings(work_dir=str(tmp_path), report=lambda line: None), seen


@pytest.mark.parametrize(
    ("decoder", "names"),
    [
        (
            SHOW_AND_TELL,
            [
                "im2txt's graph",
                "ours, --optimizer=sgd",
                "ours",
                "ours, --captions_per_image=5",
                "ours, --cache_features",
            ],
        ),
        (
            ATTENTION,
            ["tutorial's graph", "ours", "ours, --captions_per_image=5", "ours, --cache_features"],
        ),
    ],
)
def test_training_contenders_read_the_same_number_of_captions(measured, decoder, names):
    settings, seen = measured
    case = decoder, "mobilenet_v3_small", 64, 10, caption_train.FROZEN
    (table,) = caption_train.run(settings, [case])
    assert [result.name for result in table.results] == names
    given = {each.name: json.loads(each.command[-1]) for each in seen}
    assert {each["images"] * each["captions_per_image"] for each in given.values()} == {10}
    assert given["ours"]["optimizer"] == "adam"
    assert given[names[1]]["optimizer"] == given[names[0]]["optimizer"]
    assert given["ours, --cache_features"]["encoder_is"] == caption_train.CACHED


def test_captions_are_compared_before_anything_is_timed(measured, monkeypatch):
    settings, seen = measured
    monkeypatch.setattr(captioners, "write_checkpoint", lambda *_: None)
    monkeypatch.setattr(captioners, "export", lambda *_: "there is no disk")
    case = SHOW_AND_TELL, "mobilenet_v3_small", 64
    caption_predict.run(settings, [case], [2], (24, 20), 30)
    first, ours = (json.loads(each.command[-1]) for each in seen)
    assert ours["expected"] == first["answer"]
    assert ours["images"] == first["images"]
    assert np.load(ours["images"]).shape == (2, 24, 20, 3)
    assert seen[1].missing == "there is no disk"


def test_another_answer_is_an_error():
    captions = captioners.table([["a dog", "dog"], ["cat"]])
    assert captions.tolist() == [["a dog", "dog", ""], ["cat", "", ""]]
    prediction.check_equal(captions, captions.copy())
    other = captioners.table([["a dog", "dog"], ["car"]])
    with pytest.raises(ValueError, match=r"1 of 6 answers are not those .*: .*'car'.* not .*'cat'"):
        prediction.check_equal(other, captions)
    with pytest.raises(ValueError, match=r"answer is \(1, 3\), and that of the first \(2, 3\)"):
        prediction.check_equal(captions[:1], captions)


@pytest.mark.slow
def test_the_captions_of_a_network_come_to_an_end(tmp_path):
    images = networks.draw_images(2, 48, 40)
    description = captioners.describe(SHOW_AND_TELL, "mobilenet_v3_small", 64, 30)
    path = str(tmp_path / "model.ckpt")
    captioners.write_checkpoint(description, images, path, num_steps=40)
    assert run_description.read_description(str(tmp_path)) == description
    with tf.Graph().as_default(), tf.Session() as session:
        inference_graph.build_inference_graph(description, SearchOptions())
        tf.train.Saver().restore(session, path)
        found = session.run("CaptionIds:0", {"ImageTensor:0": images})
    learned, lengths = batches.draw_captions(6, 30)
    learned = [each[:length].tolist() for each, length in zip(learned, lengths, strict=True)]
    for index, (caption, *_) in enumerate(found.tolist()):
        caption = caption[: caption.index(0) + 1]
        assert caption in learned[3 * index : 3 * index + 3]
