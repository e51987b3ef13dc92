"""What goes into the store and comes out of it: versions, their index entries, writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from sqlalchemy.sql import Select


@dataclass(frozen=True, slots=True)
class Indexed:
    """The search entries of one version, made by `search.indexing`, kept as they are.

    `hashes`: sorted, distinct signed 64-bit integers (the tail). `values`: JSON-able, the values of
    parameters that are compared by order or by text, `{parameter code: [entry, …]}`. `patient`: the id of the
    one Patient it is about, or None. `date_low`/`date_high`: microseconds since the epoch, the
    bounds of the type's main date, or None.
    """

    hashes: tuple[int, ...]
    values: Mapping[str, Any]
    patient: str | None = None
    date_low: int | None = None
    date_high: int | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """One immutable state of an instance. `body` is the JSON as served, None for a deletion.

    `updated` is in microseconds since the epoch; `method` POST, PUT, PATCH or DELETE, the verb that made it.
    """

    resource_type: str
    id: str
    version: int
    updated: int
    method: str
    body: bytes | None
    position: int = field(default=0, compare=False)
    """Where a history shows it: `(updated, position)` is the cursor of what comes after it; 0 outside of one."""


@dataclass(frozen=True, slots=True)
class Write:
    """A version to be saved. `expected` is the version number it replaces, 0 where the instance must not
    exist yet (a deleted instance exists, with the number of its deletion).
    """

    version: Version
    index: Indexed | None
    expected: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A select by shape: `shape` keys the cache of compiled SQL, `build` makes it (called once a shape and
    dialect), `values` are this call's bind values.
    """

    shape: Hashable
    build: Callable[[], Select[Any]]
    values: Mapping[str, Any]


class StaleWrite(Exception):  # noqa: N818 - not an error: the caller reads again and decides
    """Some writes did not find the version they expected; nothing of the batch was saved.

    `positions` are the indices of those writes, as far as known.
    """

    def __init__(self, positions: Sequence[int] = ()) -> None:
        super().__init__("a version expected is no longer the newest")
        self.positions = tuple(positions)
