"""The REST interface of TensorFlow Serving: `/v1/models/M:predict`, with base64 or numbers.

An instance is {"b64": …}, {"NAME": {"b64": …}}, or numbers [height, width, 3]. `instances` are
answered with `predictions`, one for each; `inputs` with `outputs`. With `signature_name`
"serve_bytes" a mask is a PNG in base64, as of the SavedModel.
"""

import base64
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving import contract
from serving.http import answers, bodies, endpoints, tensors
from serving.http.budget import Lease
from serving.http.hosting import HostedModel, Prediction
from serving.http.predictors import Captioner, Predictor
from serving.http.refusals import Refusal
from serving.http.service import Service

# As of the SavedModels that `export.saved_model` writes.
_TENSORS_SIGNATURE, _BYTES_SIGNATURE = "serving_default", "serve_bytes"


def routes(service: Service) -> list[Route]:
    """Returns the routes."""
    found = []
    for path in ("/v1/models/{model}/versions/{version}", "/v1/models/{model}"):
        found += [
            endpoints.route(service, f"{path}:predict", _predict, ["POST"]),
            endpoints.route(service, f"{path}/metadata", _metadata),
            endpoints.route(service, path, _status),
        ]
    return found


async def _status(service: Service, request: Request, lease: Lease) -> Response:
    model = endpoints.find_model(service, request)
    state = {
        "version": str(model.current.version),
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    return endpoints.json_response({"model_version_status": [state]})


async def _metadata(service: Service, request: Request, lease: Lease) -> Response:
    model = endpoints.find_model(service, request)
    signature = contract.SIGNATURES[model.current.TASK]
    return endpoints.json_response(
        {
            "model_spec": {
                "name": model.name,
                "signature_name": "",
                "version": str(model.current.version),
            },
            "metadata": {
                "inputs": [contract.INPUT],
                "outputs": [signature.predictions],
                "class_names": list(model.current.model.class_names),
            },
        }
    )


async def _predict(service: Service, request: Request, lease: Lease) -> Response:
    model = endpoints.find_model(service, request)
    body = await bodies.read(request, service.settings.max_bytes, lease)
    lease.take(tensors.JSON_BYTES * len(body))
    given = await service.in_pool(tensors.parse_json, body)
    signature = given.get("signature_name") or _TENSORS_SIGNATURE
    if signature not in (_TENSORS_SIGNATURE, _BYTES_SIGNATURE):
        raise Refusal(
            400,
            f"signature_name is {str(signature)[:40]!r}; expected {_TENSORS_SIGNATURE} or "
            f"{_BYTES_SIGNATURE}.",
        )
    is_row = "instances" in given
    values = given.get("instances") if is_row else given.get("inputs")
    if not is_row and isinstance(values, dict) and "b64" not in values and len(values) == 1:
        [values] = values.values()
    if not is_row and isinstance(values, list) and values and isinstance(values[0], list):
        limits = service.settings.images
        images = await service.in_pool(tensors.images_of, values, "inputs", limits)
        predictions = await _predict_images(model, images, lease)
    else:
        if not isinstance(values, list):
            values = [values]
        if not values:
            raise Refusal(400, "instances is empty; expected one image or more.")
        predictions = await _predict_values(service, model, values, lease)
    row = _bytes_row if signature == _BYTES_SIGNATURE else _row
    return await service.in_pool(_answer, predictions, row, is_row)


async def _predict_values(
    service: Service, model: HostedModel, values: list, lease: Lease
) -> list[Prediction]:
    contents = [_content(each) for each in values]
    if all(content is not None for content in contents):
        files = [tensors.from_base64(each, "b64") for each in contents]
        _, predictions = await service.predict_files(model, files, lease)
        return predictions
    if any(content is not None for content in contents):
        raise Refusal(400, "some instances are base64 and some are numbers; send one kind.")
    limits = service.settings.images
    images: list[np.ndarray] = []
    for each in values:
        number = next(iter(each.values()), None) if isinstance(each, dict) else each
        images += await service.in_pool(tensors.images_of, number, "an instance", limits)
    if len(images) != len(values):
        raise Refusal(400, "an instance holds several images; expected [height, width, 3].")
    return await _predict_images(model, images, lease)


async def _predict_images(
    model: HostedModel, images: Sequence[np.ndarray], lease: Lease
) -> list[Prediction]:
    with model.admit([image.shape[:2] for image in images], lease):
        lease.take(tensors.num_bytes(images))
        return await model.predict(images)


def _content(instance: Any) -> Any:
    """Returns what is in "b64" of an instance; None for numbers."""
    if isinstance(instance, dict):
        if "b64" in instance:
            return instance["b64"]
        if len(instance) == 1:
            [value] = instance.values()
            if isinstance(value, dict) and "b64" in value:
                return value["b64"]
    return None


def _answer(
    predictions: Sequence[Prediction], row: Callable[[Predictor, Any], Any], is_row: bool
) -> Response:
    rows = [row(each.predictor, each.values) for each in predictions]
    if is_row:
        content: dict[str, Any] = {"predictions": rows}
    elif isinstance(rows[0], dict) and "b64" not in rows[0]:  # The one output has no name there.
        content = {"outputs": {name: [row[name] for row in rows] for name in rows[0]}}
    else:
        content = {"outputs": rows}
    return Response(answers.to_json(content), media_type="application/json")


def _bytes_row(predictor: Predictor, values: Any) -> Any:
    """Returns an image's output as the signature for files has it, of masks a gray PNG of ids."""
    if isinstance(predictor, Captioner):
        return _row(predictor, values)
    if contract.SIGNATURES[predictor.TASK] is not contract.SEGMENTATION:
        class_id = int(np.argmax(values))
        name = predictor.model.class_names[class_id]
        return {"class_ids": class_id, "class_names": name, "probabilities": values.tolist()}
    return {"b64": base64.b64encode(answers.encode(Image.fromarray(values), "PNG")).decode()}


def _row(predictor: Predictor, values: Any) -> Any:
    """Returns an image's output; an object where there are several, as TensorFlow Serving does."""
    signature = contract.SIGNATURES[predictor.TASK]
    if signature is contract.CAPTIONING:
        return {
            signature.predictions: [each.text for each in values],
            signature.probabilities: [each.log_probability for each in values],
        }
    if signature is contract.SEGMENTATION:
        return values.tolist()
    return {
        signature.predictions: int(np.argmax(values)),
        signature.probabilities: values.tolist(),
    }
