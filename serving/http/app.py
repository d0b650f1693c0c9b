"""The ASGI application: the routes of all protocols around one service."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from serving.http import (
    endpoints,
    hugging_face,
    open_inference,
    own_routes,
    pages,
    tensorflow_serving,
)
from serving.http.gate import Gate
from serving.http.service import Service

_PROTOCOLS = (own_routes, open_inference, tensorflow_serving, hugging_face, pages)


def build(service: Service) -> ASGIApp:
    """Returns the application; the caller loads the service, and closes it."""
    app = Starlette(
        routes=[each for module in _PROTOCOLS for each in module.routes(service)],
        exception_handlers={HTTPException: _refuse},
    )
    app.router.redirect_slashes = False
    return Gate(app, service)


async def _refuse(request: Request, error: Exception) -> Response:
    """Answers what no route does: a path that does not exist, or another method."""
    assert isinstance(error, HTTPException)
    message = {
        404: "there is nothing at this path; GET /docs lists what there is.",
        405: f"this path does not take {request.method[:20]}.",
    }.get(error.status_code, str(error.detail))
    response = endpoints.error_response(error.status_code, message)
    response.headers.update(error.headers or {})
    return response
