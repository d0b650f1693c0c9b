"""The Open Inference Protocol, version 2, with its extension for binary tensors (as Triton has it).

An input is a tensor UINT8 [height, width, 3] or [batch, height, width, 3], or one of BYTES, whose
elements are image files. Outputs have the names of the graph's nodes.
"""

import dataclasses
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving import contract
from serving.http import answers, bodies, endpoints, image_input, tensors
from serving.http.budget import Lease
from serving.http.hosting import HostedModel, Prediction
from serving.http.predictors import Captioner, Predictor
from serving.http.refusals import Refusal
from serving.http.service import Service

_VERSION = "2"
_HEADER_LENGTH = "inference-header-content-length"
_MAX_ELEMENTS = 1 << 10
_DTYPES = {"INT32": np.dtype("<i4"), "FP32": np.dtype("<f4")}


def routes(service: Service) -> list[Route]:
    """Returns the routes."""

    def get(path: str, handler: endpoints.Handler, **how: Any) -> Route:
        return endpoints.route(service, path, handler, **how)

    prefix = "/v2/models/{model}"
    found = [
        get("/v2", _server, needs_models=False),
        get("/v2/health/live", _live, is_open=True, needs_models=False),
        get("/v2/health/ready", _ready, is_open=True),
    ]
    for path in (prefix, f"{prefix}/versions/{{version}}"):
        found += [
            get(path, _model),
            get(f"{path}/ready", _model_ready),
            endpoints.route(service, f"{path}/infer", _infer, ["POST"]),
        ]
    return found


async def _server(service: Service, request: Request, lease: Lease) -> Response:
    return endpoints.json_response(
        {"name": "serve.py", "version": _VERSION, "extensions": ["binary_tensor_data"]}
    )


async def _live(service: Service, request: Request, lease: Lease) -> Response:
    return endpoints.json_response({"live": True})


async def _ready(service: Service, request: Request, lease: Lease) -> Response:
    return endpoints.json_response({"ready": True})


async def _model_ready(service: Service, request: Request, lease: Lease) -> Response:
    return endpoints.json_response(
        {"name": endpoints.find_model(service, request).name, "ready": True}
    )


async def _model(service: Service, request: Request, lease: Lease) -> Response:
    model = endpoints.find_model(service, request)
    return endpoints.json_response(
        {
            "name": model.name,
            "versions": [str(model.current.version)],
            "platform": model.current.model.engine_name,
            "inputs": [{"name": contract.INPUT, "datatype": "UINT8", "shape": [-1, -1, -1, 3]}],
            "outputs": [
                {"name": each.name, "datatype": each.datatype, "shape": each.shape}
                for each in _outputs(model.current)
            ],
        }
    )


@dataclasses.dataclass(frozen=True)
class _Output:
    name: str
    datatype: str
    shape: list[int]


def _outputs(predictor: Predictor) -> list[_Output]:
    signature = contract.SIGNATURES[predictor.TASK]
    if signature is contract.SEGMENTATION:
        return [_Output(signature.predictions, "INT32", [-1, -1, -1])]
    if signature is contract.CAPTIONING:  # Of the likeliest caption.
        return [
            _Output(signature.predictions, "BYTES", [-1]),
            _Output(signature.probabilities, "FP32", [-1]),
        ]
    return [
        _Output(signature.probabilities, "FP32", [-1, predictor.model.num_classes]),
        _Output(signature.predictions, "INT32", [-1]),
    ]


def _values_of(output: _Output, predictions: Sequence[Prediction]) -> np.ndarray:
    """Returns an output of a batch (Refusal 400 where the images differ in size)."""
    values = [each.values for each in predictions]
    if isinstance(predictions[0].predictor, Captioner):
        best = [captions[0] for captions in values]
        if output.datatype == "BYTES":
            return np.array([each.text.encode() for each in best], object)
        return np.array([each.log_probability for each in best], _DTYPES[output.datatype])
    if len({each.shape for each in values}) > 1:
        raise Refusal(400, "the images of a request differ in size; send one request for each.")
    stacked = np.stack(values)
    if output.datatype == "INT32" and stacked.dtype == np.float32:
        stacked = np.argmax(stacked, axis=-1)
    return stacked.astype(_DTYPES[output.datatype])


