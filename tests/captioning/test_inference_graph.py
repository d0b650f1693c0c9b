"""The graphs that exports freeze: ours, and the one that research/im2txt's programs ask."""

import io

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from captioning import inference_graph
from captioning.data import preprocess
from captioning.network import beam_search, network
from captioning.options import ATTENTION, DECODERS, SHOW_AND_TELL, SearchOptions
from nets.batch_norm import BatchNormMode
from tests.support import tiny_captioner

SEARCH = SearchOptions(beam_size=3, max_length=9)


def images_of(count: int, height: int = 50, width: int = 71) -> np.ndarray:
    return np.stack([tiny_captioner.random_image(seed, height, width) for seed in range(count)])


def searched(checkpoint: str, decoder: str, images: np.ndarray) -> beam_search.Captions:
    """What the search finds in the network as evaluation builds it."""
    description = tiny_captioner.describe(decoder)
    known = description.vocabulary
    with tf.Graph().as_default(), tf.Session() as session:
        seen = preprocess.evaluation_images(tf.constant(images), description.view.image_size)
        features = network.encode(seen, description.model, 0.0, BatchNormMode())
        made = network.make_decoder(description.model, features.shape[-1].value)
        found = beam_search.search(made, features, known.start, known.end, SEARCH, known.unknown)
        tf.train.Saver().restore(session, checkpoint)
        given = {key: value for key, value in found._asdict().items() if value is not None}
        return beam_search.Captions(**{"attention": None, **session.run(given)})


@pytest.mark.parametrize("decoder", DECODERS)
def test_the_graph_gives_the_captions_of_evaluation_as_sentences(tmp_path, decoder):
    checkpoint, images = tiny_captioner.save(tmp_path, decoder), images_of(4)
    expected = searched(checkpoint, decoder, images)
    description = tiny_captioner.describe(decoder)
    with tf.Graph().as_default(), tf.Session() as session:
        kept = inference_graph.build_inference_graph(description, SEARCH)
        tf.train.Saver().restore(session, checkpoint)
        found = session.run({name: f"{name}:0" for name in kept}, {"ImageTensor:0": images})
    np.testing.assert_array_equal(found["CaptionIds"], expected.words)
    np.testing.assert_array_equal(found["CaptionLengths"], expected.lengths)
    np.testing.assert_allclose(
        found["CaptionLogProbabilities"], expected.log_probabilities, atol=1e-4
    )
    known = description.vocabulary
    sentences = [
        [known.sentence(words[:length]) for words, length in zip(*each, strict=True)]
        for each in zip(expected.words, expected.lengths, strict=True)
    ]
    assert [[each.decode() for each in beams] for beams in found["Captions"]] == sentences
    assert len({beams[0] for beams in sentences}) > 1, "all images have the same caption"
    assert ("CaptionAttention" in found) == (decoder == ATTENTION)
    if decoder == ATTENTION:
        np.testing.assert_allclose(found["CaptionAttention"], expected.attention, atol=1e-5)


def test_the_places_of_attention_cover_the_network_input():
    assert inference_graph.attention_size(tiny_captioner.describe(ATTENTION)) == (2, 2)
    assert inference_graph.attention_size(tiny_captioner.describe(SHOW_AND_TELL)) is None


def _jpeg(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=95)
    return file.getvalue()


def test_asking_im2txts_graph_word_by_word_gives_the_same_caption(tmp_path):
    """As its caption generator does: the image once, then the last word and the state."""
    checkpoint = tiny_captioner.save(tmp_path, SHOW_AND_TELL)
    description = tiny_captioner.describe(SHOW_AND_TELL)
    known = description.vocabulary
    files = [_jpeg(image) for image in images_of(3)]
    with tf.Graph().as_default(), tf.Session() as session:
        decoded = tf.stack([tf.image.decode_jpeg(each) for each in files])
        expected = searched(checkpoint, SHOW_AND_TELL, session.run(decoded))
    with tf.Graph().as_default(), tf.Session() as session:
        inference_graph.build_im2txt_graph(description)
        tf.train.Saver().restore(session, checkpoint)
        for file, words, lengths, totals in zip(
            files, expected.words, expected.lengths, expected.log_probabilities, strict=True
        ):
            state = session.run("lstm/initial_state:0", {"image_feed:0": file})
            assert state.shape == (1, 2 * description.model.num_units)
            # Both likeliest captions at once, as a beam search asks.
            states, logarithms = np.repeat(state, 2, axis=0), np.zeros(2)
            for time in range(1, max(lengths[:2])):
                probabilities, states = session.run(
                    ["softmax:0", "lstm/state:0"],
                    {"input_feed:0": words[:2, time - 1], "lstm/state_feed:0": states},
                )
                np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
                taken = np.log(probabilities[[0, 1], words[:2, time]])
                logarithms += np.where(time < lengths[:2], taken, 0)
            np.testing.assert_allclose(logarithms, totals[:2], atol=1e-4)
            assert words[0, 0] == known.start


def test_im2txts_graph_is_that_of_show_and_tell_only():
    with pytest.raises(ValueError, match="decoder show_and_tell; this network has decoder attent"):
        inference_graph.build_im2txt_graph(tiny_captioner.describe(ATTENTION))
