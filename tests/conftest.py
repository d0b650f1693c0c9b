"""Shared set-up of the tests: quiet TensorFlow, graph mode, and real data beside a checkout."""

import pathlib

import pytest
from PIL import Image

from commands import tensorflow_start

tensorflow_start.import_quietly()

import tensorflow.compat.v1 as tf  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent

from tests.support import sessions  # noqa: E402

tf.disable_v2_behavior()
sessions.leave_graphs_as_built()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with the tests that have a time limit of their own, because they take long.

    With several processes the last file is then a short one, and they end together.
    """
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


@pytest.fixture(autouse=True)
def fresh_graph():
    """Every test starts with an empty default graph and a known seed."""
    tf.reset_default_graph()
    tf.set_random_seed(0)


@pytest.fixture(autouse=True)
def pillows_limit(monkeypatch):
    """Commands lift Pillow's limit of pixels for their process, which here is that of the tests."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)


@pytest.fixture(scope="module")
def optimized_graphs():
    """Lets TensorFlow rewrite the graphs that the tests of a file run, as it does for users."""
    with sessions.optimized():
        yield


@pytest.fixture(scope="session")
def shared() -> pathlib.Path:
    """Folder of real data beside the checkout; tests that need it skip where it is not there."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"needs the real data in {folder}, which is not there")
    return folder


@pytest.fixture
def samples(shared) -> pathlib.Path:
    """Folder of real files of labelling tools and datasets, in the shared one."""
    folder = shared / "samples"
    if not folder.is_dir():
        pytest.skip(f"needs the real data in {folder}, which is not there")
    return folder