async def _infer(service: Service, request: Request, lease: Lease) -> Response:
    model = endpoints.find_model(service, request)
    body = await bodies.read(request, service.settings.max_bytes, lease)
    header, binary = _split(request.headers.get(_HEADER_LENGTH), body)
    lease.take(tensors.JSON_BYTES * len(header))
    given = await service.in_pool(tensors.parse_json, header)
    inputs = given.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise Refusal(400, f"inputs has to be a list with one tensor, {contract.INPUT}.")
    wanted = _wanted(given, model.current)
    tensor = inputs[0]
    if tensor.get("datatype") == "BYTES":
        files = _files(tensor, binary)
        _, predictions = await service.predict_files(model, files, lease)
    else:
        # Counted at the size that the shape states, before numbers become arrays.
        shape = _shape(tensor)
        height, width = shape[-3:-1]
        num_images = shape[0] if len(shape) == 4 else 1
        _check_count(num_images)
        service.settings.images.check(height, width)
        with model.admit([(height, width)] * num_images, lease):
            lease.take(num_images * image_input.num_bytes(height, width))
            values = await service.in_pool(_numbers, tensor, shape, binary)
            name = str(tensor.get("name"))[:40]
            images = await service.in_pool(tensors.images_of, values, name, service.settings.images)
            predictions = await model.predict(images)
    return await service.in_pool(_answer, given, model, wanted, predictions)


def _split(length: str | None, body: bytes) -> tuple[bytes, bytes]:
    """Returns the JSON and the binary tensors after it."""
    if length is None:
        return body, b""
    if not length.isdecimal() or len(length) > 12 or int(length) > len(body):
        raise Refusal(
            400, f"{_HEADER_LENGTH} is {length[:20]!r}; expected at most the body's {len(body)}."
        )
    return body[: int(length)], body[int(length) :]


def _shape(tensor: dict[str, Any]) -> list[int]:
    shape: Any = tensor.get("shape")
    is_shape = isinstance(shape, list) and all(
        type(size) is int and 0 < size < 1 << 31 for size in shape
    )
    if not is_shape or len(shape) not in (3, 4) or shape[-1] != 3:
        raise Refusal(
            400, "the input's shape has to be [height, width, 3] or [batch, height, width, 3]."
        )
    if tensor.get("datatype") != "UINT8":
        raise Refusal(
            400, f"datatype is {str(tensor.get('datatype'))[:20]!r}; expected UINT8 or BYTES."
        )
    return shape


def _numbers(tensor: dict[str, Any], shape: list[int], binary: bytes) -> np.ndarray:
    """Returns the numbers of an input, of its shape."""
    if _binary_size(tensor) is not None:
        content = _take_binary(tensor, binary)
        flat = np.frombuffer(content, np.uint8)
    else:
        try:
            flat = np.asarray(tensor.get("data")).reshape(-1)
        except (ValueError, TypeError, OverflowError):
            raise Refusal(400, "data has rows of different lengths.") from None
    expected = int(np.prod(shape, dtype=object))
    if flat.size != expected:
        raise Refusal(400, f"data has {flat.size} values; the shape {shape} needs {expected}.")
    return flat.reshape(shape)


def _binary_size(tensor: dict[str, Any]) -> Any:
    parameters = tensor.get("parameters")
    return parameters.get("binary_data_size") if isinstance(parameters, dict) else None


def _take_binary(tensor: dict[str, Any], binary: bytes) -> bytes:
    size = _binary_size(tensor)
    if size != len(binary):
        raise Refusal(
            400, f"binary_data_size is {str(size)[:20]}; after the JSON come {len(binary)} bytes."
        )
    return binary


