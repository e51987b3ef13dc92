"""`_has:Observation:patient:code=…`: something that matches points here. A chain the other way round.

Through the hot column `patient` it is an ordinary semi-join. Otherwise the source is looked up for each row by
the entry that points to it (its identity XOR the parameter's mask).

https://hl7.org/fhir/R4/search.html#has
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, bindparam, exists, literal_column

from fhir_server.search import sql
from fhir_server.search.hashing import reference_mask
from fhir_server.search.predicates.conditions import Condition, Row, current
from fhir_server.search.predicates.driving import driven

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from fhir_server.search.predicates.scope import Scope
    from fhir_server.search.query import Link


def condition(link: Link, inner: Condition, scope: Scope) -> Condition:
    """Return the condition that a row of `link` which fulfils `inner` points here."""
    if scope.resource_type == "Patient" and scope.on(link.resource_type).is_hot_patient(link.parameter):
        return PatientOf(link.resource_type, driven(inner))
    mask = scope.binds.add(reference_mask(scope.binds.tenant_key, link.parameter.code))
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
class IsLedTo:
    """A reference parameter of `source` (its mask is the bind `mask`) leads here from one that fulfils `inner`."""

    source: str
    mask: str
    inner: Condition

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        source = row.other(self.source)
        entry = sql.Xor(row.rh, bindparam(self.mask, type_=BigInteger))
        points_here = sql.HasHash(source.h, source.rid, source.tail, entry, indexed=True)
        return exists(current(source, self.inner, literal_column("1")).where(points_here).correlate(row.table))
