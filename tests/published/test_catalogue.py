"""The catalogue: every network in it can be built, and its names are found."""

import dataclasses

import pytest

from datasets.segmentation import specs
from deeplab.options import ModelOptions
from nets import registry
from published import catalogue
from published.catalogue import CATALOGUE


@pytest.mark.parametrize("weights", CATALOGUE.values(), ids=list(CATALOGUE))
def test_facts_agree_with_what_is_built_here(weights):
    assert CATALOGUE[weights.name] is weights
    assert weights.address.startswith("http://")
    assert weights.license
    if weights.kind == catalogue.SEGMENTATION:
        assert len(specs.published_classes(weights.dataset).names) == weights.num_classes
        assert weights.score
        options = {"model_variant": weights.model_variant, **weights.options}
        ModelOptions(num_classes=weights.num_classes, **options).validate()
    elif weights.kind == catalogue.ENCODER:
        assert weights.model_variant in registry.ENCODERS
    else:
        facts = registry.classifier(weights.model_variant).classifier
        assert weights.num_classes == facts.num_published_classes


def test_every_row_is_there():
    kinds = [weights.kind for weights in CATALOGUE.values()]
    assert kinds.count(catalogue.SEGMENTATION) == 16
    assert kinds.count(catalogue.ENCODER) == 6
    assert kinds.count(catalogue.CLASSIFIER) == 7
    assert len({weights.file for weights in CATALOGUE.values()}) == len(CATALOGUE)


def test_option_names_are_fields_of_the_network():
    fields = {field.name for field in dataclasses.fields(ModelOptions)}
    for weights in CATALOGUE.values():
        assert weights.options.keys() <= fields


def test_names_of_files_are_names_too():
    weights = catalogue.find("deeplabv3_mnv2_pascal_train_aug_2018_01_29")
    assert weights is CATALOGUE["mobilenetv2_coco_voc_trainaug"]
    assert catalogue.find("vgg_16_2016_08_28") is CATALOGUE["vgg_16_2016_08_28"]
    assert catalogue.find("vgg_16") is None


def test_a_name_that_is_not_there_gets_close_ones():
    told = catalogue.explain_missing("mobilenetv2_coco_voc_trainag")
    assert told.startswith("did you mean mobilenetv2_coco_voc_trainaug or ")
    assert "scripts.weights list" in catalogue.explain_missing("qqqq")
