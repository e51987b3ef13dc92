"""search: by type, across types, within a compartment. Answers exactly what was asked, and says what it applied.

https://hl7.org/fhir/R4/http.html#search
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from msgspec import Raw

from fhir_server.interactions.interaction import Reply
from fhir_server.interactions.search_includes import included_with
from fhir_server.interactions.search_page import Page, Position, page_of
from fhir_server.kernel.errors import Issue, NotFound
from fhir_server.search.paging import open_cursor, seal_cursor
from fhir_server.search.parser import ELSEWHERE, parse_search, searched_types
from fhir_server.spec.bundle import include_entry, match_entry, outcome_entry, searchset
from fhir_server.spec.compartments import types_in
from fhir_server.spec.json_format import decode
from fhir_server.spec.outcome import operation_outcome
from fhir_server.spec.summary import select_elements, summarise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fhir_server.interactions.context import Context
    from fhir_server.interactions.interaction import Interaction, Resource
    from fhir_server.search.query import Query

CURSOR = "_cursor"
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as it was asked: one Query a type (they differ only in it), its place in the URL, the cursor.

    `written` says how the answer is written (`_format`, `_pretty`): links keep it, a cursor is not bound to it.
    """

    queries: tuple[Query, ...]
    place: str
    cursor: str | None
    written: Pairs = ()

    @property
    def query(self) -> Query:
        """The query that stands for all."""
        return self.queries[0]

    @property
    def scope(self) -> str:
        """What a cursor is bound to."""
        return f"search/{self.place}?{urlencode(self.query.applied)}"


async def search(interaction: Interaction, context: Context) -> Reply:
    """Return a page of matches, and what is included with them, as a Bundle of type searchset.

    Raises NotUnderstood or BadRequest for parameters that cannot be applied, TooCostly for too many.
    """
    asked = asked_for(interaction, context)
    page = await page_of(asked.queries, _opened(asked, context), context)
    matches = {(match.resource_type, match.id): match.body for match in page.matches}
    included = await included_with(matches, asked.query.includes, context)
    show = _Showing(asked.query, context)
    entries = [match_entry(show.url(key), show.match(body)) for key, body in matches.items()]
    entries += [include_entry(show.url(key), show.included(body)) for key, body in included.items()]
    if asked.query.warnings:
        entries.append(outcome_entry(_outcome(asked.query.warnings)))
    return Reply(status=200, resource=searchset(entries, links=_links(asked, page, context), total=page.total))


def asked_for(interaction: Interaction, context: Context) -> Asked:
    """Return the search that the parameters state.

    Raises NotUnderstood for what is not known, BadRequest for what cannot be, NotFound for a compartment R4
    does not have.
    """
    cursor = next((value for name, value in interaction.parameters if name == CURSOR), None)
    pairs = tuple(pair for pair in interaction.parameters if pair[0] != CURSOR)
    place = interaction.resource_type or ""
    if interaction.compartment is not None:
        code, id_ = interaction.compartment
        place = f"{code}/{id_}/{interaction.resource_type or '*'}"
    queries = _all_parsed(_types(interaction, pairs, context), pairs, interaction, context)
    written = {name: value for name, value in pairs if name in ELSEWHERE and value}
    return Asked(queries, place, cursor, tuple(written.items()))


def _types(interaction: Interaction, pairs: Pairs, context: Context) -> Sequence[str]:
    definitions = context.parts.definitions
    code = interaction.compartment[0] if interaction.compartment else None
    if code is not None and code not in definitions.compartments:
        raise NotFound(f"There is no compartment of {code[:60]}; R4 has {', '.join(sorted(definitions.compartments))}")
    if interaction.resource_type is not None:
        return (interaction.resource_type,)
    asked = searched_types(pairs, definitions)
    if code is None:
        return asked
    inside = [name for name in types_in(definitions, code) if name in asked]
    return inside or asked[:1]


def _all_parsed(types: Sequence[str], pairs: Pairs, interaction: Interaction, context: Context) -> tuple[Query, ...]:
    """Return the query on each of `types`. What one of them leaves out all do: the self link holds for all alike."""
    queries = tuple(_parsed(name, types, pairs, interaction, context) for name in types)
    left_out = {pair for query in queries for pair in query.left_out}
    if len(queries) == 1 or not left_out:
        return queries
    warnings = tuple(dict.fromkeys(warning for query in queries for warning in query.warnings))[:_MOST_WARNINGS]
    kept = tuple(pair for pair in pairs if pair not in left_out)
    queries = tuple(_parsed(name, types, kept, interaction, context) for name in types)
    return (replace(queries[0], warnings=warnings), *queries[1:])


_MOST_WARNINGS = 20
"""A parameter that no type knows would be said of each of them."""


def _parsed(
    resource_type: str, among: Sequence[str], pairs: Pairs, interaction: Interaction, context: Context
) -> Query:
    parts = context.parts
    return parse_search(
        resource_type,
        pairs,
        parameters=parts.search_parameters,
        definitions=parts.definitions,
        settings=parts.settings,
        lenient=interaction.preferences.lenient,
        compartment=interaction.compartment,
        base_url=context.base_url,
        now=parts.clock.now(),
        among=among,
    )


def _opened(asked: Asked, context: Context) -> Position | None:
    if asked.cursor is None:
        return None
    total, number, keys = open_cursor(asked.cursor, asked.scope, context.tenant.key, context.parts.settings.link_secret)
    return Position(total, number, tuple(keys))


def _links(asked: Asked, page: Page, context: Context) -> list[tuple[str, str]]:
    url = f"{context.base_url}/{asked.place}".rstrip("/")
    applied = (*asked.query.applied, *asked.written)
    links = [("self", _url(url, (*applied, *([(CURSOR, asked.cursor)] if asked.cursor else []))))]
    if page.next is not None:
        position = [page.next.total, page.next.number, list(page.next.keys)]
        cursor = seal_cursor(position, asked.scope, context.tenant.key, context.parts.settings.link_secret)
        links.append(("next", _url(url, (*applied, (CURSOR, cursor)))))
    return links


def _url(url: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{url}?{urlencode(pairs, quote_via=quote, safe='/:|,$*')}" if pairs else url


def _outcome(warnings: Sequence[str]) -> Resource:
    return operation_outcome([Issue("warning", "not-supported", warning) for warning in warnings])


class _Showing:
    """Shows resources as `_summary` and `_elements` ask; whole ones go out as they are stored, unread."""

    def __init__(self, query: Query, context: Context) -> None:
        self._context = context
        self._mode = query.summary or "false"
        self._elements = query.elements

    def url(self, key: tuple[str, str]) -> str:
        """Return the fullUrl of a resource."""
        return f"{self._context.base_url}/{key[0]}/{key[1]}"

    def match(self, body: bytes) -> Any:
        """Return a match, in part where that is asked for."""
        if self._elements:
            return select_elements(decode(body), self._elements, self._context.parts.definitions)
        return self.included(body)

    def included(self, body: bytes) -> Any:
        """Return an included resource; `_elements` is about the matches alone."""
        if self._mode == "false":
            return Raw(body)
        return summarise(decode(body), self._mode, self._context.parts.definitions)
