"""Both networks against the outputs of research/im2txt's and the tutorial's own code."""

import json
import zlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from captioning.data import preprocess
from captioning.network import beam_search
from captioning.network.attention import AttentionDecoder
from captioning.network.show_and_tell import ShowAndTell
from captioning.objective.losses import mean_loss, word_losses
from captioning.options import SearchOptions
from nets import registry
from nets.batch_norm import BatchNormMode
from tests.support import sessions

START, END = 2, 1


@pytest.fixture(scope="module")
def reference(shared):
    """Returns the section and the arrays of a network."""
    folder = shared / "conformance-siblings"
    if not folder.is_dir():
        pytest.skip(f"needs the reference outputs in {folder}, which are not there")
    index = json.loads((folder / "index.json").read_text())

    def read(section, name):
        with np.load(folder / f"{name}.npz") as arrays:
            return index[section], dict(arrays)

    return read


def weight(name: str, shape: list[int]) -> np.ndarray:
    """The value that the reference gave a variable: a function of its name."""
    random = np.random.RandomState(zlib.crc32(name.encode()) & 0xFFFFFFFF)
    kind = name.rsplit("/", 1)[-1]
    if kind == "moving_variance":
        return random.uniform(0.8, 1.2, shape).astype(np.float32)
    if kind in ("beta", "moving_mean", "biases", "bias"):
        return random.normal(0, 0.1, shape).astype(np.float32)
    if kind == "map":
        return random.normal(0, 0.3, shape).astype(np.float32)
    value = random.normal(0, np.sqrt(1.3 / np.prod(shape[:-1])), shape).astype(np.float32)
    gain = {"logits": 30.0}.get(name.split("/")[0], 1.3)
    if name.startswith("InceptionV3/") and kind == "weights":
        gain = 2.0
    return value * np.float32(np.sqrt(gain / 1.3))


class Im2txt:
    """The network of the reference: Inception v3 and 30 words."""

    def __init__(self, reference):
        section, self.arrays = reference("im2txt", "im2txt_small_vocabulary")
        self.section = section["im2txt_small_vocabulary"]
        files = [self.arrays[f"jpeg_{index}"].tobytes() for index in range(4)]
        encoder = registry.classifier("inception_v3")
        images = tf.concat([self._image(file) for file in files], axis=0)
        self.images = encoder.classifier.normalize(images)
        self.features, _ = encoder.build(
            self.images, output_stride=32, weight_decay=0.0, batch_norm=BatchNormMode()
        )
        sizes = {"embedding_size": 64, "num_units": 64}
        self.decoder = ShowAndTell(30, self.features.shape[-1], **sizes)

    def _image(self, file: bytes) -> tf.Tensor:
        image = tf.image.decode_jpeg(file, channels=3)
        return preprocess.evaluation_images(image[tf.newaxis], 299)

    def start(self) -> tf.Session:
        session = sessions.unoptimized()
        variables = [each for each in tf.global_variables() if "global_step" not in each.name]
        assert {each.op.name: each.shape.as_list() for each in variables} == (
            self.section["variables"]
        )
        values = {
            each.initializer.inputs[1]: weight(each.op.name, each.shape.as_list())
            for each in variables
        }
        session.run([each.initializer for each in variables], values)
        return session


def test_images_codes_and_words_are_those_of_im2txt(reference):
    network = Im2txt(reference)
    arrays, decoder = network.arrays, network.decoder
    logits, _ = decoder.unroll(network.features, tf.constant(arrays["input_seqs"]))
    losses = word_losses(logits, tf.constant(arrays["target_seqs"]))
    loss = mean_loss(losses, tf.constant(arrays["mask"]))
    state = decoder.start(network.features)[1]
    fed = tuple(tf.split(tf.constant(arrays["step_state_feed"]), 2, axis=1))
    step = decoder.step(tf.constant(arrays["step_input_feed"]), (), fed)
    with network.start() as session:
        found = session.run(
            {
                "images": network.images,
                "codes": decoder.embed_image(network.features),
                "losses": losses,
                "loss": loss,
                "initial": tf.concat(state, axis=1),
                "softmax": tf.nn.softmax(step.logits),
                "state": tf.concat(step.state, axis=1),
            }
        )
    np.testing.assert_allclose(found["images"][0], arrays["image_0"], atol=1e-3)
    np.testing.assert_allclose(found["codes"], arrays["image_embeddings"], atol=1e-5)
    words = arrays["mask"] > 0
    np.testing.assert_allclose(found["losses"][words], arrays["token_losses"][words], atol=1e-4)
    assert found["loss"] == pytest.approx(network.section["eval"]["batch_loss"], abs=1e-5)
    assert np.exp(found["loss"]) == pytest.approx(network.section["eval"]["perplexity"], abs=1e-3)
    np.testing.assert_allclose(found["initial"][:1], arrays["initial_state"], atol=1e-5)
    np.testing.assert_allclose(found["softmax"], arrays["step_softmax"], atol=1e-5)
    np.testing.assert_allclose(found["state"], arrays["step_state"], atol=1e-5)


