"""The flags of a network, and what they are when nothing or little is given."""

import dataclasses

import pytest

from deeplab.commands import network_flags
from deeplab.options import ModelOptions
from tests.support import command_calls


def _options(*arguments: str, has_gradient: bool = False) -> ModelOptions:
    flags = command_calls.flags("train", *arguments)
    return network_flags.model_options(flags, num_classes=5, has_gradient=has_gradient)


def test_every_option_has_a_flag():
    names = {field.name for field in dataclasses.fields(ModelOptions)} - {"num_classes"}
    # This one is read from a file.
    names ^= {"dense_prediction_cell_config", "dense_prediction_cell_json"}

    definitions = command_calls.flags("train").definitions
    assert [name for name in sorted(names) if name not in definitions] == []


def test_without_flags_it_is_deeplab_v3_plus():
    options = _options()

    assert options == ModelOptions(
        num_classes=5,
        model_variant="xception_65",
        atrous_rates=(6, 12, 18),
        decoder_output_stride=(4,),
    )


@pytest.mark.parametrize(("stride", "rates"), [(8, (12, 24, 36)), (32, (3, 6, 9))])
def test_rates_follow_the_output_stride(stride, rates):
    assert _options(f"--output_stride={stride}").atrous_rates == rates


def test_mobilenet_has_neither_rates_nor_decoder_unless_told():
    plain = _options("--model_variant=mobilenet_v2")
    told = _options("--model_variant=mobilenet_v2", "--decoder_output_stride=4")

    assert (plain.atrous_rates or (), plain.decoder_output_stride) == ((), ())
    assert told.decoder_output_stride == (4,)


def test_a_flag_of_the_head_turns_its_defaults_off():
    assert _options("--decoder_output_stride=4").atrous_rates is None
    assert _options("--atrous_rates=6,12,18").decoder_output_stride == ()
    assert _options("--atrous_rates=").atrous_rates == ()


def test_lists_are_read_in_the_spellings_of_2018_and_2019():
    commas = _options("--atrous_rates=6,12", "--image_pyramid=0.5,1.0", "--decoder_output_stride=4")
    repeated = _options(
        "--atrous_rates=6",
        "--atrous_rates=12",
        "--image_pyramid=0.5",
        "--image_pyramid=1",
        "--decoder_output_stride=4",
    )

    assert commas == repeated
    assert commas.atrous_rates == (6, 12)
    assert commas.image_pyramid == (0.5, 1.0)


def test_gradient_is_used_where_dataset_and_decoder_are_there():
    assert _options(has_gradient=True).decoder_use_gradient
    assert not _options(has_gradient=False).decoder_use_gradient
    assert not _options("--decoder_output_stride=", has_gradient=True).decoder_use_gradient
    assert not _options("--nodecoder_use_gradient", has_gradient=True).decoder_use_gradient
    assert _options("--decoder_use_gradient", has_gradient=False).decoder_use_gradient


def test_contradicting_flags_are_refused():
    with pytest.raises(ValueError, match="decoder_use_gradient needs a decoder"):
        _options("--decoder_output_stride=", "--decoder_use_gradient")
    with pytest.raises(ValueError, match="output_stride is 12; expected 8, 16 or 32"):
        _options("--output_stride=12")


def test_only_given_flags_are_given():
    flags = command_calls.flags("train", "--atrous_rates=6", "--noadd_image_level_feature")

    assert network_flags.given_values(flags) == {
        "atrous_rates": (6,),
        "add_image_level_feature": False,
    }
