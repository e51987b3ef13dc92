"""The names and places of the sample clinic, read from `names.toml` and `places.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Culture:
    """A people's names. Each name is its forms: (native,), (native, latin) or (native, syllabic, latin)."""

    name: str
    language: str
    families: tuple[tuple[str, ...], ...]
    families_female: tuple[tuple[str, ...], ...]
    male: tuple[tuple[str, ...], ...]
    female: tuple[tuple[str, ...], ...]
    family_first: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of the clinic: where it is, what time and money it counts in, whose names are common there."""

    number: int
    key: str
    city: str
    state: str
    country: str
    zone: ZoneInfo
    zone_name: str
    latitude: Decimal
    longitude: Decimal
    currency: str
    culture: Culture
    phone: str
    postal_code: str
    streets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """All the cultures and branches."""

    cultures: tuple[Culture, ...]
    branches: tuple[Branch, ...]


@cache
def load_tables() -> Tables:
    """Return the tables that ship with the package, read once a process."""
    room = files(__package__)
    cultures = tuple(
        _culture(entry) for entry in tomllib.loads(room.joinpath("names.toml").read_text("utf-8"))["culture"]
    )
    by_name = {culture.name: culture for culture in cultures}
    places = tomllib.loads(room.joinpath("places.toml").read_text("utf-8"))["branch"]
    return Tables(cultures, tuple(_branch(i, entry, by_name) for i, entry in enumerate(places)))


def _culture(entry: dict[str, Any]) -> Culture:
    families = _forms(entry["families"])
    return Culture(
        name=entry["name"],
        language=entry["language"],
        families=families,
        families_female=_forms(entry.get("families_female", ())) or families,
        male=_forms(entry["male"]),
        female=_forms(entry["female"]),
        family_first=entry.get("family_first", False),
    )


def _forms(names: list[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(name.split("|")) for name in names)


def _branch(number: int, entry: dict[str, Any], cultures: dict[str, Culture]) -> Branch:
    return Branch(
        number=number,
        key=entry["key"],
        city=entry["city"],
        state=entry.get("state", ""),
        country=entry["country"],
        zone=ZoneInfo(entry["zone"]),
        zone_name=entry["zone"],
        latitude=Decimal(entry["latitude"]),
        longitude=Decimal(entry["longitude"]),
        currency=entry["currency"],
        culture=cultures[entry["culture"]],
        phone=entry["phone"],
        postal_code=entry["postal_code"],
        streets=tuple(entry["streets"]),
    )
