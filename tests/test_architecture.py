"""Who imports whom, the table of ARCHITECTURE.md, and which modules have a test file."""

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
EVERYONE_MAY_IMPORT = "common"
EVERYTHING_ABOVE = "everything above"


def read_table() -> dict[tuple[str, ...], set[str]]:
    """Returns what each row holds, and what it may import."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows: dict[tuple[str, ...], set[str]] = {}
    for line in text.partition("| what | holds | may import |\n")[2].splitlines()[1:]:
        if not line.startswith("|"):
            break
        _, what, _, allowed, _ = line.split("|")
        above = {path for row in rows for path in row}
        is_all = EVERYTHING_ABOVE in allowed
        rows[tuple(re.findall("`(.*?)`", what))] = (
            above if is_all else set(re.findall("`(.*?)`", allowed))
        )
    return rows


TABLE = read_table()
PATHS = [path for row in TABLE for path in row]


def row_of(path: str) -> tuple[str, ...] | None:
    """Returns the row that a file belongs to: that of the longest path that holds it."""
    holding = [each for each in PATHS if path == each or path.startswith(f"{each}/")]
    longest = max(holding, key=len, default=None)
    return next((row for row in TABLE if longest in row), None)


def file_of(module: str) -> str | None:
    """Returns the file of a module, or of the module that has it as a name; None if not ours."""
    parts = module.split(".")
    for end in (len(parts), len(parts) - 1):
        path = "/".join(parts[:end])
        if not path:
            continue
        for candidate in (f"{path}.py", f"{path}/__init__.py"):
            if (ROOT / candidate).is_file():
                return candidate
    return None


def imported_files(path: pathlib.Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {file for file in map(file_of, names) if file}


def files() -> list[pathlib.Path]:
    folders = {path.split("/")[0] for path in PATHS if not path.endswith(".py")}
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted([*found, *ROOT.glob("*.py")])


def test_every_file_is_in_the_table_and_every_path_of_the_table_exists():
    outside = [path for path in files() if row_of(str(path.relative_to(ROOT))) is None]
    # A folder of packages is a package, too, and holds nothing.
    assert [path for path in outside if path.read_text().strip()] == []
    allowed = {path for row in TABLE.values() for path in row}
    assert [path for path in {*PATHS, *allowed} if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("row", TABLE, ids=" ".join)
def test_a_row_imports_only_what_it_may(row):
    own = [path for path in files() if row_of(str(path.relative_to(ROOT))) == row]
    assert own
    for path in own:
        for imported in imported_files(path):
            target = row_of(imported)
            if target in (None, row) or EVERYONE_MAY_IMPORT in target:
                continue
            allowed = any(
                imported == each or imported.startswith(f"{each}/") for each in TABLE[row]
            )
            assert allowed, f"{path.relative_to(ROOT)} imports {imported}"


def test_no_module_imports_itself_by_way_of_others():
    """Imports inside functions aside: they are there for what is optional, or heavy."""
    arrows = {}
    for path in files():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        top = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
        names = {f"{node.module}.{alias.name}" for node in top for alias in node.names}
        arrows[str(path.relative_to(ROOT))] = {file for file in map(file_of, names) if file}
    done: set[str] = set()

    def visit(file: str, way: tuple[str, ...]) -> None:
        assert file not in way, f"a circle: {' -> '.join([*way, file])}"
        if file not in done:
            for imported in arrows.get(file, ()):
                if not imported.endswith("__init__.py") or imported == file:
                    visit(imported, (*way, file))
            done.add(file)

    for file in arrows:
        visit(file, ())


# What only a task has, in the rooms that know none. `nets` has encoders, whose strides and rates
# are their own.
TASKS_WORDS = {
    "training": r"\bcrop|\bclass(es| id)|atrous|segment(?!ation)|--[a-z]",
    "export": r"\bcrop|\bclass(es| id)|segment|--[a-z]",
    "deployment": r"\bcrop|\bclass(es| id)|atrous|segment|--[a-z]",
    "nets": r"\bcrop|\bclass id|segment(?!ation)|[\"' ]--[a-z]",
}


@pytest.mark.parametrize("folder", TASKS_WORDS)
def test_below_a_task_nothing_speaks_of_one(folder):
    for path in sorted((ROOT / folder).rglob("*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        found = [line for line in lines if re.search(TASKS_WORDS[folder], line)]
        assert found == [], path


# A module of this many lines has a test file of its own name, unless it has no functions.
LINES_OF_WEIGHT = 120
# The others, and where their tests are.
TESTED_ELSEWHERE = {
    "common/option_fields.py": "tests/commands/test_flags.py",
    "deeplab/commands/infer_images.py": "tests/deeplab/commands/test_infer.py",
    "datasets/records/dataset_file.py": "tests/datasets/segmentation/test_specs.py",
    "datasets/segmentation/foreign_records.py": "tests/datasets/test_describe_tfrecords.py",
    "nets/recomputation.py": "tests/nets/test_backward.py",
    "nets/registry.py": "tests/nets/test_encoders.py",
    "scripts/benchmarks/contender_process.py": "tests/scripts/benchmarks/test_rounds.py",
    "scripts/benchmarks/models.py": "tests/scripts/benchmarks/test_smoke.py",
    "scripts/benchmarks/predict.py": "tests/scripts/benchmarks/test_smoke.py",
    "scripts/weight_import/importing.py": "tests/scripts/test_import_tflite.py",
    "scripts/weight_import/network.py": "tests/scripts/test_import_graph.py",
    "serving/engines/openvino_network.py": "tests/serving/engines/test_engines.py",
    "serving/exported_model.py": "tests/serving/test_deeplab_model.py",
    "serving/processing/segmentation.py": "tests/serving/engines/test_engines.py",
    "scripts/weight_import/tflite_file.py": "tests/scripts/test_import_tflite.py",
}


def is_of_weight(path: pathlib.Path) -> bool:
    text = path.read_text(encoding="utf-8")
    has_functions = any(isinstance(node, ast.FunctionDef) for node in ast.walk(ast.parse(text)))
    return has_functions and len(text.splitlines()) >= LINES_OF_WEIGHT


def own_test_file(path: pathlib.Path) -> pathlib.Path:
    """Returns the path of a module's test file; a package's is named after its folder."""
    name = path.parent.name if path.stem == "__init__" else path.stem
    return ROOT / "tests" / path.parent.relative_to(ROOT) / f"test_{name}.py"


def test_every_module_of_weight_has_its_test_file():
    of_weight = [path for path in files() if is_of_weight(path)]
    assert len(of_weight) > 50
    without = {
        str(path.relative_to(ROOT)) for path in of_weight if not own_test_file(path).is_file()
    }
    assert without - TESTED_ELSEWHERE.keys() == set(), "has no test file of its name"
    assert TESTED_ELSEWHERE.keys() - without == set(), "is not an exception any more"
    assert [path for path in TESTED_ELSEWHERE.values() if not (ROOT / path).is_file()] == []
