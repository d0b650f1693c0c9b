"""What all endpoints share: token, readiness, the time limit, and errors as JSON."""

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.http import answers, bodies
from serving.http.budget import Lease
from serving.http.hosting import HostedModel
from serving.http.refusals import Refusal
from serving.http.service import Service

LOG = logging.getLogger("serve")
Handler = Callable[[Service, Request, Lease], Awaitable[Response]]

# Where the log and the metrics find which route has answered.
ROUTE_KEY = "service.route"


def route(
    service: Service,
    path: str,
    handler: Handler,
    methods: Sequence[str] = ("GET",),
    is_open: bool = False,
    needs_models: bool = True,
) -> Route:
    """Returns a route to a handler.

    Args:
      service: what it is called with.
      path: of Starlette's form.
      handler: makes the response, or raises `Refusal`.
      methods: of HTTP.
      is_open: whether it answers without a token.
      needs_models: whether it answers 503 before the models are loaded, and while draining.
    """

    async def answer(request: Request) -> Response:
        request.scope[ROUTE_KEY] = path
        body = bodies.TrackedBody(request.receive)
        request = Request(request.scope, body)
        try:
            if not is_open:
                _check_token(request, service.settings.token)
            if needs_models:
                service.check_ready()
            return await service.within_limit(_handle(service, handler, request))
        except Refusal as refusal:
            response = error_response(refusal.status, refusal.message)
            response.headers.update(refusal.headers)
        except asyncio.TimeoutError:
            limit = service.settings.time_limit_secs
            response = error_response(504, f"it took more than {limit:g} s (--time_limit_secs).")
        except asyncio.CancelledError:
            if not service.is_draining:
                raise
            response = error_response(503, "the server is shutting down.")
        except Exception:
            # The client learns nothing of the inside.
            LOG.exception("%s %s failed", request.method, path)
            response = error_response(500, "the server failed; its log says why.")
        # A client that waits for "100 Continue" gets it when its body is asked for.
        waits = "expect" in request.headers and not body.has_begun
        if waits or not await body.discard():
            response.headers["Connection"] = "close"
        return response

    return Route(path, answer, methods=list(methods))


async def _handle(service: Service, handler: Handler, request: Request) -> Response:
    with service.budget.lease() as lease:
        return await handler(service, request, lease)


def find_model(service: Service, request: Request) -> HostedModel:
    """Returns the model, and version if any, that the path names (Refusal 404: there is none)."""
    model = service.find_model(request.path_params["model"])
    version = request.path_params.get("version")
    if version not in (None, str(model.current.version)):
        raise Refusal(
            404, f"there is no version {version[:20]!r}; {model.current.version} is served."
        )
    return model


def error_response(status: int, message: str) -> Response:
    """Returns `{"error": message}`."""
    return json_response({"error": message}, status)


def json_response(value: object, status: int = 200) -> Response:
    """Returns JSON."""
    return Response(answers.to_json(value), status, media_type="application/json")


def _check_token(request: Request, token: str | None) -> None:
    if token is None:
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    # In constant time, so that a clock does not tell how many letters are right.
    is_equal = hmac.compare_digest(given.strip().encode(), token.encode())
    if scheme.lower() != "bearer" or not is_equal:
        raise Refusal(
            401,
            "this needs the header Authorization: Bearer TOKEN.",
            headers={"WWW-Authenticate": "Bearer"},
        )
