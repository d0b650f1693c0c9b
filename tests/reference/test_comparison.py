"""Networks against outputs of research/deeplab's own code, and the command that compares them."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest

from deeplab.options import ModelOptions
from reference import comparison

FOLDER = str(pathlib.Path(__file__).parents[1] / "data" / "conformance")
ENTRIES = comparison.read_index(FOLDER)
EQUAL = comparison.Comparison(
    variables=(),
    trainable_parameters=(7, 7),
    logits_error=2e-4,
    equal_share=0.999,
    losses_error=1e-4,
)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name.startswith("xception_65") else ())
        for name in ENTRIES
    ],
)
def test_network_equals_research_deeplab(name):
    found = comparison.compare(ENTRIES[name], comparison.read_arrays(FOLDER, name))
    assert found.is_equal(), found


@pytest.mark.parametrize(
    "change",
    [
        {"variables": ("logits/semantic/biases is missing",)},
        {"trainable_parameters": (7, 8)},
        {"logits_error": 2.1e-4},
        {"logits_error": float("nan")},
        {"equal_share": 0.9989},
        {"losses_error": 1.1e-4},
        {"losses_error": float("nan")},
    ],
)
def test_each_difference_counts(change):
    assert EQUAL.is_equal()
    assert not dataclasses.replace(EQUAL, **change).is_equal()


def test_another_weight_or_another_variable_is_a_difference():
    name = "mobilenet_v2_os16"
    variables = dict(ENTRIES[name]["variables"])
    renamed = variables.pop("aspp0/weights")
    entry = {**ENTRIES[name], "variables": {**variables, "aspp9/weights": renamed}}
    entry["losses"] = {"plain": 1.01 * entry["losses"]["plain"]}
    arrays = comparison.read_arrays(FOLDER, name)
    arrays["logits"] = arrays["logits"] + 1e-3 * np.abs(arrays["logits"]).max()
    found = comparison.compare(entry, arrays)
    assert found.variables == ("aspp0/weights is too many", "aspp9/weights is missing")
    assert found.losses_error == pytest.approx(0.01 / 1.01, rel=1e-3)
    assert found.logits_error == pytest.approx(1e-3, rel=0.05)


def test_an_entry_takes_every_field_of_model_options():
    entry = {
        "model_variant": "mobilenet_v3_large_seg",
        "output_stride": 8,
        "num_classes": 19,
        "image_size": [129, 193],
        "atrous_rates": None,
        "decoder_output_stride": 4,
        "image_pyramid": [0.5, 1.0],
        "image_seed": 3,
        "extra": {
            "crop_size": [129, 193],
            "outputs_to_num_classes": {"semantic": 19},
            "aspp_with_squeeze_and_excitation": True,
            "image_pooling_crop_size": [65, 65],
            "dense_prediction_cell_config": None,
            "preprocessed_images_dtype": "float32",
            "sync_batch_norm_method": "None",
            "merge_method": "avg",
        },
    }
    assert comparison.model_options(entry) == ModelOptions(
        num_classes=19,
        model_variant="mobilenet_v3_large_seg",
        output_stride=8,
        decoder_output_stride=(4,),
        image_pyramid=(0.5, 1.0),
        aspp_with_squeeze_and_excitation=True,
        image_pooling_crop_size=(65, 65),
        merge_method="avg",
    )


def test_what_cannot_be_compared_is_a_line_and_the_rest_goes_on(tmp_path, capsys):
    entry = ENTRIES["mobilenet_v2_os16"]
    index = {
        "typo": {**entry, "extra": {"aspp_with_batchnorm": True}},
        "contradiction": {**entry, "extra": {"outputs_to_num_classes": {"semantic": 3}}},
        "damaged": entry,
    }
    (tmp_path / "index.json").write_text(json.dumps(index))
    content = (pathlib.Path(FOLDER) / "mobilenet_v2_os16.npz").read_bytes()
    for name in ("typo", "contradiction"):
        (tmp_path / f"{name}.npz").write_bytes(content)
    (tmp_path / "damaged.npz").write_bytes(content[:1000])
    assert comparison.main(None, [str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("DIFFERENT typo: extra has 'aspp_with_batchnorm', which is not a")
    assert "num_classes is 21" in lines[1]
    assert f"{tmp_path / 'damaged.npz'} cannot be read" in lines[2]
    assert lines[3] == "0 of 3 networks equal their reference."
    with pytest.raises(ValueError, match=r"index\.json cannot be read"):
        comparison.main(None, [str(tmp_path / "nowhere")])