def _files(tensor: dict[str, Any], binary: bytes) -> list[bytes]:
    """Returns the elements of a tensor of BYTES: each has its length before it, in 4 bytes."""
    if _binary_size(tensor) is None:
        data = tensor.get("data")
        while isinstance(data, list) and data and isinstance(data[0], list):
            data = [item for row in data for item in (row if isinstance(row, list) else [row])]
        if not isinstance(data, list) or not data:
            raise Refusal(400, "data has to be a list of image files as base64.")
        _check_count(len(data))
        return [tensors.from_base64(each, "data") for each in data]
    content = _take_binary(tensor, binary)
    found, place = [], 0
    while place < len(content):
        if place + 4 > len(content):
            raise Refusal(400, "the binary tensor of BYTES ends within a length.")
        (size,) = struct.unpack_from("<I", content, place)
        place += 4
        if place + size > len(content):
            raise Refusal(
                400, f"the binary tensor of BYTES ends within an element of {size} bytes."
            )
        found.append(content[place : place + size])
        place += size
        _check_count(len(found))
    if not found:
        raise Refusal(400, "the binary tensor of BYTES is empty.")
    return found


def _check_count(count: int) -> None:
    if count > _MAX_ELEMENTS:
        raise Refusal(413, f"the input has more than {_MAX_ELEMENTS} images.")


def _wanted(given: dict[str, Any], predictor: Predictor) -> list[tuple[_Output, bool]]:
    """Returns the outputs that a request wants, each with whether it is to be binary."""
    parameters = given.get("parameters")
    is_binary = isinstance(parameters, dict) and parameters.get("binary_data_output") is True
    known = {each.name: each for each in _outputs(predictor)}
    asked = given.get("outputs")
    if not asked:
        return [(each, is_binary) for each in known.values()]
    wanted = []
    for each in asked if isinstance(asked, list) else [asked]:
        name = each.get("name") if isinstance(each, dict) else None
        if not isinstance(name, str) or name not in known:
            raise Refusal(
                400, f"there is no output {str(name)[:40]!r}; there is {', '.join(known)}."
            )
        own = each.get("parameters")
        own = own.get("binary_data", is_binary) if isinstance(own, dict) else is_binary
        wanted.append((known[name], own is True))
    return wanted


def _as_bytes(values: np.ndarray) -> bytes:
    """Returns a binary tensor; elements of BYTES have their lengths before them."""
    if values.dtype == object:
        return b"".join(struct.pack("<I", len(each)) + each for each in values.reshape(-1))
    return values.tobytes()


def _answer(
    given: dict[str, Any],
    model: HostedModel,
    wanted: Sequence[tuple[_Output, bool]],
    predictions: Sequence[Prediction],
) -> Response:
    outputs: list[dict[str, Any]] = []
    binary: list[bytes] = []
    for output, is_binary in wanted:
        values = _values_of(output, predictions)
        entry: dict[str, Any] = {
            "name": output.name,
            "datatype": output.datatype,
            "shape": list(values.shape),
        }
        if is_binary:
            binary.append(_as_bytes(values))
            entry["parameters"] = {"binary_data_size": len(binary[-1])}
        else:
            flat = values.reshape(-1).tolist()
            entry["data"] = [each.decode() if isinstance(each, bytes) else each for each in flat]
        outputs.append(entry)
    answer: dict[str, Any] = {
        "model_name": model.name,
        "model_version": str(predictions[0].predictor.version),
        "outputs": outputs,
    }
    if isinstance(given.get("id"), str):
        answer["id"] = given["id"]
    content = answers.to_json(answer)
    if not binary:
        return Response(content, media_type="application/json")
    return Response(
        b"".join([content, *binary]),
        media_type="application/octet-stream",
        headers={"Inference-Header-Content-Length": str(len(content))},
    )
