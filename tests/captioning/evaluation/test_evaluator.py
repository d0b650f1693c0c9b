"""Scores of a checkpoint: captions, references and losses, whatever the form of the records."""

import dataclasses
import pathlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from captioning.evaluation import validation
from captioning.evaluation.evaluator import Evaluator
from captioning.network import network
from captioning.options import ModelOptions, SearchOptions, ViewOptions
from captioning.run_description import RunDescription
from nets.batch_norm import BatchNormMode
from tests.support import captioned_images


@pytest.fixture(scope="module")
def specs(tmp_path_factory):
    """The same images and captions in both forms of records."""
    folder = tmp_path_factory.mktemp("records")
    return {
        is_single: captioned_images.write_squares(
            folder / str(is_single), is_single=is_single, train=1, val=2
        )
        for is_single in (False, True)
    }


def describe(spec) -> RunDescription:
    model = ModelOptions(
        len(spec.words),
        model_variant="mobilenet_v3_small_seg",
        depth_multiplier=0.25,
        embedding_size=8,
        num_units=8,
    )
    return RunDescription(model, ViewOptions(64), spec.name, spec.words, spec.splitting)


@pytest.fixture(scope="module")
def checkpoint(specs, tmp_path_factory) -> str:
    """Weights by chance."""
    with tf.Graph().as_default():
        tf.set_random_seed(5)
        model = describe(specs[False]).model
        features = network.encode(tf.zeros([1, 64, 64, 3]), model, 0.0, BatchNormMode())
        network.make_decoder(model, features.shape[-1].value)
        path = str(tmp_path_factory.mktemp("run") / "model.ckpt-7")
        tf.train.create_global_step()
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            session.run(tf.assign(tf.train.get_global_step(), 7))
            tf.train.Saver().save(session, path, write_meta_graph=False)
    return path


def score(spec, checkpoint, **how):
    evaluator = Evaluator(spec, "val", describe(spec), **how)
    evaluator.restore(checkpoint)
    seen = []
    evaluation = evaluator.score(seen.append)
    evaluator.close()
    return evaluation, seen


def test_both_forms_of_records_get_the_same_scores(specs, checkpoint):
    one, images = score(specs[False], checkpoint, batch_size=5)
    other, captions = score(specs[True], checkpoint)
    assert (one.step, one.split, one.scores.num_images) == (7, "val", 12)
    assert (len(images), len(captions)) == (12, 24)
    assert one.scores.num_captions == other.scores.num_captions == 24
    for field in dataclasses.fields(one.scores):
        ours, theirs = (getattr(each.scores, field.name) for each in (one, other))
        if field.name != "most_common":
            assert ours == pytest.approx(theirs, rel=1e-5)
    # Chance guesses among all words.
    assert one.scores.perplexity == pytest.approx(len(specs[False].words), rel=0.2)
    assert images[0].references[0][0] == "<S>"
    assert np.isfinite(images[0].log_probability)


def test_how_captions_are_searched_for_is_chosen(specs, checkpoint):
    found = {
        length: score(specs[False], checkpoint, search=SearchOptions(max_length=length))[1]
        for length in (3, 9)
    }
    assert max(len(each.caption) for each in found[3]) <= 2
    assert max(len(each.caption) for each in found[9]) > 2


def test_another_vocabulary_is_refused(specs):
    spec = specs[False]
    other = dataclasses.replace(describe(spec), words=(*spec.words[:-1], "y", "<UNK>"))
    with pytest.raises(ValueError, match="the network has a vocabulary of 17 words, and dataset"):
        Evaluator(spec, "val", other)


def test_a_validator_compares_by_cider_and_warns_of_captions_that_are_all_alike(
    specs, checkpoint: str, tmp_path: pathlib.Path
):
    spec = specs[False]
    validator = validation.CaptioningValidator(spec, describe(spec), uses_averages=False)
    found = validator.score(checkpoint)
    validator.close()
    assert (found.metric, found.higher_is_better) == ("cider", True)
    assert found.text.startswith("CIDEr 0.0")
    assert found.conditions["beam_size"] == 3
    assert set(found.scalars) == {"cider", "perplexity", "bleu_4", "distinct"}
