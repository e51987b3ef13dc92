"""Criteria that hashes alone decide: one test of the tail, however many values are ORed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.search.predicates.conditions import Hashed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_server.search.predicates.scope import Scope


def any_hash(wanted: Iterable[int], scope: Scope, rank: int) -> Hashed:
    """Return the condition that the tail holds any of `wanted`."""
    hashes = sorted(set(wanted))
    if len(hashes) == 1:
        return Hashed(scope.binds.add(hashes[0]), rank=rank)
    return Hashed(scope.binds.add_all(hashes), many=True, rank=rank)
