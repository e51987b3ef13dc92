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

if TYPE_CHECKING:
    from fhir_server.search.types.values import OfTypeValue, TokenValue


def wanted(tenant_key: int, code: str, value: TokenValue) -> tuple[int, ...]:
    """Return the hashes any of which a matching resource has."""
    return (hash64(tenant_key, code, "t", token_text(value.system, value.code)),)


def wanted_of_type(tenant_key: int, code: str, value: OfTypeValue) -> tuple[int, ...]:
    """Return the hashes any of which a resource that matches `:of-type` has."""
    return (hash64(tenant_key, code, "o", f"{value.system}|{value.code}|{value.value}"),)
