"""A write as the values of a row, the same for both databases but for how `h` is packed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fhir_server.store.bodies import packed
from fhir_server.store.identity import identity
from fhir_server.store.tables import METHODS
from fhir_server.store.versions import Indexed, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fhir_server.store.versions import Write

NOTHING = Indexed(hashes=(), values={})
METHOD_NUMBERS = {method: number for number, method in enumerate(METHODS, 1)}

_encode = msgspec.json.Encoder(decimal_format="number").encode


def values_of(write: Write, tenant: int) -> dict[str, Any]:
    """Return what the row says besides the tail: columns of `tables.resource_table`, and `expected`."""
    version = write.version
    index = write.index or NOTHING
    return {
        "id": version.id,
        "version": version.version,
        "updated": version.updated,
        "method": METHOD_NUMBERS[version.method],
        "patient": index.patient,
        "date_low": index.date_low,
        "date_high": index.date_high,
        "rh": identity(tenant, version.resource_type, version.id),
        "v": None if write.index is None else json_text(index.values),
        "body": None if version.body is None else packed(version.body),
        "expected": write.expected,
    }


def json_text(values: Mapping[str, Any]) -> str:
    """Return the JSON of the values compared by order or text; Decimals as numbers, digit for digit."""
    text = _encode(values).decode()
    return text if "\\u0000" not in text else _encode(_without_nul(values)).decode()


def json_list(values: Iterable[Any]) -> str:
    """Return the values as a JSON array, the list that SQLite takes as one bind."""
    return _encode(list(values)).decode()


def _without_nul(value: Any) -> Any:
    # PostgreSQL keeps no U+0000 in its texts; a search value loses it as well, so the two still meet.
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, dict):
        return {_without_nul(k): _without_nul(v) for k, v in value.items()}
    return [_without_nul(v) for v in value] if isinstance(value, list | tuple) else value


def version_of(resource_type: str, id: str, row: tuple[Any, ...], position: int = 0) -> Version:
    """Return the version in a row that begins with version, updated, method and body."""
    number, updated, method, body = row[:4]
    return Version(resource_type, id, number, updated, METHODS[method - 1], body, position)


def refuse_twice_the_same(writes: Iterable[Write]) -> None:
    """Raise ValueError where two writes at once are about the same instance: one has to be first."""
    places = [(w.version.resource_type, w.version.id) for w in writes]
    if len(set(places)) != len(places):
        raise ValueError("several writes at once to the same instance")
