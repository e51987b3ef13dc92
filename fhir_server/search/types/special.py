"""The `special` search parameter type: `near` on Location.

https://hl7.org/fhir/R4/location.html#search

Written: v["near"] = [[latitude, longitude]], JSON numbers in degrees (WGS 84).
`near=latitude|longitude|distance|units` finds what lies within the distance (default 50 km) on a sphere of
EARTH_RADIUS. Units: UCUM codes of length in UNITS, default km.
"""

from __future__ import annotations

EARTH_RADIUS = 6_371_008.8
"""The mean radius of the earth, in metres."""

DEFAULT_DISTANCE = 50_000.0
"""How far `near` looks where no distance is said, in metres (R4 leaves it to the server)."""

UNITS = {"km": 1000.0, "m": 1.0, "[mi_i]": 1609.344, "[mi_us]": 1609.3472, "[ft_i]": 0.3048, "[nmi_i]": 1852.0}
"""Metres in each unit of length understood."""
