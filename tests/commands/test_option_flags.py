"""Flags have the names, types, defaults and help of the fields that they are made from."""

import dataclasses

import pytest
from absl import flags
from absl.testing import flagsaver

from commands import option_flags
from common.option_fields import DATA, option


@dataclasses.dataclass(frozen=True)
class Options:
    """Options of these tests."""

    folder_of_this_test: str = option(
        "", "A folder.", DATA, flag_default=None, computed_default="the newest"
    )
    sizes_of_this_test: tuple[int, ...] | None = option(None, "Sizes.", DATA)
    share_of_this_test: float = option(0.5, "A share.", DATA)
    count_of_this_test: int | None = option(None, "A count.", DATA, lower=1)
    kind_of_this_test: str = option("a", "A kind.", DATA, choices=("a", "b"))
    is_on_in_this_test: bool = option(True, "Whether it is on.", DATA)
    not_a_flag_of_this_test: int = 7


@pytest.fixture(scope="module", autouse=True)
def defined():
    option_flags.define(Options)
    yield
    for field in dataclasses.fields(Options)[:-1]:
        delattr(flags.FLAGS, field.name)


def parse(*arguments: str) -> Options:
    with flagsaver.as_parsed():
        flags.FLAGS.unparse_flags()
        flags.FLAGS(["command", *arguments])
        return option_flags.from_flags(Options, not_a_flag_of_this_test=8)


def test_without_flags_the_defaults_are_in_force():
    assert parse() == Options(folder_of_this_test=None, not_a_flag_of_this_test=8)


def test_values_are_read_by_the_types_of_the_fields():
    options = parse(
        *("--sizes_of_this_test=3,4", "--share_of_this_test=1", "--count_of_this_test=2"),
        *("--kind_of_this_test=b", "--nois_on_in_this_test", "--folder_of_this_test=x"),
    )
    assert options == Options("x", (3, 4), 1.0, 2, "b", False, 8)


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--count_of_this_test=0", "positive integer"),
        ("--kind_of_this_test=c", "value should be one of <a|b>"),
        ("--sizes_of_this_test=x", "comma separated list of int"),
        ("--not_a_flag_of_this_test=1", "Unknown command line flag"),
    ],
)
def test_what_a_field_does_not_allow_is_refused(flag, message):
    with pytest.raises(flags.Error, match=message.replace("|", r"\|")):
        parse(flag)


def test_help_tells_the_default_that_the_command_chooses():
    assert flags.FLAGS["folder_of_this_test"].help == "A folder. Default: the newest."
