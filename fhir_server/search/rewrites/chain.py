"""Chains: `subject:Patient.name=eve` asks that what the reference leads to matches.

Identities make it one statement: the entries of the reference parameter are the targets' identities XOR the
parameter's mask, so the rows wanted are those whose tail overlaps with what the inner select yields. Where the
hot column `patient` says the same, the planner gets an ordinary semi-join.

https://hl7.org/fhir/R4/search.html#chaining
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, bindparam

from fhir_server.search import sql
from fhir_server.search.hashing import reference_mask
from fhir_server.search.predicates.conditions import RARE, USUAL, Condition, Row, current
from fhir_server.search.predicates.driving import best_rank, driven

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from fhir_server.search.predicates.scope import Scope
    from fhir_server.search.query import Link


def condition(link: Link, inner: Condition, scope: Scope) -> Condition:
    """Return the condition that the reference of `link` leads to a row that fulfils `inner`."""
    inner = driven(inner)
    if link.resource_type == "Patient" and scope.is_hot_patient(link.parameter):
        return OfPatients(inner)
    mask = scope.binds.add(reference_mask(scope.binds.tenant_key, link.parameter.code))
    rank = best_rank(inner)
    return Leads(link.resource_type, mask, inner, rank=RARE if rank is not None and rank <= RARE else USUAL)


@dataclass(frozen=True, slots=True)
class OfPatients:
    """The column `patient` names a Patient that fulfils `inner`."""

    inner: Condition

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        target = row.other("Patient")
        ids: ColumnElement[bool] = row.patient.in_(current(target, self.inner, target.id))
        return ids


@dataclass(frozen=True, slots=True)
class Leads:
    """A reference parameter (its mask is the bind `mask`) leads to a `target` that fulfils `inner`."""

    target: str
    mask: str
    inner: Condition
    rank: int = USUAL
    indexed: bool = False

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        target = row.other(self.target)
        entry = sql.Xor(target.rh, bindparam(self.mask, type_=BigInteger))
        entries = current(target, self.inner, entry).scalar_subquery()
        return sql.HasHashOf(row.h, row.rid, row.tail, entries, indexed=self.indexed)

    def as_driver(self) -> Leads:
        """Return it in the form an index is used for."""
        return replace(self, indexed=True)
