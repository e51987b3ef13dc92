"""The only source of time. Everything that needs "now" is handed a `Clock`."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> int:
        """Return microseconds since 1970-01-01T00:00:00Z, in whole milliseconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Return microseconds since the epoch, cut to milliseconds (what an `instant` shows)."""
        return time.time_ns() // 1_000_000 * 1000


class FixedClock:
    """A clock for tests: stands still until told to move."""

    def __init__(self, now: int = 1_767_225_600_000_000) -> None:
        self._now = now

    def now(self) -> int:
        """Return the time it was set to."""
        return self._now

    def advance(self, microseconds: int) -> None:
        """Move forward."""
        self._now += microseconds
