"""The page for people at `/`, and the list of endpoints at `/docs`: files beside this module.

Neither loads anything from elsewhere, and the browser is told to hold them to that.
"""

import base64
import hashlib
import pathlib
import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.http import endpoints
from serving.http.budget import Lease
from serving.http.service import Service

_FOLDER = pathlib.Path(__file__).parent / "static"


def routes(service: Service) -> list[Route]:
    """Returns the routes."""
    return [
        endpoints.route(service, path, _sender(name), is_open=True, needs_models=False)
        for path, name in (("/", "segment.html"), ("/docs", "docs.html"))
    ]


def _sender(name: str) -> endpoints.Handler:
    content = (_FOLDER / name).read_bytes()
    policy = content_security_policy(content.decode())

    async def send(service: Service, request: Request, lease: Lease) -> Response:
        headers = {"Content-Security-Policy": policy, "Cache-Control": "no-cache"}
        return Response(content, media_type="text/html; charset=utf-8", headers=headers)

    return send


def content_security_policy(html: str) -> str:
    """Returns a policy that allows a page's own scripts and styles, and nothing else."""
    allowed = {
        tag: " ".join(map(_hash, re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL))) or "'none'"
        for tag in ("script", "style")
    }
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {allowed['script']}",
            f"style-src {allowed['style']}",
            "img-src 'self' blob: data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def _hash(content: str) -> str:
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"
