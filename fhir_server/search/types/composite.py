"""The `composite` search parameter type: parts that must hold of one and the same element.

https://hl7.org/fhir/R4/search.html#composite

Where every part is a token, reference or uri (`is_hashed`): (code, "c", form + U+001E + form …), for every
combination of the parts' forms (a token's: `value`, `system|value`, `system|`; a reference's text; a uri).
Otherwise v[code] has one entry for each element: [entries of part 1, entries of part 2 …], where the entries
of a part are a list as the part's type writes it:

    token      [["system", "value"] …]                   "" for what is not there
    reference  ["Patient/1", …]                          matches if any of the value's references is in it
    uri        ["http://…", …]
    string     [folded, …]
    number, date, quantity   [[low, high …], …]

and (code, "c0", form) for the forms of the first part that is a token: it narrows (`narrowing`).
An element where some part has no value writes nothing.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from fhir_server.search.folding import fold
from fhir_server.search.hashing import hash64, token_text
from fhir_server.search.types import date, number, quantity, reference, string, token, uri
from fhir_server.search.types.escapes import split
from fhir_server.search.types.values import CompositeValue, ReferenceValue, TokenValue, UriValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fhir_server.search.types.entries import Entries
    from fhir_server.search.types.reading import Reading

HASHED = frozenset({"token", "reference", "uri"})
"""The types of parts that are compared by equality alone."""


def is_hashed(part_types: Iterable[str]) -> bool:
    """Whether a composite with parts of these types is answered by hashes alone."""
    return all(part in HASHED for part in part_types)


def wanted(tenant_key: int, code: str, value: CompositeValue) -> tuple[int, ...]:
    """Return the hashes any of which a matching resource has; only where `is_hashed`."""
    return tuple(
        hash64(tenant_key, code, "c", "\x1e".join(forms)) for forms in product(*(_forms(part) for part in value.parts))
    )


def narrowing(tenant_key: int, code: str, value: CompositeValue) -> tuple[int, ...]:
    """Return the hashes any of which every match has; empty where no part is a token."""
    for part in value.parts:
        if isinstance(part, TokenValue):
            return (hash64(tenant_key, code, "c0", token_text(part.system, part.code)),)
    return ()


def _forms(part: object) -> tuple[str, ...]:
    match part:
        case TokenValue():
            return (token_text(part.system, part.code),)
        case ReferenceValue():
            return part.references
        case UriValue():
            return (part.uri,)
        case _:
            raise TypeError(f"{type(part).__name__} is compared by order or text, not by hash")


def parse(reading: Reading, text: str) -> CompositeValue:
    """Read the parts between `$`, each as its own type reads it."""
    parts = split(text, "$")
    components = reading.parameters.components(reading.resource_type, reading.parameter)
    if len(parts) != len(components):
        form = "$".join(component.code for component in components)
        raise reading.refusal(text, f"the value needs {len(components)} parts: {form}")
    return CompositeValue(
        tuple(_PARSERS[part.type](reading.of(part), one) for part, one in zip(components, parts, strict=True))
    )


_PARSERS: dict[str, Callable[[Reading, str], Any]] = {
    "token": token.parse,
    "reference": reference.parse,
    "uri": uri.parse,
    "string": string.parse,
    "number": number.parse,
    "quantity": quantity.parse,
    "date": date.parse,
}


def part_entries(part_type: str, found: Iterable[Any]) -> list[Any]:
    """Return the entries of one part of one element, as v holds them; tokens as they are found."""
    match part_type:
        case "token":
            return [one for one in found if one.forms]
        case "reference":
            return [text for one in found for text in one.texts]
        case "string":
            return [fold(text) for text in found]
        case _:
            return list(found)


def write(entries: Entries, code: str, part_types: Sequence[str], parts: Sequence[list[Any]]) -> None:
    """Write the entries of parameter `code` for one element; nothing where a part has none."""
    if not all(parts):
        return
    if is_hashed(part_types):
        typed = zip(part_types, parts, strict=True)
        for forms in product(*(_all_forms(part) if kind == "token" else part for kind, part in typed)):
            entries.add(code, "c", "\x1e".join(forms))
    else:
        typed = zip(part_types, parts, strict=True)
        entries.keep(code, [_pairs(part) if kind == "token" else part for kind, part in typed])
        if "token" in part_types:
            for form in _all_forms(parts[part_types.index("token")]):
                entries.add(code, "c0", form)
    entries.mark_present(code)


def _all_forms(tokens: Iterable[token.Token]) -> list[str]:
    return [form for one in tokens for form in one.forms]


def _pairs(tokens: Iterable[token.Token]) -> list[list[str]]:
    return [[one.system, one.plain] for one in tokens]
