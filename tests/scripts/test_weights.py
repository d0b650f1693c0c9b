"""`python -m scripts.weights`, against a server on this machine."""

import os
import shutil

import pytest

from commands import help_pages
from commands.flags import Flags
from published import cache, catalogue, download
from scripts import weights
from tests.support import published_files
from tests.support.published_files import FILE, NAME


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setattr(download, "FIRST_PAUSE_SECS", 0.0)
    with published_files.serving({FILE: published_files.archive({"m/x.pb": b"1"})}) as server:
        published_files.use_cache(monkeypatch, tmp_path / "cache", server.address)
        yield server


def run(*arguments: str) -> int:
    return weights.main(None, list(arguments))


def test_all_are_listed_with_what_is_there(server, capsys):
    assert run("list") == 0
    before = capsys.readouterr().out
    assert all(name in before for name in catalogue.CATALOGUE)
    assert f"  {NAME}" in before
    assert "Apache License 2.0" in before
    cache.ensure(catalogue.CATALOGUE[NAME])
    run("list")
    assert f"* {NAME}" in capsys.readouterr().out


def test_options_and_what_is_known_of_sizes_are_listed(server, capsys):
    cache.ensure(catalogue.CATALOGUE[NAME])
    capsys.readouterr()
    run("list")
    lines = capsys.readouterr().out.splitlines()
    named = {line.strip("* ").split()[0]: i for i, line in enumerate(lines) if line.strip()}
    xception = named["xception65_coco_voc_trainaug"]
    assert lines[xception + 1].strip() == "--atrous_rates=6,12,18 --decoder_output_stride=4"
    assert lines[named[NAME]].endswith("0.0 MB")
    assert "534.9 MB" in lines[named["imagenet-vgg-verydeep-19"]]
    assert "MB" not in lines[xception]


def test_what_cannot_be_had_does_not_stop_the_others(server, capsys):
    assert run("get", "xception_65_imagenet", NAME) == 1
    streams = capsys.readouterr()
    assert streams.out.startswith(f"{NAME}: ")
    assert "error: " in streams.err
    assert "deeplabv3_xception_2018_01_04.tar.gz cannot be downloaded" in streams.err


def test_weights_are_fetched_and_verified(server, tmp_path, capsys):
    folder = tmp_path / "cache" / NAME
    assert run("get", NAME, FILE.removesuffix(".tar.gz")) == 0
    assert capsys.readouterr().out == f"{NAME}: {folder / 'files'}\n" * 2
    assert run("verify") == 0
    assert run("verify", NAME) == 0
    assert capsys.readouterr().out == f"{NAME}: as received\n" * 2
    (folder / "files" / "m" / "x.pb").write_bytes(b"2")
    assert run("verify") == 1
    streams = capsys.readouterr()
    assert streams.out == f"{NAME}: not as received\n"
    assert streams.err.startswith(f"error: {NAME}: {folder / 'files' / 'm' / 'x.pb'} has 1 bytes")
    advice = f"run python -m scripts.weights get {NAME}\n"
    assert streams.err.endswith(f"\nto mend it, remove {folder / 'files'}, then {advice}")

    shutil.rmtree(folder / "files")
    assert run("verify") == 1
    assert capsys.readouterr().err.endswith(f"\nto mend it, {advice}")
    (folder / FILE).write_bytes(b"")
    assert run("verify") == 1
    assert f"to mend it, remove {folder / FILE}, then run" in capsys.readouterr().err
    os.remove(folder / FILE)
    assert run("get", NAME) == run("verify") == 0


def test_an_empty_cache_is_told(server, tmp_path, capsys):
    assert run("verify") == 0
    told = capsys.readouterr().out
    assert told == f"no weights are in the cache, {tmp_path}/cache ($DEEPLAB_WEIGHTS_CACHE)\n"


def test_help_names_every_use(capsys):
    command = weights.COMMAND
    text = help_pages.short(command.description, Flags(command.options).definitions.values())
    for each in ("list", "get NAME…", "verify [NAME…]", *(cache.CACHE_VARIABLE, "_MIRROR")):
        assert each in text, each


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no argument: expected list, get NAME… or verify [NAME…].\n"),
        (("fetch", NAME), f"fetch {NAME}: expected list, get"),
        (("list", NAME), f"list {NAME}: expected list, get"),
        (("get",), "which weights? python -m scripts.weights get NAME…\n"),
    ],
)
def test_wrong_use_ends_as_wrong_flags_do(server, arguments, message, capsys):
    assert run(*arguments) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("get", "mobilenetv2_coco_voc_trainag"), f"did you mean {NAME} or"),
        (("verify", NAME), f"{NAME} has not been received yet"),
    ],
)
def test_wrong_arguments_are_one_line(server, arguments, message):
    with pytest.raises(ValueError, match=message):
        run(*arguments)
