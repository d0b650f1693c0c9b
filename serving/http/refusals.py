"""Why a request is not answered: a status, a sentence for the client, and headers."""

from collections.abc import Mapping


class Refusal(Exception):
    """A request that is not answered as it wished.

    Attributes:
      status: of HTTP.
      message: a sentence for the client; nothing of the server's inside.
      headers: further headers of the response.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None):
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


def busy(reason: str, seconds: float) -> Refusal:
    """Returns a refusal (429) which says after how many seconds to try again, at least one."""
    wait = max(1, round(seconds))
    return Refusal(429, f"{reason}; try again in {wait} s.", headers={"Retry-After": str(wait)})


def unavailable(reason: str, seconds: int = 1) -> Refusal:
    """Returns a refusal (503) of a server that is starting or draining."""
    return Refusal(503, reason, headers={"Retry-After": str(seconds)})
