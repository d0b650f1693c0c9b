"""A bounded queue between two threads, either of which may end it or fail."""

import threading
from collections import deque
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class Channel(Generic[_Item]):
    """Items from one thread to another, in order.

    Attributes:
      num_dropped: items that made room for newer ones.
    """

    def __init__(self, capacity: int, keeps_newest: bool = False):
        """Opens a channel.

        Args:
          capacity: items that wait in it, at most.
          keeps_newest: whether an item for which there is no room takes the place of the oldest;
            otherwise its sender waits.
        """
        self.num_dropped = 0
        self._capacity = capacity
        self._keeps_newest = keeps_newest
        self._items: deque[_Item] = deque()
        self._error: BaseException | None = None
        self._is_closed = False
        self._is_abandoned = False
        self._changed = threading.Condition()

    def put(self, item: _Item) -> bool:
        """Sends an item; returns False when nobody wants any more.

        Raises:
          BaseException: what the receiver abandoned it with.
        """
        with self._changed:
            if self._keeps_newest and len(self._items) >= self._capacity:
                self._items.popleft()
                self.num_dropped += 1
            self._changed.wait_for(lambda: self._is_abandoned or len(self._items) < self._capacity)
            if not self._is_abandoned:
                self._items.append(item)
                self._changed.notify_all()
                return True
            self.raise_error()
            return False

    def raise_error(self) -> None:
        """Raises what the other side ended it with, if that was an error."""
        if self._error is not None:
            raise self._error

    def close(self, error: BaseException | None = None) -> None:
        """Ends the items; the receiver raises the error after the last of them."""
        with self._changed:
            self._is_closed = True
            self._error = self._error or error
            self._changed.notify_all()

    def abandon(self, error: BaseException | None = None) -> None:
        """Wants no more, and drops what waits; the sender raises the error."""
        with self._changed:
            self._is_abandoned = True
            self._error = self._error or error
            self._items.clear()
            self._changed.notify_all()

    def get(self, timeout_secs: float | None = None) -> _Item | None:
        """Returns the next item; None after the last, or if none came in time.

        Raises:
          BaseException: what the sender closed it with.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._has_ended, timeout_secs)
            if self._items:
                item = self._items.popleft()
                self._changed.notify_all()
                return item
            self.raise_error()
            return None

    @property
    def is_over(self) -> bool:
        """Whether no further item will come."""
        with self._changed:
            return self._has_ended and not self._items

    @property
    def _has_ended(self) -> bool:
        return self._is_closed or self._is_abandoned
