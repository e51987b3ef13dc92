"""Which parameters an interaction takes that has no criteria; another one is refused, with a suggestion.

Searches and conditional interactions know theirs by the definitions (`search/parser.py`).

https://hl7.org/fhir/R4/http.html#parameters
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from fhir_server.kernel.errors import NotUnderstood

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_server.interactions.interaction import Interaction

FORMATTING = ("_format", "_pretty")
SHAPING = (*FORMATTING, "_summary", "_elements")
HISTORY = (*SHAPING, "_count", "_since", "_at", "_cursor")

TAKEN: Mapping[str, tuple[str, ...]] = {
    "read": SHAPING,
    "vread": SHAPING,
    "create": SHAPING,
    "update": SHAPING,
    "delete": FORMATTING,
    "history-instance": HISTORY,
    "history-type": HISTORY,
    "history-system": HISTORY,
    "capabilities": (*SHAPING, "mode"),
    "batch": FORMATTING,
    "transaction": FORMATTING,
}
_WITH_CRITERIA = frozenset({"update", "delete"})


def refuse_unknown_parameters(interaction: Interaction) -> None:
    """Raise NotUnderstood for a parameter that the interaction does not take, unless `handling=lenient` was asked."""
    taken = TAKEN.get(interaction.kind)
    by_criteria = interaction.id is None and interaction.kind in _WITH_CRITERIA
    if not interaction.parameters or taken is None or by_criteria or interaction.preferences.lenient:
        return
    for name, _ in interaction.parameters:
        if name not in taken:
            near = get_close_matches(name[:60], taken, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(n for n in taken if n != '_cursor')}"
            raise NotUnderstood(f"{interaction.kind} has no parameter {name[:60]!r}; {hint}")
