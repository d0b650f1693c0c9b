"""Flags have the names, types, defaults and help of the fields that they are made from."""

import dataclasses

import pytest
from absl import flags as absl_flags

from commands import help_pages
from commands.flags import Flags
from common import option_fields
from common.option_fields import DATA, option, refused


@dataclasses.dataclass(frozen=True)
class Options:
    """Options of these tests."""

    folder: str | None = option(
        "", "A folder.", DATA, flag_default=None, computed_default="the newest"
    )
    sizes: tuple[int, ...] | None = option(None, "Sizes.", DATA)
    share: float = option(0.5, "A share.", DATA, upper=1.0)
    count: int | None = option(None, "A count.", DATA, lower=1, flag="number")
    kind: str = option("a", "A kind.", DATA, choices=("a", "b"))
    kinds: tuple[str, ...] = option((), "Kinds.", DATA, choices=("a", "b"))
    is_on: bool = option(True, "Whether it is on.", DATA)
    gone: int = refused(20, "there is no such thing; omit the flag")
    not_a_flag: int = 7


def parse(*arguments: str) -> Flags:
    flags = Flags([Options])
    flags.parse(["command.py", *arguments])
    return flags


def options(*arguments: str) -> Options:
    return parse(*arguments).options(Options, not_a_flag=8)


def test_without_flags_the_defaults_are_in_force():
    assert options() == Options(folder=None, not_a_flag=8)


def test_values_are_read_by_the_types_of_the_fields():
    found = options(
        *("--sizes=3,4", "--share=1", "--number=2", "--kind=b", "--kinds=b,a", "--nois_on"),
        *("--folder=x", "--gone=20"),
    )
    assert found == Options("x", (3, 4), 1.0, 2, "b", ("b", "a"), False, 20, 8)


@pytest.mark.parametrize(
    ("given", "sizes"),
    [
        (["6", "12", "18"], (6, 12, 18)),
        (["6,12", "18"], (18,)),
        (["6", "12,18"], (12, 18)),
        (["6,12", "18", "24"], (18, 24)),
        (["6", ""], ()),
        ([""], ()),
    ],
)
def test_single_numbers_add_up_and_lists_replace(given, sizes):
    assert options(*(f"--sizes={each}" for each in given)).sizes == sizes


def test_words_replace():
    assert options("--kinds=a,b", "--kinds=b").kinds == ("b",)
    assert options("--kinds=a", "--kinds=b").kinds == ("b",)


def test_the_command_line_replaces_what_a_flag_file_gives(tmp_path):
    recipe = tmp_path / "x.flags"
    recipe.write_text("# for tests\n--sizes=1\n--sizes=2\n--share=0.25\n--number=3\n")
    found = options("--sizes=6", "--sizes=12", f"--flagfile={recipe}", "--number=4")
    assert (found.sizes, found.share, found.count) == ((6, 12), 0.25, 4)
    assert options("--flagfile", str(recipe)).sizes == (1, 2)
    assert Flags([Options]).parse(["x.py", f"--flagfile={recipe}", "a", "b"]) == ["a", "b"]
    recipe.write_text("--share=0.25\nan image.png\n")
    assert Flags([Options]).parse(["x.py", f"--flagfile={recipe}", "b"]) == ["an image.png", "b"]


def test_only_given_flags_are_given_by_the_name_of_the_field():
    assert parse("--number=3", "--nois_on").given(Options) == {"count": 3, "is_on": False}


def test_a_home_folder_is_written_out(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert options("--folder=~/x").folder == f"{tmp_path}/x"
    assert Flags([Options]).parse(["command.py", "~/y"]) == [f"{tmp_path}/y"]


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--number=0", "positive integer"),
        ("--share=2", "2.0 is not number <= 1.0"),
        ("--kind=c", "value should be one of <a|b>"),
        ("--kinds=a,c", "value should be one of <a|b>"),
        ("--sizes=x", "comma separated list of int"),
        ("--share=nan", "expected a number"),
        ("--number=99999999999999999999", "expected at most 4611686018427387904"),
        ("--gone=3", "there is no such thing; omit the flag"),
        ("--not_a_flag=1", "Unknown command line flag"),
    ],
)
def test_what_a_field_does_not_allow_is_refused(flag, message):
    with pytest.raises(absl_flags.Error, match=message.replace("|", r"\|")):
        parse(flag)


def test_flags_of_other_libraries_are_none_of_ours():
    definitions = set(parse().definitions)
    assert definitions == {
        *("folder", "sizes", "share", "number", "kind", "kinds", "is_on", "gone")
    }
    with pytest.raises(absl_flags.UnrecognizedFlagError):
        parse("--tt_check_filter=x")


def test_a_flag_of_two_classes_is_a_mistake():
    with pytest.raises(ValueError, match="two options classes have the flag folder"):
        Flags([Options, Options])


def test_help_tells_the_default_in_force():
    shown = {name: help_pages.shown_default(each) for name, each in parse().definitions.items()}
    assert shown["folder"] == "the newest"
    assert shown["share"] == "0.5"
    assert shown["is_on"] == "on"
    flags = Flags([Options], {"share": "as trained"})
    assert help_pages.shown_default(flags.definitions["share"]) == "as trained"


def test_a_synonym_is_the_flag_itself_also_in_a_flag_file(tmp_path):
    @dataclasses.dataclass(frozen=True)
    class Named:
        variant: str = option("a", "A variant.", DATA, synonyms=("model_name",))

    recipe = tmp_path / "x.flags"
    recipe.write_text("--task=classification\n--model_name=b\n")
    for argument, value in (("--model_name=c", "c"), (f"--flagfile={recipe}", "b")):
        flags = Flags([Named])
        flags.parse(["command.py", argument])
        assert flags.is_given("variant")
        assert flags.options(Named) == Named(value)
    assert help_pages.full_text(flags.definitions["variant"]) == "A variant. Also --model_name."


def test_a_command_may_have_other_defaults():
    changed = option_fields.changed(
        Options,
        share=option_fields.change(0.25),
        count=option_fields.change(3, computed_default="an epoch"),
    )
    assert issubclass(changed, Options)
    assert (changed().share, changed().count, changed().kind) == (0.25, 3, "a")
    flags = Flags([changed])
    flags.parse(["command.py", "--share=0.75"])
    assert flags.options(changed, not_a_flag=7) == changed(folder=None, share=0.75)
    assert help_pages.shown_default(flags.definitions["number"]) == "an epoch"
    with pytest.raises(absl_flags.Error):
        flags.parse(["command.py", "--share=2"])
