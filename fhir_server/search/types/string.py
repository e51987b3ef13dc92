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

from typing import TYPE_CHECKING

from fhir_server.search.folding import fold
from fhir_server.search.hashing import hash64
from fhir_server.search.types.escapes import unescape
from fhir_server.search.types.values import StringValue

if TYPE_CHECKING:
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
