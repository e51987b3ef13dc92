"""The only source of ids: logical ids of resources, request ids.

Logical ids are UUIDs of version 7 (RFC 9562): they begin with the time, so a B-tree on the id
takes new rows at its end, and the order of ids is the order of creation.
"""

from __future__ import annotations

import itertools
import os
import time
from typing import Protocol


class Ids(Protocol):
    """Makes ids."""

    def new(self) -> str:
        """Return a fresh id, valid as a FHIR `id` (36 characters)."""
        ...


class UuidIds:
    """UUID version 7 from the machine's clock and its random source."""

    def new(self) -> str:
        """Return a fresh UUIDv7 in its usual text form."""
        milliseconds = time.time_ns() // 1_000_000
        random = int.from_bytes(os.urandom(10), "big")
        value = (milliseconds & 0xFFFFFFFFFFFF) << 80 | random
        value = value & ~(0xF << 76) | 0x7 << 76
        value = value & ~(0x3 << 62) | 0x2 << 62
        text = f"{value:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class RequestIds:
    """Ids of requests: a random start for this process, then counted, because each request pays for its id."""

    def __init__(self) -> None:
        self._start, self._count = os.urandom(8).hex(), itertools.count(1)

    def new(self) -> str:
        """Return the next id, unlike any other process's."""
        return f"{self._start}-{next(self._count)}"


class SequentialIds:
    """Ids for tests: `prefix-1`, `prefix-2` …."""

    def __init__(self, prefix: str = "id") -> None:
        self._prefix, self._next = prefix, 0

    def new(self) -> str:
        """Return the next id of the sequence."""
        self._next += 1
        return f"{self._prefix}-{self._next}"
