"""Seeded draws: everything the sample clinic leaves to chance goes through a `Draw`.

The same key gives the same draws on every machine: only the Mersenne Twister and exact
arithmetic are used, no functions of the C library whose last digit differs between platforms.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


class Draw:
    """A stream of draws of its own for each key, e.g. `Draw(seed, "patient", 17)`."""

    def __init__(self, *key: object) -> None:
        self._random = random.Random("/".join(map(str, key)))  # noqa: S311 - sample data, nothing secret
        self.unit = self._random.random

    def chance(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self.unit() < probability

    def one(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[int(self.unit() * len(choices))]

    def some(self, choices: Sequence[T], count: int) -> list[T]:
        """Return `count` distinct ones of the choices, in the order of the choices."""
        picked = sorted(self._random.sample(range(len(choices)), min(count, len(choices))))
        return [choices[i] for i in picked]

    def whole(self, low: int, high: int) -> int:
        """Return a whole number, both ends included."""
        return low + int(self.unit() * (high - low + 1))

    def spread(self, mean: float, deviation: float) -> float:
        """Return a number around `mean`: a sum of uniforms, near enough to a bell curve."""
        unit = self.unit
        return mean + deviation * 1.732 * (unit() + unit() + unit() + unit() - 2.0)

    def measured(self, mean: float, deviation: float, places: int, low: float, high: float) -> Decimal:
        """Return a measurement with `places` decimals within [low, high]."""
        return decimal_of(min(max(self.spread(mean, deviation), low), high), places)

    def digits(self, pattern: str) -> str:
        """Return the pattern with every `#` replaced by a digit."""
        return "".join(str(self.whole(0, 9)) if c == "#" else c for c in pattern)

    def day(self, low: date, high: date) -> date:
        """Return a day, both ends included; `low` where the range is empty."""
        return low + timedelta(days=self.whole(0, max((high - low).days, 0)))


def decimal_of(number: float, places: int) -> Decimal:
    """Return the number rounded to `places` decimals, trailing zeros kept (`5.0` stays `5.0`)."""
    return Decimal(round(number * 10**places)).scaleb(-places)
