"""batch: many interactions in one request, each on its own; one failing leaves the others alone.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from fhir_server.interactions.entries import entries_of, entry_of, interaction_of, status_text
from fhir_server.interactions.interaction import Preferences, Reply
from fhir_server.interactions.writing import refuse_unless_of_type
from fhir_server.kernel.errors import Refusal
from fhir_server.spec.bundle import response_bundle, response_entry
from fhir_server.spec.outcome import operation_outcome

if TYPE_CHECKING:
    from fhir_server.interactions.context import Context
    from fhir_server.interactions.interaction import Interaction


Perform = Callable[["Interaction", "Context"], Awaitable["Reply"]]
"""The one door, handed in: batch stands below it and knocks on it for every entry."""


async def batch(interaction: Interaction, context: Context, perform: Perform) -> Reply:
    """Perform the entries in their order; each gets an answer of its own, refusals included."""
    bundle = refuse_unless_of_type(interaction.body, "Bundle")
    preferences = entry_preferences(interaction.preferences)
    answers = [
        await _answer(position, entry, context, preferences, perform)
        for position, entry in enumerate(entries_of(bundle, context))
    ]
    return Reply(status=200, resource=response_bundle("batch-response", answers))


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
        outcome = operation_outcome(refusal.issues)
        return response_entry(status_text(refusal.http_status), outcome=outcome)
    return entry_of(reply, context)
