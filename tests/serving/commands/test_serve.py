"""What serve.py makes of its flags."""

import pytest

from serving.commands import serve
from tests.support import published_files


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("runs/cars/export", "runs/cats/export"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "frozen_inference_graph.pb").touch()
    (tmp_path / "a,b=c.pb").touch()


def test_models_are_named_by_the_flag_or_by_their_training_runs():
    assert serve.parse_exports("runs/cars/export,pets=runs/cats") == {
        "cars": "runs/cars/export",
        "pets": "runs/cats",
    }
    assert serve.parse_exports("runs/cats/export/frozen_inference_graph.pb") == {
        "cats": "runs/cats/export/frozen_inference_graph.pb"
    }
    assert serve.parse_exports("a,b=c.pb") == {"a_b_c": "a,b=c.pb"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("runs/dogs", "runs/dogs does not exist"),
        ("x/y=runs/cars", "'x/y' cannot be a model's name"),
        ("runs/cars/export,cars=runs/cats", "two models have the name cars"),
        (",", "--model is empty"),
    ],
)
def test_a_wrong_model_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        serve.parse_exports(text)


def test_the_token_is_in_a_file_or_in_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv("SERVE_TOKEN", raising=False)
    assert serve.read_token(None) is None
    monkeypatch.setenv("SERVE_TOKEN", "from the environment")
    assert serve.read_token(None) == "from the environment"
    file = tmp_path / "token"
    file.write_text("from a file\nsecond line\n")
    assert serve.read_token(str(file)) == "from a file"
    file.write_text("short\n")
    with pytest.raises(ValueError, match="5 characters; expected at least 8"):
        serve.read_token(str(file))


def test_published_weights_are_downloaded_and_keep_their_name(monkeypatch, tmp_path):
    name = published_files.NAME
    content = published_files.archive({"model/frozen_inference_graph.pb": b"graph"})
    with published_files.serving({published_files.FILE: content}) as server:
        published_files.use_cache(monkeypatch, tmp_path / "cache", server.address)
        path = f"{tmp_path}/cache/{name}/files/model/frozen_inference_graph.pb"
        assert serve.parse_exports(name) == {name: path}
        assert serve.parse_exports(f"voc={name}") == {"voc": path}
