"""The `number` search parameter type.

https://hl7.org/fhir/R4/search.html#number and #prefix

Written for each number: v[code] has [low, high], sortable keys (`spec.ordering.sortable`) compared as text in
byte order: both the very number, or the bounds of a Range; an open end is OPEN_LOW or OPEN_HIGH.
The precision of a stored number does not count (R4), that of the value asked for does:

    value     `100` asks for [99.5, 100.5), `100.00` for [99.995, 100.005), half a unit of the last digit each way;
              with an exponent the mantissa counts as having a fraction: `1e2` is [95, 105), as R4's example says
    with the target [tl, th] and the value's `low`, `high`:
    eq        low <= tl and th < high
    ne        not eq (of any one of the resource's values)
    gt        th > high       (low = high = the very number, for gt lt ge le sa eb)
    lt        tl < low
    ge        th > high or (low <= tl and th <= high)
    le        tl < low or (low <= tl and th <= high)
    sa        tl > high
    eb        th < low
    ap        tl <= high and th >= low      (the implicit range and 10 % of the number, whichever is wider)

Sorting is by `low`, where a range starts, in both directions: the least ascending, the greatest descending.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

from fhir_server.search.types.values import PREFIXES, NumberValue
from fhir_server.spec.ordering import sortable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_server.search.types.entries import Entries
    from fhir_server.search.types.reading import Reading

OPEN_LOW = ""
"""The key below every number."""

OPEN_HIGH = "~"
"""The key above every number."""


def parse(reading: Reading, text: str) -> NumberValue:
    """Read a number with an optional prefix."""
    prefix, number = split_prefix(reading, text)
    low, high = search_range(reading, prefix, number)
    return NumberValue(prefix, low, high)


_PREFIXED = re.compile(r"([a-z]{2})(?=[-+.\d])(.*)", re.DOTALL)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d{1,3})?")
_LONGEST = 100
_EXACT = Context(prec=1200)
"""Wide enough that no sum of two numbers the parser accepts is rounded."""


def split_prefix(reading: Reading, text: str) -> tuple[str, str]:
    """Return the prefix (`eq` where none is written) and the rest."""
    match = _PREFIXED.fullmatch(text)
    if match is None:
        return "eq", text
    prefix, rest = match.groups()
    if prefix not in PREFIXES:
        raise reading.refusal(text, f"{prefix} is no prefix; there are {', '.join(sorted(PREFIXES))}")
    return prefix, rest


def search_range(reading: Reading, prefix: str, text: str) -> tuple[str, str]:
    """Return the sortable keys of the range a number asks for under a prefix."""
    if len(text) > _LONGEST or not _NUMBER.fullmatch(text):
        raise reading.refusal(text, "this is not a number")
    number = Decimal(text)
    if prefix in {"eq", "ne", "ap"}:
        half = _half_unit(text, number)
        if prefix == "ap":
            half = max(half, _EXACT.multiply(number.copy_abs(), Decimal("0.1")))
        return sortable(_EXACT.subtract(number, half)), sortable(_EXACT.add(number, half))
    return sortable(number), sortable(number)


def _half_unit(text: str, number: Decimal) -> Decimal:
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):  # pragma: no cover - the pattern lets no NaN through
        raise TypeError(text)
    whole_mantissa = "e" in text.lower() and "." not in text
    return Decimal(5).scaleb(exponent - (2 if whole_mantissa else 1), _EXACT)


def found(type_name: str, value: Any) -> Iterable[list[str]]:
    """Return [low, high] of an element's value: a number, a Range or a quantity's number."""
    if type_name == "Range":
        low, high = (value.get(end) or {} for end in ("low", "high"))
        bounds = key_or(low.get("value"), OPEN_LOW), key_or(high.get("value"), OPEN_HIGH)
        return () if bounds == (OPEN_LOW, OPEN_HIGH) else (list(bounds),)
    number = value.get("value") if isinstance(value, dict) else value
    if isinstance(number, bool) or not isinstance(number, int | Decimal):
        return ()
    return ([sortable(number)] * 2,)


def write(entries: Entries, code: str, bounds: Iterable[list[str]]) -> None:
    """Write the entries of parameter `code`."""
    for one in bounds:
        entries.keep(code, one)
    entries.mark_present(code)


def key_or(number: Any, default: str) -> str:
    """Return the sortable key of a number, `default` where there is none."""
    return sortable(number) if isinstance(number, int | Decimal) else default
