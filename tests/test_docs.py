"""Documents and recipes are true of the tree: links, files, make targets, commands, flags."""

import functools
import importlib.util
import pathlib
import re

import pytest

from tests.support import command_runs, markdown
from tests.support.command_flags import flags_of, is_ours, path_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENTS = [
    *("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"),
    *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
]
RECIPES = sorted(f"recipes/{path.name}" for path in (ROOT / "recipes").glob("*.flags"))
# Documents tell of what was, too.
FORMER = {"make bench-growth", "python -m scripts.conformance"}
# Flags of other programs, and one that is misspelt on purpose.
FOREIGN_FLAGS = {
    *("direct_num_workers", "direct_running_mode", "flink_master", "parallelism"),
    *("project", "num_workers"),
    *("find-links", "index-url", "preload"),
    *("sync_batch_norm_method", "deocder_output_stride"),
}
# `nets/NAME.py` or `docs/*.md`.
_PLACEHOLDER = re.compile(r"[A-Z]{3,}|[*…<{]")
_COMMAND = re.compile(
    r"(?:python3?|\$\(RUN\)) (?:-m ([\w.]+)|([\w./]+\.py))(?=\s|$)|(?:^|\s)([\w./]+\.py)(?= --)"
)
_MAKE_VALUE = r"""(?:'[^']*'|"[^"]*"|\S)+"""
_MAKE = re.compile(rf"(?:^|[\s(])make((?: +[A-Z_]+={_MAKE_VALUE})*) +([a-z][\w-]*)")


@functools.cache
def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def code_of(document: str) -> list[str]:
    text = text_of(document)
    if document == "Makefile":
        return text.replace("\\\n", " ").splitlines()
    return [*markdown.code_lines(text), *markdown.code_spans(text)]


@functools.cache
def make_recipes() -> dict[str, str]:
    """The targets of the Makefile, each with the lines that it runs."""
    text = text_of("Makefile").replace("\\\n", " ")
    return dict(re.findall(r"^([a-z][a-z-]*):.*\n((?:\t.*\n)*)", text, re.MULTILINE))


def targets_in(line: str) -> list[str]:
    """The targets of `make` in a line of code."""
    targets = [match.group(2) for match in _MAKE.finditer(line)]
    return [target for target in targets if not _PLACEHOLDER.search(target)]


def commands_in(line: str) -> list[tuple[str, str]]:
    """The commands of Python in a line of code: (module or script, the rest of the line)."""
    return [
        (next(filter(None, match.groups())), line[match.end() :])
        for match in _COMMAND.finditer(line)
    ]


def flag_names(arguments: str) -> list[str]:
    """The flags of a command, without those of a program in a comment or behind a pipe."""
    arguments = re.split(r" [#|;]|&&", arguments)[0]
    return re.findall(r"(?:^|[\s'\"=])--([A-Za-z][\w-]*)", arguments)


@functools.cache
def every_flag() -> frozenset[str]:
    """The flags of all commands that the documents name."""
    lines = [line for document in DOCUMENTS for line in code_of(document)]
    commands = {command for line in lines for command, _ in commands_in(line)}
    return frozenset().union(*(flags_of(command) for command in commands if is_ours(command)))


def is_installed(module: str) -> bool:
    package = module.split(".")[0]
    return not (ROOT / package).is_dir() and importlib.util.find_spec(package) is not None


