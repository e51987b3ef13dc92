"""Dates, times and date-times of any precision: reading, comparing, calendar arithmetic.

http://hl7.org/fhirpath/N1/#datetime-arithmetic
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

_DATE = r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?"
_TIME = r"(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?"
_DATE_TIME = re.compile(rf"{_DATE}(?:T(?:{_TIME}(Z|[+-]\d\d:\d\d)?)?)?")
_DATE_ONLY = re.compile(_DATE)
_TIME_ONLY = re.compile(_TIME)
_DATE_FIELDS = 3
_LATEST, _EARLIEST = 14 * 60, -12 * 60
"""The widest offsets in use, in minutes: what a value without an offset may mean."""

Field = int | Decimal


@dataclass(frozen=True, slots=True)
class Temporal:
    """`kind` is Date, DateTime or Time; `fields` from the largest unit down as far as known.

    Seconds are a Decimal with their fraction (one precision, as the specification says);
    `offset` is minutes east of UTC, None where the text has none.
    """

    kind: str
    fields: tuple[Field, ...]
    offset: int | None = None
    is_utc: bool = False

    def __str__(self) -> str:
        if self.kind == "Time":
            return _time_text(self.fields)
        text = _date_text(self.fields[:_DATE_FIELDS])
        if self.kind == "Date":
            return text
        if len(self.fields) <= _DATE_FIELDS:
            return text
        return f"{text}T{_time_text(self.fields[_DATE_FIELDS:])}{self._zone_text()}"

    def _zone_text(self) -> str:
        if self.offset is None:
            return ""
        if self.is_utc:
            return "Z"
        hours, minutes = divmod(abs(self.offset), 60)
        return f"{'-' if self.offset < 0 else '+'}{hours:02}:{minutes:02}"

    def has_time(self) -> bool:
        """Whether a date-time says at least the hour."""
        return len(self.fields) > _DATE_FIELDS

    def shifted(self, minutes: int) -> Temporal:
        """The same fields moved by `minutes`, kept at their precision; only for values with a time."""
        year, month, day, hour, minute, second = _padded(self.fields)
        try:
            moved = datetime(int(year), int(month), int(day), int(hour), int(minute)) + timedelta(minutes=minutes)  # noqa: DTZ001 (fields, not an instant)
        except (OverflowError, ValueError):
            return self
        fields = (moved.year, moved.month, moved.day, moved.hour, moved.minute, second)
        return replace(self, fields=fields[: max(len(self.fields), _DATE_FIELDS + 1)])


def _padded(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    return fields + (1, 1, 1, 0, 0, Decimal(0))[len(fields) :]


def _date_text(fields: tuple[Field, ...]) -> str:
    return "-".join([f"{fields[0]:04}", *(f"{field:02}" for field in fields[1:])])


def _time_text(fields: tuple[Field, ...]) -> str:
    parts = [f"{field:02}" for field in fields[:2]]
    if len(fields) > len(parts):
        whole, point, fraction = str(fields[2]).partition(".")
        parts.append(whole.zfill(2) + point + fraction)
    return ":".join(parts)


def parse_temporal(kind: str, text: str) -> Temporal | None:
    """The value `text` writes, None if it is not one (no such month, day, hour …)."""
    if kind == "Time":
        match = _TIME_ONLY.fullmatch(text)
        return _checked(Temporal(kind, _fields(match.groups(), (24, 60, 60)))) if match else None
    match = (_DATE_ONLY if kind == "Date" else _DATE_TIME).fullmatch(text)
    if match is None:
        return None
    groups = match.groups()
    fields = _fields(groups[:6], ())
    if kind == "Date":
        return _checked(Temporal(kind, fields))
    return _checked(Temporal(kind, fields, _offset(groups[6]), groups[6] == "Z"))


def _fields(groups: tuple[str | None, ...], _limits: tuple[int, ...]) -> tuple[Field, ...]:
    seconds_at = len(groups) - 1 if len(groups) > _DATE_FIELDS or _limits else -1
    return tuple(
        Decimal(text) if position == seconds_at else int(text)
        for position, text in enumerate(groups)
        if text is not None
    )


def _checked(value: Temporal) -> Temporal | None:
    date, time = ((), value.fields) if value.kind == "Time" else (value.fields[:3], value.fields[3:])
    if any(not 0 <= field < limit for field, limit in zip(time, (24, 60, 60), strict=False)):
        return None
    if not date:
        return value
    year, month, day = (*(int(field) for field in date), 1, 1)[:3]
    if not (year and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]):  # noqa: PLR2004
        return None
    return value


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone == "Z":
        return 0
    return (-1 if zone[0] == "-" else 1) * (int(zone[1:3]) * 60 + int(zone[4:6]))


def compare_temporal(left: Temporal, right: Temporal) -> int | None:
    """-1, 0 or 1; None where precision or a missing offset leaves it open. Not for a Time against a date."""
    if left.has_time() and right.has_time() and left.kind != "Time":
        if (left.offset is None) != (right.offset is None):
            return _compare_uncertain(left, right)
        if left.offset is not None and right.offset is not None:
            left, right = left.shifted(-left.offset), right.shifted(-right.offset)
    return _compare_fields(left.fields, right.fields)


def _compare_fields(left: tuple[Field, ...], right: tuple[Field, ...]) -> int | None:
    for one, other in zip(left, right, strict=False):
        if one != other:
            return -1 if one < other else 1
    return 0 if len(left) == len(right) else None


def _compare_uncertain(left: Temporal, right: Temporal) -> int | None:
    """One side has no offset: decided only if every possible offset gives the same answer."""
    orders = set()
    for assumed in (_EARLIEST, _LATEST):
        one = left.shifted(-(assumed if left.offset is None else left.offset))
        other = right.shifted(-(assumed if right.offset is None else right.offset))
        orders.add(_compare_fields(one.fields, other.fields))
    return orders.pop() if len(orders) == 1 else None


_SECONDS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
_MONTHS = {"year": 12, "month": 1}
_POSITIONS = {"year": 1, "month": 2, "week": 3, "day": 3, "hour": 4, "minute": 5, "second": 6, "millisecond": 6}


def add_duration(value: Temporal, amount: Decimal, unit: str) -> Temporal | None:
    """`value` moved by a calendar duration; None beyond the years 1 to 9999.

    The fraction of anything longer than a second does not count, and a unit finer than the
    value's precision is first rounded down to that precision.
    """
    if unit == "millisecond":
        amount, unit = amount / 1000, "second"
    elif unit != "second":
        amount = Decimal(int(amount))
    if value.kind == "Time":
        return _add_to_time(value, amount * _SECONDS[unit])
    known = len(value.fields)
    if unit in _MONTHS and (unit == "year" or known > 1):
        return _add_months(value, int(amount) * _MONTHS[unit])
    if _POSITIONS[unit] > known:
        return _add_coarsely(value, amount, unit)
    return _add_seconds(value, amount * _SECONDS[unit])


def _add_months(value: Temporal, months: int) -> Temporal | None:
    year, month, day = (int(field) for field in _padded(value.fields)[:3])
    year, index = divmod(year * 12 + month - 1 + months, 12)
    if not 1 <= year <= 9999:  # noqa: PLR2004 (the years of the type)
        return None
    day = min(day, calendar.monthrange(year, index + 1)[1])
    fields: tuple[Field, ...] = (year, index + 1, day, *value.fields[3:])
    return replace(value, fields=fields[: len(value.fields)])


def _add_coarsely(value: Temporal, amount: Decimal, unit: str) -> Temporal | None:
    known = len(value.fields)
    if known <= 2:  # noqa: PLR2004 (year and month)
        months = int(amount) if unit == "month" else int(amount * _SECONDS[unit] / 86_400 / 30)
        return _add_months(value, int(months / 12) * 12 if known == 1 else months)
    step = _SECONDS[("day", "hour", "minute")[known - 3]]
    return _add_seconds(value, Decimal(int(amount * _SECONDS[unit] / step) * step))


def _add_seconds(value: Temporal, seconds: Decimal) -> Temporal | None:
    year, month, day, hour, minute, second = _padded(value.fields)
    total = Decimal(int(hour) * 3600 + int(minute) * 60) + second + seconds
    days, rest = divmod(total, 86_400)
    if rest < 0:
        days, rest = days - 1, rest + 86_400
    try:
        date = datetime(int(year), int(month), int(day)) + timedelta(days=int(days))  # noqa: DTZ001 (a date)
    except (OverflowError, ValueError):
        return None
    fields: tuple[Field, ...] = (date.year, date.month, date.day, *_clock(rest, second))
    return replace(value, fields=fields[: len(value.fields)])


def _add_to_time(value: Temporal, seconds: Decimal) -> Temporal:
    hour, minute, second = (value.fields + (0, 0, Decimal(0))[len(value.fields) :])[:3]
    total = (Decimal(int(hour) * 3600 + int(minute) * 60) + second + seconds) % 86_400
    fields = _clock(total if total >= 0 else total + 86_400, second)
    return replace(value, fields=fields[: len(value.fields)])


def _clock(total: Decimal, pattern: Field) -> tuple[Field, ...]:
    """Hours, minutes, seconds; the seconds with at least the digits they were written with."""
    hours, rest = divmod(total, 3600)
    minutes, seconds = divmod(rest, 60)
    places = max(_places(Decimal(pattern)), _places(seconds.normalize()))
    return int(hours), int(minutes), seconds.quantize(Decimal(1).scaleb(-places))


def _places(value: Decimal) -> int:
    return max(0, -int(value.as_tuple().exponent))
