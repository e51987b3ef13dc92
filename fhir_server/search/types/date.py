"""The `date` search parameter type: dates, times, periods and schedules as ranges of time.

https://hl7.org/fhir/R4/search.html#date and #prefix

Written for each value: v[code] has [low, high], microseconds since the epoch (UTC), `high` exclusive:
a date covers its day (month, year), a second its second; a Period from the start of its start to the end of its
end, an absent end OPEN_LOW or OPEN_HIGH, and never empty (an end before the start is the start); a Timing from its earliest to its latest event or bound (R4: only the
outer limits matter). Values without a zone are UTC.

    with the target [tl, th) and the value [low, high), as R4 words them:
    eq   low <= tl and th <= high          the value's range fully contains the target's
    ne   not eq (of any one of the resource's values)
    gt   th > high                         the range above the value's overlaps the target's
    lt   tl < low
    ge   gt or eq
    le   lt or eq
    sa   tl >= high                        strictly after
    eb   th <= low
    ap   tl < high and th > low            overlaps the value's range, widened each way by 10 % of
                                           the gap between it and now

Sorting is by `low`, where a range starts, in both directions: the least ascending, the greatest descending.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fhir_server.search.types.escapes import unescape
from fhir_server.search.types.number import split_prefix
from fhir_server.search.types.values import DateValue
from fhir_server.spec.temporal import parse_date_range

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_server.search.types.entries import Entries
    from fhir_server.search.types.reading import Reading

OPEN_LOW = -(10**18)
"""Before every date FHIR can say (the year 1 is about -6 * 10**16)."""

OPEN_HIGH = 10**18
"""After every date FHIR can say (the end of 9999 is about 2.5 * 10**17)."""


def parse(reading: Reading, text: str) -> DateValue:
    """Read a date or time of any precision, with an optional prefix."""
    prefix, date = split_prefix(reading, unescape(text))
    try:
        low, high = _range(date)
    except (ValueError, OverflowError) as impossible:
        hint = " (the + of a time zone is written %2B in a URL)" if " " in date else ""
        why = f"this is not a date or time that exists, such as 2024-02-29 or 2024-02-29T13:45:00Z{hint}"
        raise reading.refusal(text, why) from impossible
    if prefix == "ap":
        gap = max(low - reading.now, reading.now - high, 0) // 10
        low, high = low - gap, high + gap
    return DateValue(prefix, low, high, date)


_MINUTE = 60_000_000
_TO_THE_MINUTE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(Z|[-+]\d\d:\d\d)?")


def _range(text: str) -> tuple[int, int]:
    """Return the range of `text`; R4 lets a search leave out the seconds, which no dateTime may."""
    match = _TO_THE_MINUTE.fullmatch(text)
    if match is None:
        return parse_date_range(text)
    low, _ = parse_date_range(f"{match[1]}:00{match[2] or 'Z'}")
    return low, low + _MINUTE


def found(type_name: str, value: Any) -> Iterable[list[int]]:
    """Return [low, high] of an element's value."""
    if type_name in _DATES and isinstance(value, str):
        return (list(_stored_range(value)),)
    if type_name == "Period":
        return _period(value)
    if type_name == "Timing":
        return _timing(value)
    return ()


_DATES = frozenset({"date", "dateTime", "instant"})


def write(entries: Entries, code: str, ranges: Iterable[list[int]]) -> None:
    """Write the entries of parameter `code`."""
    for one in ranges:
        entries.keep(code, one)
    entries.mark_present(code)


@lru_cache(maxsize=4096)
def _stored_range(text: str) -> tuple[int, int]:
    return parse_date_range(text)


def _period(value: dict[str, Any]) -> list[list[int]]:
    start, end = value.get("start"), value.get("end")
    if not start and not end:
        return []
    low = _stored_range(start)[0] if start else OPEN_LOW
    return [[low, max(_stored_range(end)[1] if end else OPEN_HIGH, low + 1)]]


def _timing(value: dict[str, Any]) -> list[list[int]]:
    """One range from the earliest event or bound to the latest; none where the schedule names no date."""
    ranges = [list(_stored_range(event)) for event in value.get("event", ()) if event]
    ranges += _period((value.get("repeat") or {}).get("boundsPeriod") or {})
    return [[min(low for low, _ in ranges), max(high for _, high in ranges)]] if ranges else []
