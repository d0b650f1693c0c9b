"""Exports that are replaced while they are served."""

import os
import time

import numpy as np
import pytest

from serving.http.hosting import ModelSettings
from serving.http.service import ServiceSettings
from tests.support import toy_export, toy_service

SETTINGS = ServiceSettings(models=ModelSettings(reload_secs=0.05))
PNG = toy_service.png(toy_export.image(40, 60))


def replace(path: str, content: bytes) -> None:
    with open(f"{path}.new", "wb") as file:
        file.write(content)
    os.replace(f"{path}.new", path)


def until(condition) -> None:
    for _ in range(400):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen")


@pytest.fixture
def export(tmp_path) -> str:
    return str(toy_export.write(tmp_path / "export"))


def names(service) -> list[str]:
    return [each["name"] for each in service.get("/models").json["models"][0]["classes"]]


def test_a_new_export_takes_the_place_of_the_old_one(tmp_path, export):
    new = toy_export.write(tmp_path / "new", metadata={"class_names": ["sky", "lawn", "lake"]})
    with toy_service.running({"toy": export}, SETTINGS) as service:
        old = service.service.models["toy"].current
        assert names(service) == list(toy_export.CLASS_NAMES)
        replace(export, new.read_bytes())
        until(lambda: names(service) == ["sky", "lawn", "lake"])
        answer = service.post("/segment?format=json", PNG).json
        assert answer["version"] == 2
        until(lambda: old.model._is_closed)


def test_a_damaged_export_leaves_the_old_one(tmp_path, export, caplog):
    with toy_service.running({"toy": export}, SETTINGS) as service:
        good = open(export, "rb").read()  # noqa: SIM115
        failures = 'service_model_reload_failures_total{model="toy"}'
        assert f"{failures} 0.0" in service.get("/metrics").body.decode()
        replace(export, good[: len(good) // 2])
        until(lambda: f"{failures} 1.0" in service.get("/metrics").body.decode())
        assert service.post("/segment?format=json", PNG).json["version"] == 1
        assert "version 1 goes on" in caplog.text
        replace(export, good)
        until(lambda: service.post("/segment?format=json", PNG).json["version"] == 2)


def test_an_export_of_another_task_leaves_the_old_one(tmp_path, export):
    other = toy_service.write_classifier(tmp_path / "other")
    with toy_service.running({"toy": export}, SETTINGS) as service:
        replace(export, open(other, "rb").read())  # noqa: SIM115
        failures = 'service_model_reload_failures_total{model="toy"}'
        until(lambda: f"{failures} 1.0" in service.get("/metrics").body.decode())
        assert service.post("/segment?format=json", PNG).json["version"] == 1


def test_an_image_that_fails_does_not_take_its_batch_along(export, monkeypatch):
    with toy_service.running({"toy": export}) as service:
        model = service.service.models["toy"]
        predict = model.current.predict

        def fail_on_black(images):
            if not all(image.any() for image in images):
                raise RuntimeError("black")
            return predict(images)

        monkeypatch.setattr(model.current, "predict", fail_on_black)
        image = toy_export.image(8, 8)
        good, bad = model._run([image, np.zeros_like(image)])
        np.testing.assert_array_equal(good.values, predict([image])[0])
        assert isinstance(bad, RuntimeError)
