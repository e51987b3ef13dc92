"""`_has:Observation:patient:code=…`: something that matches points here. A chain the other way round.

    PatientOf     the row's id is among the hot columns `patient` of the sources: a semi-join
    IsPointedTo   the row's identity is among what the sources' entries point to, which are collected first:
                  where few sources are to be expected (PostgreSQL)
    IsLedTo       the sources of each row are looked up by the entry that points to it

https://hl7.org/fhir/R4/search.html#has
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Integer, and_, bindparam, exists, literal_column, select

from fhir_server.search import sql
from fhir_server.search.hashing import reference_mask
from fhir_server.search.predicates.conditions import RARE, Condition, Row, current
from fhir_server.search.predicates.driving import best_rank, driven

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.sql import Select

    from fhir_server.search.predicates.scope import Scope
    from fhir_server.search.query import Link


def condition(link: Link, inner: Condition, scope: Scope) -> Condition:
    """Return the condition that a row of `link` which fulfils `inner` points here."""
    if scope.resource_type == "Patient" and scope.on(link.resource_type).is_hot_patient(link.parameter):
        return PatientOf(link.resource_type, driven(inner))
    mask = scope.binds.add(reference_mask(scope.binds.tenant_key, link.parameter.code))
    rank = best_rank(inner)
    if scope.binds.dialect == "postgresql" and rank is not None and rank <= RARE:
        return IsPointedTo(link.resource_type, mask, driven(inner))
    return IsLedTo(link.resource_type, mask, inner)


@dataclass(frozen=True, slots=True)
class PatientOf:
    """The row is the patient of a `source` that fulfils `inner`."""

    source: str
    inner: Condition

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        source = row.other(self.source)
        patients = current(source, self.inner, source.patient).where(source.patient.is_not(None))
        found: ColumnElement[bool] = row.id.in_(patients)
        return found


@dataclass(frozen=True, slots=True)
class IsPointedTo:
    """A reference parameter of `source` (its mask is the bind `mask`) leads here from one of few that fulfil `inner`.

    Every entry of a source is turned into the identity it would be of; those of other parameters are nobody's.
    """

    source: str
    mask: str
    inner: Condition
    rank: int = RARE
    indexed: bool = False

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        source = row.other(self.source)
        entries = sql.entries_of_tail(source.h, row.alias())
        identity = sql.Xor(entries.c.hash, bindparam(self.mask, type_=BigInteger))
        own = entries.c.hash != source.rh  # Turned, it would be a reference of this row to the source.
        identities = current(source, self.inner, identity).select_from(entries).where(own).scalar_subquery()
        return sql.HasHashOf(row.h, row.rid, row.tail, identities, indexed=self.indexed)

    def as_driver(self) -> IsPointedTo:
        """Return it in the form an index is used for."""
        return replace(self, indexed=True)


@dataclass(frozen=True, slots=True)
class IsLedTo:
    """As `IsPointedTo`, by looking up what points to each row."""

    source: str
    mask: str
    inner: Condition

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        source = row.other(self.source)
        entry = sql.Xor(row.rh, bindparam(self.mask, type_=BigInteger))
        points_here = sql.HasHash(source.h, source.rid, source.tail, entry, indexed=True)
        # SQLite thinks the index of the tenant a good start, and would read the whole table for every row.
        is_current = and_(sql.NoStart(source.tenant) == bindparam("tenant", type_=Integer), source.body.is_not(None))
        found: Select[Any] = select(literal_column("1")).select_from(source.table)
        return exists(found.where(points_here, is_current, self.inner.render(source)).correlate(row.table))
