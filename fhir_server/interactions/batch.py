"""batch: many interactions in one request, each on its own; one failing leaves the others alone.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from fhir_server.interactions.entries import entries_of, entry_of, interaction_of, status_text
from fhir_server.interactions.interaction import Preferences, Reply
from fhir_server.interactions.writing import preference_applied, refuse_unless_of_type
from fhir_server.kernel.errors import InvalidResource, Refusal
from fhir_server.spec.bundle import response_bundle, response_entry
from fhir_server.spec.outcome import operation_outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_server.interactions.context import Context
    from fhir_server.interactions.interaction import Interaction
    from fhir_server.kernel.errors import Issue


_ENTRY = re.compile(r"Bundle\.entry\[(\d+)\]")

Perform = Callable[["Interaction", "Context"], Awaitable["Reply"]]
"""The one door, handed in: batch stands below it and knocks on it for every entry."""


async def batch(interaction: Interaction, context: Context, perform: Perform) -> Reply:
    """Perform the entries in their order; each gets an answer of its own, refusals included."""
    bundle = refuse_unless_of_type(interaction.body, "Bundle")
    entries = entries_of(bundle, context)
    own, of_entries = faults_of_shell(bundle, context)
    if own:
        raise InvalidResource("The Bundle is not valid", issues=own)
    preferences = entry_preferences(interaction.preferences)
    answers = [
        refused_entry(400, of_entries[position])
        if position in of_entries
        else await _answer(position, entry, context, preferences, perform)
        for position, entry in enumerate(entries)
    ]
    applied = preference_applied(interaction.preferences)
    return Reply(status=200, resource=response_bundle("batch-response", answers), applied=applied)


def faults_of_shell(bundle: dict[str, Any], context: Context) -> tuple[list[Issue], dict[int, list[Issue]]]:
    """Return what is wrong with the Bundle, and with its entries by number, all without looking at the resources."""
    shell = dict(bundle)
    if entries := bundle.get("entry"):
        shell["entry"] = [{k: v for k, v in entry.items() if k != "resource"} for entry in entries]
    own: list[Issue] = []
    of_entries: dict[int, list[Issue]] = {}
    for issue in context.parts.validator.check(shell):
        if issue.severity in {"error", "fatal"}:
            found = _ENTRY.match(issue.expression)
            (of_entries.setdefault(int(found[1]), []) if found else own).append(issue)
    return own, of_entries


def refused_entry(status: int, issues: Iterable[Issue]) -> dict[str, Any]:
    """Return the answer to an entry that was refused."""
    return response_entry(status_text(status), outcome=operation_outcome(issues))


def entry_preferences(preferences: Preferences) -> Preferences:
    """Return the preferences of an entry: without a wish, writes answer without content (it would double the Bundle)."""
    return Preferences(returning=preferences.returning or "minimal", lenient=preferences.lenient)


async def _answer(
    position: int, entry: dict[str, Any], context: Context, preferences: Preferences, perform: Perform
) -> dict[str, Any]:
    try:
        reply = await perform(interaction_of(entry, context, preferences), context)
    except Refusal as refusal:
        refusal.inside(f"Bundle.entry[{position}]")
        return refused_entry(refusal.http_status, refusal.issues)
    return entry_of(reply, entry, context)
