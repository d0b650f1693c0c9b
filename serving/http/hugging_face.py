"""Hugging Face's forms of image segmentation, image classification and image to text.

    InferenceClient(model="http://127.0.0.1:8000/hf/NAME").image_segmentation("photo.jpg")

A body is an image file, or JSON: {"inputs": base64, "parameters": {…}}.
"""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.drawing import visualize
from serving.http import answers, bodies, endpoints, tensors
from serving.http.budget import Lease
from serving.http.hosting import Prediction
from serving.http.predictors import Captioner, Segmenter
from serving.http.refusals import Refusal
from serving.http.service import Service

_DEFAULT_TOP = 5


def routes(service: Service) -> list[Route]:
    """Returns the routes: of one model, and of the first."""
    return [
        endpoints.route(service, path, _answer, ["POST"])
        for path in ("/hf", "/hf/{model}", "/models/{model}")
    ]


async def _answer(service: Service, request: Request, lease: Lease) -> Response:
    model = service.find_model(request.path_params.get("model"))
    parameters: Mapping[str, Any] = {}
    if bodies.media_type(request) == "application/json":
        body = await bodies.read(request, service.settings.max_bytes, lease)
        lease.take(tensors.JSON_BYTES * len(body))
        given = await service.in_pool(tensors.parse_json, body)
        content = tensors.from_base64(given.get("inputs"), "inputs")
        if isinstance(given.get("parameters"), dict):
            parameters = given["parameters"]
    else:
        content = (await bodies.read_image(request, service.settings.max_bytes, lease)).data
    top = parameters.get("top_k") or _DEFAULT_TOP
    if type(top) is not int or top < 1:
        raise Refusal(400, f"top_k is {str(top)[:20]}; expected a whole number from 1 on.")
    _, [prediction] = await service.predict_files(model, [content], lease)
    if isinstance(prediction.predictor, Segmenter):
        return endpoints.json_response(await service.in_pool(_segments, prediction))
    if isinstance(prediction.predictor, Captioner):
        return endpoints.json_response([{"generated_text": prediction.values[0].text}])
    return endpoints.json_response(_classes(prediction, top))


def _segments(prediction: Prediction) -> list[dict[str, Any]]:
    """Returns a mask, white where a class is, for each class; the largest first.

    Semantic segmentation has no score there, either: what is given is the share of the pixels.
    """
    model, ids = prediction.predictor.model, prediction.values
    shares = visualize.class_shares(ids, model.num_classes)
    found = []
    for class_id in sorted(np.flatnonzero(shares), key=lambda class_id: -shares[class_id]):
        white = Image.fromarray((ids == class_id).astype(np.uint8) * np.uint8(255))
        mask = base64.b64encode(answers.encode(white, "PNG")).decode()
        found.append(
            {
                "label": model.class_names[class_id],
                "score": round(float(shares[class_id]), 6),
                "mask": mask,
            }
        )
    return found


def _classes(prediction: Prediction, top: int) -> list[dict[str, Any]]:
    described = answers.describe_classes("", prediction.predictor, prediction.values, top)
    return [{"label": each["name"], "score": each["probability"]} for each in described["classes"]]
