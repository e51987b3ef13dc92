"""How a transaction will go: who is meant, which ids are given, what is written.

A plan is made from the entries alone; `resolve` looks at the store once for all of them; `writes`
then says every version to be saved, in the order R4 sets (DELETE, POST, PUT). Conditional references
come last in that order: where the transaction itself writes what they may match, the entries that hold
them wait until the others are written (`settle_waiting`).

https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fhir_server.interactions.conditional import (
    id_for,
    refuse_too_many,
    refuse_unless_each_meets,
    refuse_where_off,
    version_of,
)
from fhir_server.interactions.criteria import (
    Criteria,
    Match,
    criteria_from_text,
    criteria_of,
    matches_of,
    refuse_several,
)
from fhir_server.interactions.delete import reply_to_deletion
from fhir_server.interactions.links import Links, is_conditional, place_in
from fhir_server.interactions.parameters import refuse_unknown_parameters
from fhir_server.interactions.preconditions import refuse_unless_met
from fhir_server.interactions.references import Place, expression_of, links_in
from fhir_server.interactions.shaping import refuse_unknown_shape
from fhir_server.interactions.update import refuse_creation_where_off, refuse_other_id, status_after
from fhir_server.interactions.writing import (
    deletion_of,
    refuse_unless_of_type,
    refuse_unless_valid,
    reply_to_write,
    write_of,
)
from fhir_server.kernel.errors import BadRequest, NotFound, Refusal, Unprocessable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fhir_server.interactions.context import Context
    from fhir_server.interactions.interaction import Interaction, Reply, Resource
    from fhir_server.store.versions import Version, Write

_ORDER = ("delete", "create", "update")


@dataclass(slots=True)
class Step:
    """One entry on its way. `id` is what it will be saved as, `current` the version before, `reply` its answer.

    `existing` is what a conditional create found, `twin` the entry that creates the same before it,
    `places` where its links stand.
    """

    position: int
    interaction: Interaction
    full_url: str
    criteria: Criteria | None = None
    matches: list[Match] = field(default_factory=list)
    id: str | None = None
    current: Version | None = None
    existing: Match | None = None
    twin: Step | None = None
    places: list[Place] = field(default_factory=list)
    reply: Reply | None = None

    @property
    def resource_type(self) -> str:
        """The type the entry writes."""
        return str(self.interaction.resource_type)

    @property
    def version(self) -> int:
        """The version that the instance of the entry has afterwards."""
        if self.twin is not None:
            return self.twin.version
        if self.existing is not None:
            return self.existing.version
        return self.current.version + 1 if self.current else 1

    @property
    def draft(self) -> Resource:
        """The resource to be written."""
        return refuse_unless_of_type(self.interaction.body, self.resource_type)


@dataclass(slots=True)
class Plan:
    """All steps of a transaction, in the order of the Bundle. `open` are the conditional references not settled yet."""

    steps: list[Step]
    references: dict[str, Criteria]
    links: Links
    open: dict[str, Criteria] = field(default_factory=dict)

    def anew(self) -> Plan:
        """Return the plan as it was made, for another attempt: links stand where they did, nothing is decided."""
        steps = [Step(s.position, s.interaction, s.full_url, s.criteria, places=s.places) for s in self.steps]
        return Plan(steps, self.references, self.links.anew())

    @property
    def locks(self) -> tuple[int, ...]:
        """The locks of every criterion that decides whether something is written."""
        return tuple(sorted({lock for step in self.steps if step.criteria for lock in step.criteria.locks}))

    async def resolve(self, context: Context) -> None:
        """Find what every criterion matches and what every id holds, in two round trips."""
        conditional = [step for step in self.steps if step.criteria]
        criteria = [step.criteria for step in conditional if step.criteria]
        most = context.parts.settings.max_entries + 1 if any(s.interaction.kind == "delete" for s in conditional) else 2
        found = await matches_of([*criteria, *self.references.values()], context.store, context, limit=most)
        for step, matches in zip(conditional, found, strict=False):
            step.matches = matches
        named = {(s.resource_type, i) for s in self.steps if (i := _named_id(s)) is not None}
        current = await context.store.read_many(sorted(named)) if named else {}
        for step in self.steps:
            if (id_ := _named_id(step)) is not None:
                step.current = current.get((step.resource_type, id_))
        _each(self.steps, lambda step: _settle(step, context))
        self._share_equal_creates()
        self._refuse_overlaps()
        for step in self.steps:
            if step.id is not None and step.interaction.kind != "delete":
                self.links.give(step.full_url, f"{step.resource_type}/{step.id}", step.version)
        changed = {s.resource_type for s in self.steps if s.interaction.kind in _ORDER and s.existing is None}
        for (text, sought), matches in zip(self.references.items(), found[len(conditional) :], strict=True):
            if _may_match_among(sought, changed):
                self.open[text] = sought
            else:
                self._settle_reference(text, sought, matches)

    @property
    def waiting(self) -> dict[int, Step]:
        """The entries, by number, that hold a conditional reference not settled yet."""
        if not self.open:
            return {}
        unsaid = [step for step in self.steps if step.reply is None]
        return {s.position: s for s in unsaid if any(place.text in self.open for place in (s.twin or s).places)}

    async def settle_waiting(self, context: Context) -> list[Write]:
        """Settle the conditional references that match now, and return what that lets be saved.

        Raises Unprocessable where one matches several, or where none matches and all have been waited for.
        """
        waited = self.waiting
        found = await matches_of(list(self.open.values()), context.store, context)
        for (text, criteria), matches in zip(tuple(self.open.items()), found, strict=True):
            if matches:
                self._settle_reference(text, criteria, matches)
                del self.open[text]
        waiting = self.waiting
        if len(waiting) == len(waited):
            text = next(text for text in self.open if self._is_held(text, waited.values()))
            self._settle_reference(text, self.open[text], [])
        return self._writes_among([step for number, step in waited.items() if number not in waiting], context)

    @staticmethod
    def _is_held(text: str, steps: Iterable[Step]) -> bool:
        return any(place.text == text for step in steps for place in (step.twin or step).places)

    def _settle_reference(self, text: str, criteria: Criteria, matches: Sequence[Match]) -> None:
        if len(matches) != 1:
            some = "more than one" if matches else "no"
            raise Unprocessable(
                f"The conditional reference {text[:200]!r} matches {some} {criteria.resource_type}",
                expression=self._expression_of(text),
            )
        self.links.give_conditional(text, f"{criteria.resource_type}/{matches[0].id}")

    def _expression_of(self, text: str) -> str:
        step, place = next((s, p) for s in self.steps for p in s.places if p.text == text)
        return expression_of(place, step.draft, f"Bundle.entry[{step.position}].resource")

    def _share_equal_creates(self) -> None:
        """Let conditional creates with equal criteria in one Bundle make one resource."""
        first: dict[tuple[str, str], Step] = {}
        for step in self.steps:
            if step.interaction.kind != "create" or step.criteria is None or step.existing is not None:
                continue
            twin = first.setdefault((step.resource_type, step.criteria.key), step)
            if twin is not step:
                step.twin, step.id = twin, twin.id

    def _refuse_overlaps(self) -> None:
        seen: dict[tuple[str, str], int] = {}
        for step in self.steps:
            for id_ in _changed_ids(step):
                other = seen.setdefault((step.resource_type, id_), step.position)
                if other != step.position:
                    raise BadRequest(
                        f"Entries {other} and {step.position} both change {step.resource_type}/{id_}; "
                        "a transaction may change an instance once",
                        expression=f"Bundle.entry[{step.position}]",
                    )

    def writes(self, context: Context) -> list[Write]:
        """Return every version to be saved now; each step that writes gets its reply."""
        waiting = self.waiting
        return self._writes_among(
            [step for step in self.steps if step.position not in waiting] if waiting else self.steps, context
        )

    def _writes_among(self, steps: Sequence[Step], context: Context) -> list[Write]:
        writes: list[Write] = []
        for kind in _ORDER:
            chosen = [step for step in steps if step.interaction.kind == kind]
            _each(chosen, lambda step: writes.extend(self._writes_of(step, context)))
        return writes

    def _writes_of(self, step: Step, context: Context) -> list[Write]:
        kind, preferences = step.interaction.kind, step.interaction.preferences
        if kind == "delete":
            gone = [deletion_of(version, context) for version in _deleted(step)]
            number = gone[0].version.version if len(gone) == 1 else None
            step.reply = reply_to_deletion(number, preferences, len(gone))
            return gone
        if step.existing is not None:
            step.reply = reply_to_write(version_of(step.existing, step.resource_type), 200, preferences)
            return []
        if step.twin is not None and step.twin.reply is not None:
            step.reply = replace(step.twin.reply, status=200, location=None)
            return []
        draft = step.draft
        self.links.apply(step.places, step.full_url)
        refuse_unless_valid(draft, context)
        method = "POST" if kind == "create" else "PUT"
        write = write_of(draft, str(step.id), method, step.current, context)
        step.reply = reply_to_write(write.version, 201 if kind == "create" else status_after(step.current), preferences)
        return [write]


def _each(steps: Sequence[Step], act: Callable[[Step], object]) -> None:
    """Do `act` for every step; a refusal names the entry."""
    for step in steps:
        try:
            act(step)
        except Refusal as refusal:
            raise refusal.inside(f"Bundle.entry[{step.position}]") from None


def plan_of(interactions: Sequence[Interaction], full_urls: Sequence[str], context: Context) -> Plan:
    """Return the plan of a transaction. Raises a Refusal for an entry that can never be performed."""
    steps = [Step(n, i, u) for n, (i, u) in enumerate(zip(interactions, full_urls, strict=True))]
    links = Links(context.base_url)
    plan = Plan(steps, {}, links)
    _each(steps, lambda step: _prepare(step, context))
    seen: dict[str, int] = {}
    for step in steps:
        if step.full_url and seen.setdefault(step.full_url, step.position) != step.position:
            raise BadRequest(
                f"Entries {seen[step.full_url]} and {step.position} have the same fullUrl",
                expression=f"Bundle.entry[{step.position}].fullUrl",
            )
    _find_links(plan, context)
    return plan


def _find_links(plan: Plan, context: Context) -> None:
    """Find where links stand in what is written, and read the criteria of conditional references."""
    full_urls = frozenset(step.full_url for step in plan.steps if step.full_url)
    for step in plan.steps:
        if step.interaction.kind not in {"create", "update"}:
            continue
        step.places = links_in(step.draft, context.parts.definitions, full_urls)
        for place in step.places:
            text, resource_type = place.text, place.text.partition("?")[0]
            is_new = place.kind == "reference" and is_conditional(text) and text not in plan.references
            if is_new and resource_type in context.parts.definitions.resource_type_set:
                plan.references[text] = criteria_from_text(resource_type, text, context)


def _prepare(step: Step, context: Context) -> None:
    interaction = step.interaction
    if interaction.kind not in _ORDER:
        return
    if step.resource_type not in context.parts.definitions.resource_type_set:
        raise NotFound(f"There is no resource type {step.resource_type!r} in FHIR R4")
    refuse_unknown_parameters(interaction)
    refuse_unknown_shape(interaction)
    if interaction.kind != "delete":
        _ = step.draft
    _refuse_other_full_url(step, context)
    if interaction.kind == "create" and interaction.conditions.if_none_exist is not None:
        step.criteria = criteria_from_text(step.resource_type, interaction.conditions.if_none_exist, context)
    elif interaction.kind in {"update", "delete"} and interaction.id is None:
        if interaction.kind == "delete":
            refuse_where_off(context)
        step.criteria = criteria_of(step.resource_type, interaction.parameters, context)


def _refuse_other_full_url(step: Step, context: Context) -> None:
    """Raise BadRequest where an update's fullUrl is another instance's here: links to that one would be turned to this."""
    is_ours, id_ = step.full_url.startswith(f"{context.base_url}/"), step.interaction.id
    place = place_in(step.full_url) if is_ours else ""
    if step.interaction.kind == "update" and id_ is not None and place not in {"", f"{step.resource_type}/{id_}"}:
        raise BadRequest(f"The fullUrl ends in {place!r}, the request is for {step.resource_type}/{id_}")


def _may_match_among(criteria: Criteria, changed: set[str]) -> bool:
    """Whether what the transaction writes can change what `criteria` match; chains are not followed to find out."""
    has_chain = any(criterion.links or criterion.alternatives for criterion in criteria.query.criteria)
    return bool(changed) if has_chain else criteria.resource_type in changed


def _named_id(step: Step) -> str | None:
    """Return the id that an update or delete names itself, in its URL or (conditional update) in its body."""
    if step.interaction.kind not in {"update", "delete"}:
        return None
    if step.criteria is None:
        return step.interaction.id
    own_id = step.draft.get("id") if step.interaction.kind == "update" and not step.matches else None
    return own_id if isinstance(own_id, str) else None


def _settle(step: Step, context: Context) -> None:
    """Decide the id and hold the preconditions, now that it is known what is there."""
    match step.interaction.kind:
        case "create":
            _settle_create(step, context)
        case "update":
            _settle_update(step, context)
        case "delete":
            if step.criteria is not None:
                refuse_too_many(step.criteria, step.matches, context)
                refuse_unless_each_meets(step.interaction.conditions, step.criteria, step.matches)
            else:
                refuse_unless_met(step.interaction.conditions, step.current)
            step.id = step.interaction.id


def _settle_create(step: Step, context: Context) -> None:
    if step.criteria is not None and step.matches:
        refuse_several(step.criteria, step.matches)
        step.existing = step.matches[0]
        step.id = step.existing.id
    else:
        step.id = context.parts.ids.new()


def _settle_update(step: Step, context: Context) -> None:
    draft = step.draft
    if step.criteria is None:
        step.id = str(step.interaction.id)
        refuse_other_id(draft, step.id)
        refuse_unless_met(step.interaction.conditions, step.current)
        refuse_creation_where_off(step.current, context)
        return
    refuse_several(step.criteria, step.matches)
    match = step.matches[0] if step.matches else None
    if match is not None:
        step.current = version_of(match, step.resource_type)
    refuse_unless_met(step.interaction.conditions, step.current)
    step.id = id_for(draft, match, step.current, context)


def _deleted(step: Step) -> list[Version]:
    """Return the living versions that a delete ends."""
    if step.criteria is not None:
        return [version_of(match, step.resource_type) for match in step.matches]
    return [step.current] if step.current is not None and step.current.body is not None else []


def _changed_ids(step: Step) -> list[str]:
    if step.interaction.kind not in _ORDER or step.existing is not None or step.twin is not None:
        return []
    if step.interaction.kind == "delete" and step.criteria is not None:
        return [match.id for match in step.matches]
    return [step.id] if step.id is not None else []
