"""Chains: `subject:Patient.name=eve` asks that what the reference leads to matches.

Identities make it one statement: the entries of the reference parameter are the targets' identities XOR the
parameter's mask. Three forms say so, chosen by how many targets are to be expected:

    OfPatients   the hot column `patient` is among the targets' ids: a semi-join, which the planner orders
    Leads        the row's tail overlaps with the entries of the targets, which are collected first
    LeadsEach    each row's own entries are followed: where the targets may be very many (PostgreSQL)

https://hl7.org/fhir/R4/search.html#chaining
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, bindparam, exists, literal_column

from fhir_server.search import sql
from fhir_server.search.hashing import reference_mask
from fhir_server.search.predicates.conditions import COMMON, RARE, USUAL, Condition, Row, current
from fhir_server.search.predicates.driving import best_rank, driven

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from fhir_server.search.predicates.scope import Scope
    from fhir_server.search.query import Link

FEW = frozenset(
    {"Organization", "Practitioner", "PractitionerRole", "Location", "HealthcareService", "Medication", "Substance"}
)
"""Types with few instances in the largest house: all of them may be collected."""


def condition(link: Link, inner: Condition, scope: Scope, *, alone: bool = True) -> Condition:
    """Return the condition that the reference of `link` leads to a row that fulfils `inner`.

    `alone`: it is no alternative among several, which only tests of the tail can answer together by an index.
    """
    if alone and link.resource_type == "Patient" and scope.is_hot_patient(link.parameter):
        return OfPatients(driven(inner))
    mask = scope.binds.add(reference_mask(scope.binds.tenant_key, link.parameter.code))
    rank = best_rank(inner)
    may_be_many = (rank is None or rank >= COMMON) and link.resource_type not in FEW
    if may_be_many and scope.binds.dialect == "postgresql":
        if link.resource_type == "Patient" and scope.is_hot_patient(link.parameter):
            return OfPatients(driven(inner))  # No start, as little as the other; but it collects the patients once.
        return LeadsEach(link.resource_type, mask, inner)
    rank = RARE if rank is not None and rank <= RARE else USUAL
    return Leads(link.resource_type, mask, driven(inner), rank=rank)


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


@dataclass(frozen=True, slots=True)
class LeadsEach:
    """As `Leads`, by following the entries of each row: one that fulfils `inner` is soon found among many."""

    target: str
    mask: str
    inner: Condition

    def render(self, row: Row) -> ColumnElement[bool]:
        """Return the SQL of it."""
        target = row.other(self.target)
        entries = sql.entries_of_tail(row.h, row.alias())
        identity = sql.Xor(entries.c.hash, bindparam(self.mask, type_=BigInteger))
        is_led_to = sql.HasHash(target.h, target.rid, target.tail, identity, indexed=True)
        own = entries.c.hash != row.rh  # Turned, it would be a reference of the target to this row.
        found = current(target, self.inner, literal_column("1")).select_from(entries).where(is_led_to, own)
        return exists(found.correlate(row.table))
