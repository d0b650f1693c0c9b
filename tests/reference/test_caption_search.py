"""Captions found by asking for one word after the other, against those of an export."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from captioning import inference_graph
from captioning.data import preprocess
from captioning.network import network
from captioning.options import ATTENTION, SHOW_AND_TELL, SearchOptions
from nets.batch_norm import BatchNormMode
from reference import caption_search
from reference.attention_tutorial import Tutorial, TutorialGraph
from reference.im2txt import Im2txtGraph
from serving.caption_model import CaptionModel
from tests.support import tiny_captioner

IMAGES = [tiny_captioner.random_image(seed, 50, 71) for seed in range(3)]


def ask_im2txt(session: tf.Session) -> Im2txtGraph:
    inference_graph.build_im2txt_graph(tiny_captioner.describe(SHOW_AND_TELL))
    return Im2txtGraph(session)


def ask_tutorial(session: tf.Session) -> TutorialGraph:
    description = tiny_captioner.describe(ATTENTION)
    model = description.model
    images = tf.placeholder(tf.uint8, [None, None, None, 3])
    seen = preprocess.evaluation_images(images, description.view.image_size)
    features = network.encode(seen, model, 0.0, BatchNormMode())
    depth = features.shape[-1].value
    tutorial = Tutorial(model.num_words, depth, model.embedding_size, model.num_units)
    return TutorialGraph(session, tutorial, images, features)


@pytest.mark.parametrize(
    ("decoder", "ask"),
    [
        pytest.param(SHOW_AND_TELL, ask_im2txt, marks=pytest.mark.slow),
        (ATTENTION, ask_tutorial),
    ],
)
def test_captions_are_those_of_an_export(tmp_path, decoder, ask):
    with CaptionModel(tiny_captioner.export(tmp_path, decoder)) as model:
        expected = model.run_batch(IMAGES)
    known = tiny_captioner.describe(decoder).vocabulary
    with tf.Graph().as_default(), tf.Session() as session:
        asked = ask(session)
        tf.train.Saver().restore(session, tf.train.latest_checkpoint(str(tmp_path)))
        found = [
            caption_search.search(asked, image, known.start, known.end, SearchOptions())
            for image in IMAGES
        ]
    for captions, ours in zip(found, expected, strict=True):
        # Worse ones are equally likely, up to rounding.
        assert known.sentence(captions[0].words) == ours[0].text
        np.testing.assert_allclose(
            [each.log_probability for each in captions],
            [each.log_probability for each in ours],
            atol=1e-3,
        )


class Certain:
    """Knows one sentence, and is sure of it."""

    def __init__(self, *words: int):
        self.words, self.asked = words, 0

    def start(self, image):
        del image
        return np.zeros([1, 1])

    def step(self, words, states):
        self.asked += 1
        return np.stack([np.eye(5)[self.words[int(time)]] for time in states[:, 0]]), states + 1


def test_the_search_ends_when_no_caption_can_go_on():
    certain = Certain(3, 4, 1)
    image = np.zeros([1, 1, 3], np.uint8)
    (caption,) = caption_search.search(certain, image, 2, 1, SearchOptions())
    assert caption.words == (2, 3, 4, 1)
    assert caption.log_probability == 0.0
    assert certain.asked == 3


def test_captions_that_do_not_end_are_the_answer_where_none_has():
    image = np.zeros([1, 1, 3], np.uint8)
    (caption,) = caption_search.search(Certain(3, 4, 1), image, 2, 1, SearchOptions(max_length=3))
    assert caption.words == (2, 3, 4)
