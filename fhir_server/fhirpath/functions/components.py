"""The parts of dates and times: yearOf, monthOf … timezoneOffsetOf, dateOf, timeOf.

https://hl7.org/fhirpath/#extract-datetime-components
"""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING

from fhir_server.fhirpath.functions.definition import Function, on_value
from fhir_server.fhirpath.temporal import Temporal

if TYPE_CHECKING:
    from collections.abc import Mapping

_DATE_FIELDS = 3


def _field(place: int) -> Function:
    """Field `place` of a date-time, counting year, month, day, hour, minute, second."""

    def call(value: Temporal) -> int | None:
        at = place - _DATE_FIELDS if value.kind == "Time" else place
        return int(value.fields[at]) if 0 <= at < len(value.fields) else None

    return on_value(Temporal, call)


def _millisecond(value: Temporal) -> int | None:
    last = value.fields[-1]
    return int(last % 1 * 1000) if isinstance(last, Decimal) and "." in str(last) else None


def _offset(value: Temporal) -> Decimal | None:
    return None if value.offset is None else Decimal(value.offset) / 60


def _date(value: Temporal) -> Temporal | None:
    return None if value.kind == "Time" else Temporal("Date", value.fields[:_DATE_FIELDS])


def _time(value: Temporal) -> Temporal | None:
    if value.kind == "Time":
        return value
    return Temporal("Time", value.fields[_DATE_FIELDS:]) if value.has_time() else None


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        **{
            f"{name}Of": _field(place)
            for place, name in enumerate(("year", "month", "day", "hour", "minute", "second"))
        },
        "millisecondOf": on_value(Temporal, _millisecond),
        "timezoneOffsetOf": on_value(Temporal, _offset),
        "dateOf": on_value(Temporal, _date),
        "timeOf": on_value(Temporal, _time),
    }
)
