"""What comes along with a page of matches: fetched a round at a time, a fixed number of round trips each.

Nothing is cut: over the limit the search is refused.

https://hl7.org/fhir/R4/search.html#include
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.kernel.errors import TooCostly
from fhir_server.search.compiler import compile_pointing
from fhir_server.search.includes import entries_pointing_to, references_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fhir_server.interactions.context import Context
    from fhir_server.search.includes import Key
    from fhir_server.search.query import Include


async def included_with(
    matches: Mapping[Key, bytes], includes: Sequence[Include], context: Context
) -> dict[Key, bytes]:
    """Return what `includes` add to `matches`, each resource once; raises TooCostly over the limit.

    After the first round only the `:iterate` ones go on, from what the round before has brought.
    """
    included: dict[Key, bytes] = {}
    at_hand: Mapping[Key, bytes] = matches
    applying = includes
    while applying and at_hand:
        brought = await _round(at_hand, applying, context)
        at_hand = {key: body for key, body in brought.items() if key not in matches and key not in included}
        included |= at_hand
        _refuse_too_many(included, context)
        applying = [include for include in includes if include.iterate]
    return included


async def _round(at_hand: Mapping[Key, bytes], includes: Sequence[Include], context: Context) -> dict[Key, bytes]:
    parts = context.parts
    brought: dict[Key, bytes] = {}
    keys = [
        k for k in references_from(at_hand, includes, parts.search_parameters, context.base_url) if k not in at_hand
    ]
    if len(keys) > parts.settings.max_included:
        _refuse(context)
    if keys:
        versions = await context.store.read_many(keys)
        brought |= {k: v.body for k in keys if (v := versions.get(k)) is not None and v.body is not None}
    wanted = entries_pointing_to(at_hand, includes, parts.search_parameters, context.tenant.key)
    if wanted:
        limit = parts.settings.max_included + len(at_hand) + 1
        statements = [
            compile_pointing(source, hashes, context.tenant.key, parts.store.dialect, limit=limit)
            for source, hashes in wanted.items()
        ]
        answers = await context.store.select_many(statements)
        brought |= {(source, row[0]): row[3] for source, rows in zip(wanted, answers, strict=True) for row in rows}
    return brought


def _refuse_too_many(included: Mapping[Key, bytes], context: Context) -> None:
    if len(included) > context.parts.settings.max_included:
        _refuse(context)


def _refuse(context: Context) -> None:
    raise TooCostly(
        f"This page would include more than {context.parts.settings.max_included} resources;"
        " ask for fewer with _count, or include less"
    )
