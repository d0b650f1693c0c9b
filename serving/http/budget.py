"""Memory that the requests of a server may take together, counted before it is taken."""

import types

from serving.http import refusals


class Budget:
    """Counts the bytes of bodies and decoded images that are held.

    Used from the event loop only.

    Attributes:
      limit: bytes.
      used: bytes that are taken now.
    """

    def __init__(self, limit: int):
        self.limit = limit
        self.used = 0

    def lease(self) -> "Lease":
        """Returns an empty lease; it is a context manager, which gives everything back."""
        return Lease(self)


class Lease:
    """What one request takes of a budget."""

    def __init__(self, budget: Budget):
        self._budget = budget
        self._bytes = 0

    def take(self, num_bytes: int) -> None:
        """Takes more.

        Raises:
          Refusal: 413 if it could never be had, 429 if others have it now.
        """
        budget = self._budget
        if self._bytes + num_bytes > budget.limit:
            raise refusals.Refusal(
                413,
                f"the request takes {self._bytes + num_bytes} bytes of memory; the server allows "
                f"{budget.limit} (--memory_limit_mb). Send fewer or smaller images.",
            )
        if budget.used + num_bytes > budget.limit:
            raise refusals.busy("the memory for requests is taken by others", 1)
        budget.used += num_bytes
        self._bytes += num_bytes

    def __enter__(self) -> "Lease":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self._budget.used -= self._bytes
        self._bytes = 0
