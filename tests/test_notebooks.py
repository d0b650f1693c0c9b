"""Notebooks: valid files without outputs, and what their cells run exists."""

import ast
import json
import pathlib
import re
import subprocess

import pytest

from tests import test_docs
from tests.support.command_flags import flags_of, is_ours, path_of

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_LINES = 12


def cells_of(notebook: pathlib.Path, kind: str) -> list[str]:
    content = json.loads(notebook.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in content["cells"] if cell["cell_type"] == kind]


def parted(cell: str) -> tuple[str, list[str]]:
    """Returns a cell's Python, with nothing in place of its other lines, and its shell lines."""
    python, shell = [], []
    for line in cell.replace("\\\n", " ").splitlines():
        if line.startswith("!"):
            shell.append(line[1:])
        python.append("" if line.startswith(("!", "%")) else line)
    return "\n".join(python), shell


def shell_lines(notebook: pathlib.Path) -> list[str]:
    return [line for cell in cells_of(notebook, "code") for line in parted(cell)[1]]


def test_there_are_notebooks_and_cells_are_parted():
    assert NOTEBOOKS
    python, shell = parted("!make a \\\n  b\nx = 1\n%cd {x}")
    assert (python, shell) == ("\nx = 1\n", ["make a    b"])


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_one_of_format_4_with_small_cells_and_no_outputs(notebook):
    content = json.loads(notebook.read_text(encoding="utf-8"))
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    assert content["metadata"]["kernelspec"]["name"] == "python3"
    identifiers = [cell["id"] for cell in content["cells"]]
    assert len(set(identifiers)) == len(identifiers)
    for cell in content["cells"]:
        keys = {"cell_type", "id", "metadata", "source"}
        if cell["cell_type"] == "code":
            keys |= {"execution_count", "outputs"}
            assert (cell["execution_count"], cell["outputs"]) == (None, [])
        assert cell.keys() == keys
        assert 1 <= len(cell["source"]) <= MOST_LINES
        assert all(line.endswith("\n") for line in cell["source"][:-1])
        assert all(re.fullmatch(r"[\w-]{1,64}", each) for each in identifiers)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_python_and_shell_lines_are_well_formed_and_name_what_is_defined(notebook):
    defined: set[str] = set()
    for cell in cells_of(notebook, "code"):
        python, shell = parted(cell)
        tree = ast.parse(python)
        defined |= {
            node.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        for line in shell:
            assert set(re.findall(r"\{(\w+)\}", line)) <= defined
            filled = re.sub(r"\{\w+\}", "x", line)
            checked = subprocess.run(["bash", "-n", "-c", filled], capture_output=True, text=True)
            assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_targets_commands_and_flags_exist(notebook):
    variables = set(re.findall(r"^([A-Z_]+) \?=", (ROOT / "Makefile").read_text(), re.MULTILINE))
    lines = shell_lines(notebook)
    assert [target for line in lines for target in test_docs.targets_in(line)]
    for line in lines:
        runs = test_docs.commands_in(line)
        for target in test_docs.targets_in(line):
            recipe = test_docs.make_recipes()[target]
            runs += [(command, line) for command, _ in test_docs.commands_in(recipe)]
            assert set(re.findall(r" ([A-Z_]+)=", line)) <= variables
        for command, arguments in runs:
            assert path_of(command).is_file() or not command.endswith(".py")
            if not is_ours(command):
                continue
            names = test_docs.flag_names(arguments.replace("ARGS=--", " --"))
            assert set(names) <= flags_of(command)
    files = {word for line in lines for word in re.findall(r"recipes/\w+\.flags", line)}
    assert all((ROOT / file).is_file() for file in files)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_documents_that_it_names_exist(notebook):
    text = "\n".join(cells_of(notebook, "markdown"))
    for file in re.findall(r"docs/[\w-]+\.md", text):
        assert (ROOT / file).is_file()