def test_three_steps_of_training_are_those_of_im2txt(reference):
    network = Im2txt(reference)
    arrays, expected = network.arrays, network.section["train"]
    features = tf.stop_gradient(network.features)
    logits, _ = network.decoder.unroll(features, tf.constant(arrays["input_seqs"]))
    losses = word_losses(logits, tf.constant(arrays["target_seqs"]))
    loss = mean_loss(losses, tf.constant(arrays["mask"]))
    variables = [each for each in tf.trainable_variables() if "Inception" not in each.name]
    gradients, norm = tf.clip_by_global_norm(tf.gradients(loss, variables), 5.0)
    gradients = [tf.convert_to_tensor(each) for each in gradients]
    update = [
        tf.assign_sub(variable, 2.0 * gradient)
        for variable, gradient in zip(variables, gradients, strict=True)
    ]
    with network.start() as session:
        code = session.run(features)
        for step in range(4):
            found = session.run([loss, norm], {features: code})
            assert found[0] == pytest.approx(expected["losses"][step], abs=1e-3)
            assert found[1] == pytest.approx(expected["global_gradient_norms"][step], rel=1e-3)
            if step == 3:
                break
            session.run(update, {features: code})
        norms = {each.op.name: np.linalg.norm(session.run(each)) for each in variables}
    assert norms == pytest.approx(expected["norms_after_3_steps"], rel=1e-4)


def test_all_searches_find_the_captions_of_im2txt(reference):
    network = Im2txt(reference)
    searches = network.section["beam_search"]
    found = {}
    for each in searches[:4]:
        key = each["beam_size"], each["max_caption_length"], each["length_normalization_factor"]
        found[key] = beam_search.search(
            network.decoder, network.features, START, END, SearchOptions(*key)
        )
    with network.start() as session:
        results = session.run({key: each._replace(attention=()) for key, each in found.items()})
    for each in searches:
        key = each["beam_size"], each["max_caption_length"], each["length_normalization_factor"]
        captions = beam_search.Captions(*(value[each["image"]] for value in results[key][:4]), None)
        assert len(each["captions"]) == np.count_nonzero(captions.lengths)
        for place, caption in enumerate(each["captions"]):
            length = captions.lengths[place]
            assert captions.words[place, :length].tolist() == caption["ids"]
            assert captions.log_probabilities[place] == pytest.approx(caption["logprob"], abs=1e-3)
            assert captions.scores[place] == pytest.approx(caption["score"], abs=1e-3)


@pytest.mark.parametrize("form", ["as_printed", "carried"])
def test_words_and_attention_are_those_of_the_tutorial(reference, form):
    section, arrays = reference("attention", "attention")
    target = arrays["target"]
    features = tf.constant(arrays["features"].reshape([3, 8, 8, 32]))
    decoder = AttentionDecoder(
        40,
        32,
        embedding_size=16,
        num_units=24,
        carries_state=form == "carried",
        starts_from_image=False,
    )
    unrolled = decoder.unroll(features, tf.constant(target[:, :-1]))
    losses = word_losses(unrolled.logits, tf.constant(target[:, 1:]))
    loss = mean_loss(losses, tf.constant(target[:, 1:] != section["sizes"]["pad"]))
    memory, state = decoder.start(features)
    logits, attention = [], []
    for time in range(target.shape[1] - 1):
        step = decoder.step(tf.constant(target[:, time]), memory, state)
        state = step.state
        logits.append(step.logits)
        attention.append(step.attention)
    assert {each.op.name: each.shape.as_list() for each in tf.global_variables()} == (
        section["variables"]
    )
    with sessions.unoptimized() as session:
        values = {
            each.initializer.inputs[1]: arrays[each.op.name] for each in tf.global_variables()
        }
        session.run([each.initializer for each in tf.global_variables()], values)
        found = session.run([unrolled, loss, tf.stack(logits, 1), tf.stack(attention, 1)])
    for each in (found[0].logits, found[2]):
        np.testing.assert_allclose(each, arrays[f"{form}_logits"], atol=1e-5)
    for each in (found[0].attention, found[3]):
        np.testing.assert_allclose(each, arrays[f"{form}_attention"], atol=1e-5)
    assert found[1] == pytest.approx(section[form]["loss_per_word"], abs=1e-5)
