"""Who imports whom: the arrows of ARCHITECTURE.md."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
EVERYONE_MAY_IMPORT = "common"
ALLOWED = {
    "common": set(),
    "commands": set(),
    "nets": set(),
    "datasets": set(),
    "deployment": set(),
    "export": set(),
    "training": {"deployment"},
    "serving": set(),
    "deeplab": {"nets", "datasets", "serving.contract", "serving.drawing"},
    "deeplab/commands": {
        "commands",
        "datasets",
        "deeplab",
        "deployment",
        "export",
        "nets",
        "serving",
        "training",
    },
    "reference": {"commands", "nets", "datasets", "deeplab"},
}
# The commands that live in a folder.
COMMAND_FILES = {"datasets/build_tfrecords.py", "datasets/describe_tfrecords.py"}


def imported_modules(path: pathlib.Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            modules.update(f"{node.module}.{alias.name}" for alias in node.names)
    return modules


@pytest.mark.parametrize("folder", ALLOWED)
def test_folder_imports_only_what_it_may(folder):
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    tops = {name.split("/")[0] for name in ALLOWED} | {"commands", "scripts", "tests"}
    for path in files:
        relative = path.relative_to(ROOT)
        if str(relative) in COMMAND_FILES:
            continue
        if folder == "deeplab" and relative.parts[1] == "commands":
            continue
        for module in imported_modules(path):
            if module.split(".")[0] in tops - {folder.split("/")[0]}:
                allowed = any(
                    module == name or module.startswith(f"{name}.")
                    for name in {*ALLOWED[folder], EVERYONE_MAY_IMPORT}
                )
                assert allowed, f"{relative} imports {module}"