def test_code_links_and_headings_are_found():
    text = """# `a.json` and B: c

See [`x`](other.md#b-1) and `python
train.py --num_clones=2`, not [there](https://example.org).

```sh
make ARGS='--b c' train  # not --a
python -m datasets.build_tfrecords --d=1 \\
  --noe | x --f
```

    python eval.py

## B
## B
"""
    assert markdown.links(text) == ["other.md#b-1"]
    assert markdown.anchors(text) == {"ajson-and-b-c", "b", "b-1"}
    assert markdown.code_spans(text) == ["a.json", "x", "python train.py --num_clones=2"]
    make, build, evaluation = markdown.code_lines(text)
    assert targets_in(make) == ["train"]
    assert flag_names(make) == ["b"]
    ((command, arguments),) = commands_in(build)
    assert (command, flag_names(arguments)) == ("datasets.build_tfrecords", ["d", "noe"])
    assert commands_in(evaluation) == [("eval.py", "")]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_to_files_and_headings(document):
    broken = []
    for link in markdown.links(text_of(document)):
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        if not target.exists() or (
            anchor and anchor not in markdown.anchors(target.read_text(encoding="utf-8"))
        ):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_code_names_exist(document):
    words = [word for span in markdown.code_spans(text_of(document)) for word in span.split()]
    files = [
        word
        for word in words
        if re.fullmatch(r"[\w./-]+\.(py|md|lock|flags)", word) and not _PLACEHOLDER.search(word)
    ]
    # A name without its folder may stand for a file of the folder that the text is about.
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."]
    names = {path.name for folder in folders for path in folder.rglob("*")}
    assert not [
        file for file in files if not (ROOT / file).is_file() and ("/" in file or file not in names)
    ]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_targets_and_variables_of_make_exist(document):
    variables = set(re.findall(r"^([A-Z_]+) \?=", text_of("Makefile"), re.MULTILINE))
    unknown = []
    for line in code_of(document):
        targets = [target for target in targets_in(line) if f"make {target}" not in FORMER]
        unknown += [target for target in targets if target not in make_recipes()]
        if targets:
            unknown += set(re.findall(rf" ([A-Z_]+)={_MAKE_VALUE}", line)) - variables
    assert not unknown


@pytest.mark.parametrize("document", [*DOCUMENTS, "Makefile"])
def test_scripts_and_modules_that_are_run_exist(document):
    commands = {command for line in code_of(document) for command, _ in commands_in(line)}
    assert not [
        command
        for command in commands
        if not path_of(command).is_file()
        and (command.endswith(".py") or not is_installed(command))
        and f"python -m {command}" not in FORMER
    ]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_flags_of_commands_exist(document):
    unknown = []
    for line in code_of(document):
        runs = commands_in(line)
        for target in targets_in(line):
            runs += [(command, line) for command, _ in commands_in(make_recipes().get(target, ""))]
        for command, arguments in runs:
            if is_ours(command):
                known = flags_of(command) | FOREIGN_FLAGS
                unknown += [(command, name) for name in flag_names(arguments) if name not in known]
    assert not unknown


@pytest.mark.parametrize("document", DOCUMENTS)
def test_flags_without_a_command_are_of_some_command(document):
    spans = [span for span in markdown.code_spans(text_of(document)) if span.startswith("--")]
    names = {name for span in spans for name in flag_names(span)}
    assert not names - every_flag() - FOREIGN_FLAGS


def test_what_is_told_of_the_past_is_told_and_gone():
    code = "\n".join(line for document in DOCUMENTS for line in code_of(document))
    for former in FORMER:
        assert former in code
        assert former.removeprefix("make ") not in make_recipes()
        assert not path_of(former.removeprefix("python -m ")).exists()


def test_hooks_run_what_make_lint_runs():
    checks = re.findall(r"\$\(RUN\) ([^&\n]*[^&\s])", make_recipes()["lint"])
    hooks = re.findall(r"entry: \.venv/bin/python (.*)", text_of(".pre-commit-config.yaml"))
    assert hooks == checks


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes_are_flags_that_train_accepts(recipe, tmp_path):
    comment, *lines = text_of(recipe).splitlines()
    assert comment.startswith("# ")
    flags = [line for line in lines if not line.startswith("#")]
    names = [re.fullmatch(r"--(\w+)(=\S+)?", flag).group(1) for flag in flags]
    assert len(set(names)) == len(names)
    assert not set(names) - flags_of("train.py")
    result = command_runs.run("train.py", f"--flagfile={ROOT / recipe}", cwd=tmp_path)
    # Wrong flags end with 2; these only miss a dataset.
    assert (result.returncode, "there is no dataset" in result.stderr) == (1, True), result.stderr
