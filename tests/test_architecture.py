"""Who imports whom: the arrows of ARCHITECTURE.md."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMMANDS = {
    "command_line",
    "error_messages",
    "evaluation_flags",
    "export_flags",
    "export_forms",
    "inference_flags",
    "model_flags",
    "startup",
    "train_flags",
    "upstream_flags",
}
EVERYONE_MAY_IMPORT = "common"
ALLOWED = {
    "common": set(),
    "nets": set(),
    "datasets": set(),
    "deployment": set(),
    "export": set(),
    "training": {"deployment"},
    "deeplab": {"nets", "datasets"},
    "serving": {"deeplab.visualize"},
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
    for path in files:
        for module in imported_modules(path):
            top = module.split(".")[0]
            if top in COMMANDS:
                assert str(path.relative_to(ROOT)) in COMMAND_FILES, f"{path} imports {module}"
            elif top in {*ALLOWED, "scripts", "tests"} - {folder}:
                allowed = any(
                    module == name or module.startswith(f"{name}.")
                    for name in {*ALLOWED[folder], EVERYONE_MAY_IMPORT}
                )
                assert allowed, f"{path.relative_to(ROOT)} imports {module}"
