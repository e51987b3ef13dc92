"""transaction: many interactions, all or nothing, with the references between them made right.

The number of round trips to the database does not grow with the entries: one to open, one for the
locks, one for all criteria, one for all instances that will change, a fixed few for all writes.

https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.interactions.batch import entry_preferences, faults_of_shell
from fhir_server.interactions.entries import entries_of, entry_of, interaction_of
from fhir_server.interactions.interaction import Reply
from fhir_server.interactions.planning import Plan, plan_of
from fhir_server.interactions.shaping import reply_in_shape
from fhir_server.interactions.writing import ATTEMPTS, preference_applied, refuse_unless_of_type, wait_before_another
from fhir_server.kernel.errors import Conflict, InvalidResource, Refusal
from fhir_server.spec.bundle import response_bundle
from fhir_server.store.versions import StaleWrite

if TYPE_CHECKING:
    from fhir_server.interactions.batch import Perform
    from fhir_server.interactions.context import Context
    from fhir_server.interactions.interaction import Interaction


async def transaction(interaction: Interaction, context: Context, perform: Perform) -> Reply:
    """Perform all entries of the Bundle or none.

    Raises the Refusal of the first entry that cannot be, its issues placed in `Bundle.entry[n]`.
    """
    bundle = refuse_unless_of_type(interaction.body, "Bundle")
    entries = entries_of(bundle, context)
    own, of_entries = faults_of_shell(bundle, context)
    if faults := [*own, *(issue for issues in of_entries.values() for issue in issues)]:
        raise InvalidResource("The Bundle is not valid", issues=faults)
    preferences = entry_preferences(interaction.preferences)
    interactions = []
    for position, entry in enumerate(entries):
        try:
            interactions.append(interaction_of(entry, context, preferences))
        except Refusal as refusal:
            raise refusal.inside(f"Bundle.entry[{position}]") from None
    full_urls = [str(entry.get("fullUrl", "")) for entry in entries]
    plan = plan_of(interactions, full_urls, context)
    for attempt in range(ATTEMPTS):
        await wait_before_another(attempt)
        try:
            replies = await _attempt(plan.anew(), context, perform)
        except StaleWrite:
            continue  # An instance was changed between our look and our write: nothing was saved, look again.
        answers = [entry_of(reply, entry, context) for reply, entry in zip(replies, entries, strict=True)]
        applied = preference_applied(interaction.preferences)
        return Reply(status=200, resource=response_bundle("transaction-response", answers), applied=applied)
    raise Conflict("The instances of this transaction are being changed by many at once; try again")


async def _attempt(plan: Plan, context: Context, perform: Perform) -> list[Reply]:
    async with context.parts.store.tenant(context.tenant.key).unit() as unit:
        inside = context.within(unit)
        if plan.locks:
            await unit.lock(plan.locks)
        await plan.resolve(inside)
        writes = plan.writes(inside)
        if writes:
            await unit.write(writes)
        while plan.waiting and (writes := await plan.settle_waiting(inside)):
            await unit.write(writes)
        replies = []
        for position, step in enumerate(plan.steps):
            try:
                reply = step.reply or await perform(step.interaction, inside)
                replies.append(reply_in_shape(reply, step.interaction, inside) if step.reply else reply)
            except Refusal as refusal:
                raise refusal.inside(f"Bundle.entry[{position}]") from None
        return replies
