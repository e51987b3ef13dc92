"""The `string` search parameter type: begins with, accents, case and spacing aside.

https://hl7.org/fhir/R4/search.html#string

Written for each text (for a HumanName or Address: each of its text parts and `text`):

    v[code]               [folded text, …] (`search.folding.fold`), sorted, distinct
    (code, "s", text)     the text as it is, for :exact
    (code, "f", first)    the first three characters of the folded text (all of a shorter one)

"" : a folded text begins with the folded value; `:contains`: holds it anywhere; `:exact`: is the value.
A value of three or more folded characters narrows by its "f" hash; a shorter one cannot.
Sorting: the least folded text ascending, the greatest descending.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_server.search.folding import fold
from fhir_server.search.hashing import hash64
from fhir_server.search.types.escapes import unescape
from fhir_server.search.types.values import StringValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fhir_server.search.types.entries import Entries
    from fhir_server.search.types.reading import Reading

FIRST = 3
"""How many characters of a folded text are hashed to narrow a search."""


def wanted_exact(tenant_key: int, code: str, value: StringValue) -> tuple[int, ...]:
    """Return the hashes any of which a resource that matches `:exact` has."""
    return (hash64(tenant_key, code, "s", value.text),)


def narrowing(tenant_key: int, code: str, value: StringValue) -> tuple[int, ...]:
    """Return the hashes any of which every match of a begins-with search has; empty where none can be said."""
    if len(value.folded) < FIRST:
        return ()
    return (hash64(tenant_key, code, "f", value.folded[:FIRST]),)


def parse(reading: Reading, text: str) -> StringValue:
    """Read a text."""
    plain = unescape(text)
    folded = fold(plain)
    if not folded:
        raise reading.refusal(text, "nothing is left of the value to compare")
    return StringValue(plain, folded)


def found(type_name: str, value: Any) -> Iterable[str]:
    """Return the texts of an element's value."""
    if isinstance(value, str):
        return (value,)
    return tuple(_texts(value, _PARTS[type_name])) if type_name in _PARTS else ()


def write(entries: Entries, code: str, texts: Iterable[str]) -> None:
    """Write the entries of parameter `code`."""
    for text in texts:
        folded = fold(text)
        entries.keep(code, folded)
        entries.add(code, "s", text)
        entries.add(code, "f", folded[:FIRST])
    entries.mark_present(code)


_PARTS = {
    "HumanName": ("text", "family", "given", "prefix", "suffix"),
    "Address": ("text", "line", "city", "district", "state", "postalCode", "country"),
    "CodeableConcept": ("text",),
    "Coding": ("display",),
    "Annotation": ("text",),
}
"""The parts of a complex type that are searched as strings."""


def _texts(value: dict[str, Any], parts: tuple[str, ...]) -> Iterator[str]:
    for part in parts:
        text = value.get(part)
        if isinstance(text, str):
            yield text
        elif isinstance(text, list):
            yield from (one for one in text if isinstance(one, str))
