"""The criteria of conditional interactions: read, made comparable, locked and matched.

Two requests with equal criteria, however they are spelled, take the same lock before they look,
so that of many conditional creates one makes the resource and the others find it.

https://hl7.org/fhir/R4/http.html#ccreate and #cond-update
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from fhir_server.kernel.errors import BadRequest, MultipleMatches, NotUnderstood
from fhir_server.search.canonical import canonical_key
from fhir_server.search.compiler import compile_matches
from fhir_server.search.hashing import hash64
from fhir_server.search.parser import parse_search

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fhir_server.interactions.context import Context
    from fhir_server.search.query import Criterion, Query
    from fhir_server.store.store import TenantStore
    from fhir_server.store.unit_of_work import UnitOfWork
    from fhir_server.store.versions import Statement

IDENTIFYING = frozenset({"identifier", "_id", "url"})
"""Parameters that name an instance: criteria that share a value of one are held apart, whatever else they ask."""


OF_RESULTS = frozenset(
    {"_sort", "_count", "_include", "_revinclude", "_total", "_cursor", "_contained", "_containedType"}
)
"""Parameters that choose among matches or add to them: to pass them over would write what was not meant."""

_PLACE = re.compile(r"[^=&?]*\?")


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a conditional interaction looks for. `key` is equal for equal criteria, `locks` are taken before looking."""

    query: Query
    key: str
    locks: tuple[int, ...]

    @property
    def resource_type(self) -> str:
        """The type that is looked through."""
        return self.query.resource_type


@dataclass(frozen=True, slots=True)
class Match:
    """An instance that criteria found, as it is now."""

    id: str
    version: int
    updated: int
    body: bytes


def criteria_of(resource_type: str, pairs: Iterable[tuple[str, str]], context: Context) -> Criteria:
    """Return the criteria that `(name, value)` pairs state.

    Raises BadRequest where there is none (every instance would match), NotUnderstood for unknown parameters.
    """
    pairs = tuple(pairs)
    _refuse_result_parameters(pairs)
    query = parse_search(
        resource_type,
        pairs,
        parameters=context.parts.search_parameters,
        definitions=context.parts.definitions,
        settings=context.parts.settings,
        lenient=False,
        base_url=context.base_url,
        now=context.parts.clock.now(),
    )
    if not query.criteria:
        raise BadRequest(
            f"A conditional interaction on {resource_type} needs criteria, such as identifier=system|value"
        )
    key = canonical_key(query)
    return Criteria(query, key, _locks(query, key, context.tenant.key))


def criteria_from_text(resource_type: str, text: str, context: Context) -> Criteria:
    """Return the criteria of a query text (`identifier=…`, a leading `?` or `Type?` is allowed).

    Raises BadRequest where the type named there is another one.
    """
    place, _, query = text.partition("?") if _PLACE.match(text) else ("", "", text)
    named = place.removeprefix(f"{context.base_url}/").removeprefix("/")
    if named not in {"", resource_type}:
        raise BadRequest(f"The criteria are for {named[:60]!r}, and this is about {resource_type}")
    return criteria_of(resource_type, parse_qsl(query, keep_blank_values=True), context)


def _refuse_result_parameters(pairs: Iterable[tuple[str, str]]) -> None:
    for name, _ in pairs:
        if name.partition(":")[0] in OF_RESULTS:
            raise NotUnderstood(f"{name[:60]} is for the results of a search; a conditional interaction has none")


def _locks(query: Query, key: str, tenant: int) -> tuple[int, ...]:
    naming = [c for c in query.criteria if _names_an_instance(c)]
    texts = {f"{c.parameter.code}={value!r}" for c in naming for value in c.values} or {key}
    return tuple(sorted(hash64(tenant, "lock", query.resource_type, text) for text in texts))


def _names_an_instance(criterion: Criterion) -> bool:
    return criterion.parameter.code in IDENTIFYING and not criterion.links and not criterion.modifier


def statement_for(criteria: Criteria, context: Context, *, limit: int = 2) -> Statement:
    """Return the select that finds at most `limit` matches."""
    return compile_matches(criteria.query, context.tenant.key, context.parts.store.dialect, limit=limit)


async def matches_of(
    criteria: Sequence[Criteria], store: TenantStore | UnitOfWork, context: Context, *, limit: int = 2
) -> list[list[Match]]:
    """Return the matches of each of `criteria`, all in one round trip."""
    if not criteria:
        return []
    answers = await store.select_many([statement_for(c, context, limit=limit) for c in criteria])
    return [[Match(*row[:4]) for row in rows] for rows in answers]


def refuse_several(criteria: Criteria, matches: Sequence[Match]) -> None:
    """Raise MultipleMatches where more than one instance matches."""
    if len(matches) > 1:
        raise MultipleMatches(f"The criteria match more than one {criteria.resource_type}; make them narrower")
