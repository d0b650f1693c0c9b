"""Each benchmark once, at the smallest size. How fast anything is, is never judged here."""

import math
import pathlib

import pytest

from scripts.benchmarks import (
    build,
    caption_predict,
    caption_train,
    captioners,
    classify_predict,
    classify_train,
    feed,
    growth,
    predict,
    report,
    start,
    stylize,
    train,
)
from scripts.benchmarks.settings import Settings

ROOT = pathlib.Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """One round, one iteration; the peers' environment is not there."""
    monkeypatch.chdir(ROOT)
    return Settings(
        num_rounds=1,
        round_secs=0.0,
        work_dir=str(tmp_path),
        peers_venv=str(tmp_path / "absent"),
        report=lambda line: None,
    )


def check(table: report.Table, *names: str) -> dict:
    """Checks that the named contenders were measured; returns the results by name."""
    results = {result.name: result for result in table.results}
    for name in names:
        result = results[name]
        assert result.reason is None
        assert len(result.seconds) == 1
        assert 0 < table.value(result) < math.inf
    for result in table.results:
        if result.is_peer:
            assert "make bench-peers-setup" in result.reason
    lines = report.format_table(table).splitlines()
    assert sum(line.startswith(tuple(f"| {name} |" for name in names)) for line in lines) == len(
        names
    )
    return results


def test_predict(settings):
    (table,) = predict.run(settings, [("xception_tiny", 2)], size=33)
    results = check(table, "plain graph", "ours, engine=tensorflow")
    assert results["OpenVINO"].is_peer
    for name in ("plain graph", "ours, engine=tensorflow"):
        assert results[name].facts["equal pixels"] == "100.00%"


def test_start(settings):
    loading, whole = start.run(settings, ["xception_tiny"], size=33)
    check(loading, "plain graph", "ours, engine=tensorflow")
    results = check(whole, "plain graph's file", "ours")
    assert all(result.peak_bytes > 60 << 20 for result in results.values())


def test_train(settings):
    (table,) = train.run(settings, [("xception_tiny", 33, 2)])
    check(table, "plain graph", "ours")


def test_feed(settings):
    (table,) = feed.run(settings, num_images=4, crop=65)
    check(table, "plain order", "ours", "ours, with the gradient channel")


def test_build(settings):
    (table,) = build.run(settings, num_images=4)
    check(
        table,
        "plain converter",
        "ours, check and records with the gradient",
        "ours, check and records without it",
        "ours, `--nocheck`, records with the gradient",
        "ours, `--nocheck`, records without it",
        "ours, the check alone",
    )


def test_classify_predict(settings):
    (table,) = classify_predict.run(settings, [("resnet_v1_18", 2)], (48, 40), 32)
    results = check(table, "plain graph", "ours, engine=tensorflow", "ours, engine=auto")
    assert float(results["plain graph"].facts["difference"]) == 0
    assert float(results["ours, engine=tensorflow"].facts["difference"]) < 1e-4
    assert results["ONNX Runtime"].is_peer


@pytest.mark.parametrize(
    ("network", "other"),
    [
        ("resnet_v1_18", "ours, --recompute_activations"),
        ("densenet121", "ours, --norecompute_activations"),
    ],
)
def test_classify_train(settings, network, other):
    (table,) = classify_train.run(settings, [(network, 32, 2)])
    check(table, "plain graph", "ours", other)


def test_stylize(settings):
    (table,) = stylize.run(settings, [(24, 32)], (4, 4, 6, 6, 6))
    check(table, "operations of neural-style", "ours")


@pytest.mark.parametrize("decoder", ["show_and_tell", "attention"])
def test_caption_predict(settings, decoder):
    tables = caption_predict.run(
        settings, [(decoder, "mobilenet_v3_small", 64)], (1, 2), (48, 40), num_words=30
    )
    for table, batch in zip(tables, (1, 2), strict=True):
        results = check(table, captioners.ORIGINALS[decoder], "ours")
        assert table.value(results["ours"]) == batch / results["ours"].seconds[0]


@pytest.mark.parametrize("decoder", ["show_and_tell", "attention"])
def test_caption_train(settings, decoder):
    frozen, trained, features = caption_train.run(
        settings,
        [
            (decoder, "mobilenet_v3_small", 64, 5, kind)
            for kind in (caption_train.FROZEN, caption_train.TRAINED, caption_train.CACHED)
        ],
        num_words=30,
    )
    names = captioners.ORIGINALS[decoder], "ours", "ours, --captions_per_image=5"
    check(frozen, *names, "ours, --cache_features")
    check(trained, *names)
    check(features, *names)


def test_growth(settings):
    predict_table, train_table = growth.run(
        settings, "xception_tiny", [(33, 3, 1), (33, 3, 2)], [(33, 3, 2, 1), (33, 3, 2, 2)]
    )
    check(predict_table, "33x33, 3 classes, batch 1", "33x33, 3 classes, batch 2")
    check(train_table, *(f"33x33, 3 classes, batch 2, {count} clones" for count in (1, 2)))
