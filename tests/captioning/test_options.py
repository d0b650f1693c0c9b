"""Defaults that depend on others, and values that cannot be."""

import pytest

from captioning import run_description
from captioning.options import ModelOptions, ObjectiveOptions, ViewOptions
from captioning.run_description import RunDescription

WORDS = ("<S>", "</S>", "a", "<UNK>")


def test_the_size_of_embeddings_is_that_of_the_published_networks():
    assert ModelOptions(9).completed().embedding_size == 512
    assert ModelOptions(9, decoder="attention").completed().embedding_size == 256
    assert ModelOptions(9, embedding_size=7).completed().embedding_size == 7


@pytest.mark.parametrize(
    "name", ["inception_v3", "mobilenet_v2", "densenet_im2txt", "resnet_v1_50"]
)
def test_encoders_get_what_they_take(name):
    arguments = ModelOptions(9, model_variant=name).encoder_arguments()
    assert arguments.pop("output_stride") == 32
    assert set(arguments) == set(ModelOptions(9, model_variant=name).encoder.options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_words": 3}, "num_words is 3; expected 4 or more"),
        ({"decoder": "poet"}, "decoder is 'poet'; expected one of show_and_tell, attention"),
        ({"num_units": 0}, "num_units is 0"),
        ({"depth_multiplier": 0.5}, "but inception_v3 has no such option"),
        ({"depth_multiplier": 0}, "depth_multiplier is 0; expected above 0"),
    ],
)
def test_impossible_networks_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        ModelOptions(**{"num_words": 9, "embedding_size": 4, **change}).validate()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"keep_prob": 0}, "keep_prob is 0; expected above 0"),
        ({"encoder_keep_prob": 1.1}, "encoder_keep_prob is 1.1; expected above 0"),
        ({"attention_penalty": -1}, "attention_penalty is -1; expected 0 or more"),
        ({"batch_norm_decay": 1}, "batch_norm_decay is 1"),
        ({"scheduled_sampling": 1.5}, "scheduled_sampling is 1.5; expected a share from 0 to 1"),
        ({"scheduled_sampling_steps": -1}, "scheduled_sampling_steps is -1; expected 0 or more"),
        ({"objective": "x"}, "objective is 'x'; expected one of cross_entropy, self_critical"),
        ({"self_critical_samples": 0}, "self_critical_samples is 0; expected 1 or more"),
        (
            {"objective": "self_critical", "scheduled_sampling": 0.2},
            "the decoder reads only words of its own",
        ),
    ],
)
def test_impossible_objectives_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        ObjectiveOptions(**change)


def test_a_description_comes_back_and_a_wrong_one_is_refused(tmp_path):
    model = ModelOptions(4, model_variant="mobilenet_v2").completed()
    description = RunDescription(model, ViewOptions(224), "flickr", WORDS, "im2txt")
    description.validate()
    run_description.write_description(description, str(tmp_path))
    assert run_description.read_description(str(tmp_path)) == description
    assert description.vocabulary.ids(["a", "dog"]) == [2, 3]
    with pytest.raises(ValueError, match=r"options\.json is missing"):
        run_description.read_description(str(tmp_path / "none"))
    path = tmp_path / "options.json"
    path.write_text(path.read_text().replace('"num_words": 4', '"num_words": 5'))
    with pytest.raises(ValueError, match="words has 4 items; expected one for each of the 5"):
        run_description.read_description(str(tmp_path))
