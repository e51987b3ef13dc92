"""Turns writes into what is sent to PostgreSQL: one statement for one write, one a resource type and kind for many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fhir_server.store.compiled import Query
from fhir_server.store.dialects import postgresql_arrays as arrays
from fhir_server.store.dialects import postgresql_writes as statements
from fhir_server.store.rows import refuse_twice_the_same, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fhir_server.store.versions import Write

_ARRAYS: dict[str, Callable[[Any], bytes]] = {
    "id": arrays.text_array,
    "version": arrays.bigint_array,
    "updated": arrays.bigint_array,
    "method": arrays.bigint_array,
    "patient": arrays.text_array,
    "date_low": arrays.nullable_bigint_array,
    "date_high": arrays.nullable_bigint_array,
    "rh": arrays.bigint_array,
    "v": arrays.text_array,
    "body": arrays.bytea_array,
    "expected": arrays.bigint_array,
}


@dataclass(frozen=True, slots=True)
class Sending:
    """A statement and the writes it stands for: `places` maps their ids to their positions."""

    query: Query
    places: Mapping[str, int]

    def positions_missing(self, rows: Sequence[tuple[Any, ...]]) -> list[int]:
        """Return the positions of the writes whose ids did not come back."""
        if len(rows) == len(self.places):
            return []
        written = {row[0] for row in rows}
        return [position for id_, position in self.places.items() if id_ not in written]


def sending_of(tenant: int, writes: Sequence[Write], type_numbers: Mapping[str, int]) -> list[Sending]:
    """Return the statements that save `writes`, by resource type so that all lock in the same order."""
    if len(writes) == 1:
        version = writes[0].version
        shared = {"tenant": tenant, "resource_type": type_numbers[version.resource_type]}
        return [
            Sending(_one(version.resource_type, writes[0], shared, replaces=writes[0].expected > 0), {version.id: 0})
        ]
    refuse_twice_the_same(writes)
    groups: dict[tuple[str, bool], list[int]] = {}
    for position, write in enumerate(writes):
        groups.setdefault((write.version.resource_type, write.expected > 0), []).append(position)
    sendings = []
    for (resource_type, replaces), positions in sorted(groups.items()):
        shared = {"tenant": tenant, "resource_type": type_numbers[resource_type]}
        places = {writes[p].version.id: p for p in positions}
        if len(positions) == 1:
            query = _one(resource_type, writes[positions[0]], shared, replaces=replaces)
        else:
            query = _many(resource_type, [writes[p] for p in positions], shared, replaces=replaces)
        sendings.append(Sending(query, places))
    return sendings


def _one(resource_type: str, write: Write, shared: Mapping[str, Any], *, replaces: bool) -> Query:
    sql = (statements.replace_one if replaces else statements.create_one)(resource_type)
    h = None if write.index is None else arrays.bigint_array(write.index.hashes)
    values = values_of(write, shared["tenant"])
    return Query(sql, sql.parameters({**values, **shared, "h": h}), keyed=True)


def _many(resource_type: str, writes: Sequence[Write], shared: Mapping[str, Any], *, replaces: bool) -> Query:
    sql = (statements.replace_many if replaces else statements.create_many)(resource_type)
    rows = [values_of(write, shared["tenant"]) for write in writes]
    columns: dict[str, Any] = {f"{name}s": pack([row[name] for row in rows]) for name, pack in _ARRAYS.items()}
    columns["hs"] = arrays.text_array([_tail_text(write) for write in writes])
    return Query(sql, sql.parameters({**shared, **columns}))


def _tail_text(write: Write) -> str | None:
    return None if write.index is None else f"{{{','.join(map(str, write.index.hashes))}}}"
