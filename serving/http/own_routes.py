"""The service's own endpoints: /segment, /classify, /caption, /models and metrics."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving import contract, tiling
from serving.http import answers, bodies, endpoints, metrics, negotiation
from serving.http.budget import Lease
from serving.http.hosting import HostedModel
from serving.http.predictors import Predictor
from serving.http.refusals import Refusal
from serving.http.service import Service

_DEFAULT_OPACITY = 0.5
_DEFAULT_TOP = 5
_DEFAULT_CAPTIONS = 1
_SEGMENT_PARAMETERS = ("format", "opacity", "classes", "tile", "model")
_TOP_PARAMETERS = ("top", "model")


def routes(service: Service) -> list[Route]:
    """Returns the routes."""
    return [
        endpoints.route(service, "/segment", _segment, ["POST"]),
        endpoints.route(service, "/classify", _classify, ["POST"]),
        endpoints.route(service, "/caption", _caption, ["POST"]),
        endpoints.route(service, "/models", _list_models),
        endpoints.route(service, "/metrics", _metrics, needs_models=False),
    ]


class _Clock:
    """Durations of the parts of a request, for the header Server-Timing."""

    def __init__(self) -> None:
        self._last = time.perf_counter()
        self._parts: list[str] = []

    def note(self, name: str) -> None:
        now = time.perf_counter()
        self._parts.append(f"{name};dur={1000 * (now - self._last):.1f}")
        self._last = now

    @property
    def header(self) -> dict[str, str]:
        return {"Server-Timing": ", ".join(self._parts)}


async def _segment(service: Service, request: Request, lease: Lease) -> Response:
    chosen = negotiation.choose(request.query_params.get("format"), request.headers.get("accept"))
    clock = _Clock()
    body = await bodies.read_image(request, service.settings.max_bytes, lease)
    values = _parameters(request, body, _SEGMENT_PARAMETERS)
    if "format" in body.fields:
        chosen = negotiation.choose(body.fields["format"], None)
    opacity = _number(values, "opacity", _DEFAULT_OPACITY, 0, 1)
    model = service.find_model(values.get("model"), contract.SEGMENTATION.task)
    names = model.current.model.class_names
    classes = answers.find_classes(values["classes"], names) if "classes" in values else None
    clock.note("read")
    tile = _tile(values.get("tile"))
    [image], [prediction] = await service.predict_files(model, [body.data], lease, tile)
    predictor, ids = prediction.predictor, prediction.values
    clock.note("predict")
    if chosen.form == "mask":
        content = await service.in_pool(answers.mask_png, ids, predictor.model.palette)
    elif chosen.form == "overlay":
        content = await service.in_pool(
            answers.overlay, image, ids, predictor, opacity, classes, chosen.image_format
        )
    elif chosen.form == "npy":
        content = await service.in_pool(answers.npy, ids.astype(np.int32))
    else:
        description = await service.in_pool(answers.describe_segments, model.name, prediction)
        content = await service.in_pool(answers.to_json, description)
    clock.note("encode")
    headers = {**clock.header, "Vary": "Accept"}
    return Response(content, media_type=chosen.media_type, headers=headers)


async def _classify(service: Service, request: Request, lease: Lease) -> Response:
    task = contract.CLASSIFICATION.task
    return await _tell(service, request, lease, task, _DEFAULT_TOP, answers.describe_classes)


async def _caption(service: Service, request: Request, lease: Lease) -> Response:
    task = contract.CAPTIONING.task
    return await _tell(service, request, lease, task, _DEFAULT_CAPTIONS, answers.describe_captions)


async def _tell(
    service: Service,
    request: Request,
    lease: Lease,
    task: str,
    default_top: int,
    describe: Callable[[str, Predictor, Any, int], dict[str, Any]],
) -> Response:
    """Answers with the likeliest that a model of a task says of an image, as JSON."""
    clock = _Clock()
    body = await bodies.read_image(request, service.settings.max_bytes, lease)
    values = _parameters(request, body, _TOP_PARAMETERS)
    top = _count(values, "top", default_top)
    model = service.find_model(values.get("model"), task)
    clock.note("read")
    _, [prediction] = await service.predict_files(model, [body.data], lease)
    clock.note("predict")
    response = endpoints.json_response(
        describe(model.name, prediction.predictor, prediction.values, top)
    )
    response.headers.update(clock.header)
    return response


async def _list_models(service: Service, request: Request, lease: Lease) -> Response:
    return endpoints.json_response(
        {"models": [_describe(each) for each in service.models.values()]}
    )


def _describe(model: HostedModel) -> dict:
    predictor = model.current
    colors = getattr(predictor.model, "palette", ())
    return {
        "name": model.name,
        "task": predictor.TASK,
        "version": predictor.version,
        "engine": predictor.model.engine_name,
        "classes": [
            {"id": class_id, "name": name}
            | ({"color": answers.color_text(colors[class_id])} if class_id < len(colors) else {})
            for class_id, name in enumerate(predictor.model.class_names)
        ],
    }


async def _metrics(service: Service, request: Request, lease: Lease) -> Response:
    return Response(service.metrics.text(), media_type=metrics.CONTENT_TYPE)


def _parameters(request: Request, body: bodies.ImageBody, allowed: Sequence[str]) -> dict[str, str]:
    """Returns what the address and the form say (Refusal 400 for a name that is not known)."""
    values = {**request.query_params, **body.fields}
    unknown = [name for name in values if name not in allowed]
    if unknown:
        raise Refusal(
            400, f"there is no parameter {unknown[0][:40]!r}; there are {', '.join(allowed)}."
        )
    return values


def _tile(text: str | None) -> str | int | None:
    try:
        return None if text is None else tiling.parse_tile(text)
    except ValueError as error:
        raise Refusal(400, str(error)) from None


def _number(
    values: Mapping[str, str], name: str, default: float, lower: float, upper: float
) -> float:
    """Returns a parameter of a request (Refusal 400 for one that is out of bounds)."""
    text = values.get(name)
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not lower <= number <= upper:
        raise Refusal(400, f"{name} is {text[:40]!r}; expected a number from {lower} to {upper}.")
    return number


def _count(values: Mapping[str, str], name: str, default: int) -> int:
    """Returns a parameter that counts something (Refusal 400 for what is no count)."""
    text = values.get(name)
    if text is None:
        return default
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise Refusal(400, f"{name} is {text[:40]!r}; expected a whole number from 1 on.")
    return number
