"""Dates and times of FHIR as ranges of microseconds since the epoch (UTC), and times as FHIR and HTTP write them.

A value covers its whole year, month, day, second or fraction of one: `2024-02` is [1 February, 1 March).
Values without a zone are read as UTC. Second 60 is the first second of the next minute.

https://hl7.org/fhir/R4/datatypes.html#dateTime
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

SECOND = 1_000_000
DAY = 86_400 * SECOND

_TEMPORAL = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))?)?)?)?"
)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND_DIGITS = 6
_LAST_HOUR, _LAST_MINUTE, _LEAP_SECOND, _LAST_MONTH = 23, 59, 60, 12
_WIDEST_OFFSET = 14 * 60
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_date_range(text: str) -> tuple[int, int]:
    """Return [low, high) of a date, dateTime or instant of any precision. Raises ValueError if there is no such time."""
    match = _TEMPORAL.fullmatch(text)
    if match is None:
        raise ValueError("not a date or time as FHIR writes them")
    year, month, day, hour = match.group(1, 2, 3, 4)
    if hour is not None:
        start = _start_of_day(int(year), int(month), int(day))
        return _range_of_time(start, match)
    if day is not None:
        start = _start_of_day(int(year), int(month), int(day))
        return start, start + DAY
    if month is not None:
        return _range_of_months(int(year), int(month), int(month))
    return _range_of_months(int(year), 1, _LAST_MONTH)


def format_instant(us: int) -> str:
    """Return an `instant` in UTC: `2026-11-22T17:50:00.123Z`, with microseconds only where there are any."""
    seconds, fraction = divmod(us, SECOND)
    digits = f"{fraction // 1000:03}" if fraction % 1000 == 0 else f"{fraction:06}"
    return f"{_second_of_instant(seconds)}.{digits}Z"


@lru_cache(maxsize=256)
def _second_of_instant(seconds: int) -> str:
    """Formatting a time costs 3 us, and what is written now shares its second with much else."""
    time = _EPOCH + timedelta(seconds=seconds)
    return f"{time.year:04}-{time.month:02}-{time.day:02}T{time:%H:%M:%S}"


def format_http_date(us: int) -> str:
    """Return an HTTP date, whole seconds: `Sun, 22 Nov 2026 17:50:00 GMT`."""
    time = _EPOCH + timedelta(seconds=us // SECOND)
    weekday, month = _WEEKDAYS[time.weekday()], _MONTHS[time.month - 1]
    return f"{weekday}, {time.day:02} {month} {time.year:04} {time:%H:%M:%S} GMT"


def parse_http_date(text: str) -> int:
    """Return microseconds since the epoch of an HTTP date in any of its three forms. Raises ValueError."""
    try:
        time = parsedate_to_datetime(text)
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time
        return (time - _EPOCH) // timedelta(seconds=1) * SECOND
    except (TypeError, IndexError, OverflowError) as failure:
        raise ValueError("not an HTTP date") from failure


def _start_of_day(year: int, month: int, day: int) -> int:
    return (date(year, month, day).toordinal() - _EPOCH_DAY) * DAY


def _range_of_months(year: int, first: int, last: int) -> tuple[int, int]:
    low = _start_of_day(year, first, 1)
    if last == _LAST_MONTH:
        return low, _start_of_day(year, last, 31) + DAY
    return low, _start_of_day(year, last + 1, 1)


def _range_of_time(start_of_day: int, match: re.Match[str]) -> tuple[int, int]:
    hour, minute, second = int(match[4]), int(match[5]), int(match[6])
    if hour > _LAST_HOUR or minute > _LAST_MINUTE or second > _LEAP_SECOND:
        raise ValueError("there is no such time of day")
    low = start_of_day + ((hour * 60 + minute) * 60 + second) * SECOND
    if match[8]:
        low -= _offset(match[8], int(match[9]), int(match[10]))
    if match[7] is None:
        return low, low + SECOND
    first, last = _range_of_fraction(match[7])
    return low + first, low + last


def _offset(sign: str, hours: int, minutes: int) -> int:
    total = hours * 60 + minutes
    if minutes > _LAST_MINUTE or total > _WIDEST_OFFSET:
        raise ValueError("there is no such time zone")
    return (-total if sign == "-" else total) * 60 * SECOND


def _range_of_fraction(digits: str) -> tuple[int, int]:
    """Return the microseconds a fraction of a second covers, one at least."""
    shown = digits[:_MICROSECOND_DIGITS]
    low = int(shown.ljust(_MICROSECOND_DIGITS, "0"))
    if len(digits) > _MICROSECOND_DIGITS:
        return low, low + 1
    return low, low + 10 ** (_MICROSECOND_DIGITS - len(digits))
