"""The `special` search parameter type: `near` on Location.

https://hl7.org/fhir/R4/location.html#search

Written: v["near"] = [[latitude, longitude]], JSON numbers in degrees (WGS 84); nothing for what is not on earth.
`near=latitude|longitude|distance|units` finds what lies within the distance (default 50 km) on a sphere of
EARTH_RADIUS. Units: UCUM codes of length in UNITS, default km.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from fhir_server.search.types.escapes import split, unescape
from fhir_server.search.types.values import NearValue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_server.search.types.entries import Entries
    from fhir_server.search.types.reading import Reading

EARTH_RADIUS = 6_371_008.8
"""The mean radius of the earth, in metres."""

DEFAULT_DISTANCE = 50_000.0
"""How far `near` looks where no distance is said, in metres (R4 leaves it to the server)."""

UNITS = {"km": 1000.0, "m": 1.0, "[mi_i]": 1609.344, "[mi_us]": 1609.3472, "[ft_i]": 0.3048, "[nmi_i]": 1852.0}
"""Metres in each unit of length understood."""


def parse(reading: Reading, text: str) -> NearValue:
    """Read `latitude|longitude`, optionally `|distance` and `|units`."""
    parts = [unescape(part).strip() for part in split(text, "|")]
    if not _LEAST_PARTS <= len(parts) <= _MOST_PARTS:
        raise reading.refusal(text, "near is written latitude|longitude|distance|units")
    latitude, longitude = (_degrees(reading, text, part) for part in parts[:2])
    if abs(latitude) > _RIGHT_ANGLE or abs(longitude) > 2 * _RIGHT_ANGLE:
        raise reading.refusal(text, "latitude is within 90 degrees, longitude within 180")
    distance = _degrees(reading, text, parts[2]) if parts[2:] and parts[2] else None
    unit = parts[3] if parts[3:] and parts[3] else "km"
    if unit not in UNITS:
        raise reading.refusal(text, f"distances are understood in {', '.join(UNITS)}")
    if distance is not None and distance < 0:
        raise reading.refusal(text, "a distance is not negative")
    return NearValue(latitude, longitude, DEFAULT_DISTANCE if distance is None else distance * UNITS[unit])


_LEAST_PARTS, _MOST_PARTS, _RIGHT_ANGLE = 2, 4, 90
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,20})?")


def _degrees(reading: Reading, text: str, part: str) -> float:
    """Geometry is done in binary floating point; the text of the resource keeps its decimals."""
    if not _NUMBER.fullmatch(part):
        raise reading.refusal(text, f"{part} is not a number")
    return float(part)


def found(_type_name: str, value: Any) -> Iterable[list[float]]:
    """Return [latitude, longitude] of a Location's position."""
    if not isinstance(value, dict):
        return ()
    latitude, longitude = value.get("latitude"), value.get("longitude")
    if not isinstance(latitude, int | Decimal) or not isinstance(longitude, int | Decimal):
        return ()
    north, east = float(latitude), float(longitude)
    return ([north, east],) if abs(north) <= _RIGHT_ANGLE and abs(east) <= 2 * _RIGHT_ANGLE else ()


def write(entries: Entries, code: str, places: Iterable[list[float]]) -> None:
    """Write the entries of parameter `code`."""
    for one in places:
        entries.keep(code, one)
    entries.mark_present(code)
