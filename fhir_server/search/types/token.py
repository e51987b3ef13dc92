"""The `token` search parameter type: codes, identifiers, contact points, booleans.

https://hl7.org/fhir/R4/search.html#token

Written for each value (system, code):

    (code, "t", "value")          any system
    (code, "t", "system|value")   that system; "|value" where the value has none
    (code, "t", "system|")        anything of that system
    (code, "o", "typesystem|typecode|value")   an identifier with a type, for :of-type
    v[code + ":text"]             folded texts: CodeableConcept.text, Coding.display, Identifier.type.text
    v["~" + code] = [min, max] or [only]   the plain codes, to sort by

Values are compared exactly (case matters): R4 leaves case to the code system, and nearly all mind it.
An element of type `code`, `boolean`, `string`, `uri`, `id` has no system of its own: `|value` finds it
as well. `system|value` also finds a `code` or `boolean` when the system is the one its required binding
(or the special-values system, for booleans) implies.
`:not` holds for resources that have none of the values, so also for those without the parameter.
`:text` is a string search (begins with, accents and case aside) on the texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.search.hashing import hash64, token_text
from fhir_server.search.types import string
from fhir_server.search.types.escapes import split, unescape
from fhir_server.search.types.values import OfTypeValue, TokenValue

if TYPE_CHECKING:
    from fhir_server.search.types.reading import Reading
    from fhir_server.search.types.values import StringValue


def wanted(tenant_key: int, code: str, value: TokenValue) -> tuple[int, ...]:
    """Return the hashes any of which a matching resource has."""
    return (hash64(tenant_key, code, "t", token_text(value.system, value.code)),)


def wanted_of_type(tenant_key: int, code: str, value: OfTypeValue) -> tuple[int, ...]:
    """Return the hashes any of which a resource that matches `:of-type` has."""
    return (hash64(tenant_key, code, "o", f"{value.system}|{value.code}|{value.value}"),)


def parse(reading: Reading, text: str) -> TokenValue | OfTypeValue | StringValue:
    """Read `code`, `system|code`, `|code`, `system|`; for `:of-type` and `:text` what they take."""
    if reading.modifier == "text":
        return string.parse(reading, text)
    parts = [unescape(part) for part in split(text, "|")]
    if reading.modifier == "of-type":
        if len(parts) != _OF_TYPE_PARTS or not all(parts):
            raise reading.refusal(text, "an identifier of a type is written system|code|value")
        return OfTypeValue(*parts)
    match parts:
        case [code] if code:
            return TokenValue(None, code)
        case [system, code] if system or code:
            return TokenValue(system, code or None)
        case _:
            raise reading.refusal(text, r"a token is written code, system|code, |code or system| (a | inside is \|)")


_OF_TYPE_PARTS = 3
