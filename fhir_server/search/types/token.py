"""The `token` search parameter type: codes, identifiers, contact points, booleans.

https://hl7.org/fhir/R4/search.html#token

Written for each value (system, code):

    (code, "t", "value")          any system
    (code, "t", "system|value")   that system; "|value" where the value has none
    (code, "t", "system|")        anything of that system
                                  (of a parameter whose elements never have a system only the first: see below)
    (code, "o", "typesystem|typecode|value")   an identifier with a type, for :of-type
    v[code + ":text"]             folded texts: CodeableConcept.text, Coding.display, Identifier.type.text
    v["~" + code] = [min, max] or [only]   the plain codes, to sort by

Values are compared exactly (case matters): R4 leaves case to the code system, and nearly all mind it.
Elements of type `code`, `boolean`, `string`, `uri`, `id` and ContactPoint have no system of their own. Where all
elements of a parameter are such (`SearchParameters.bare_tokens`) the parser turns `|value` into `value`, and
`system|value` too when the required binding (for booleans: the special values) implies that system.
`:not` holds for resources that have none of the values, so also for those without the parameter.
`:text` is a string search (begins with, accents and case aside) on the texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fhir_server.search.folding import fold
from fhir_server.search.hashing import hash64, token_text
from fhir_server.search.types import string
from fhir_server.search.types.entries import PRIMITIVES
from fhir_server.search.types.escapes import split, unescape
from fhir_server.search.types.values import OfTypeValue, TokenValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fhir_server.search.types.entries import Entries
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
            return _checked(reading, text, TokenValue(None, code))
        case [system, code] if system or code:
            return _checked(reading, text, _without_implied_system(reading, TokenValue(system, code or None)))
        case _:
            raise reading.refusal(text, r"a token is written code, system|code, |code or system| (a | inside is \|)")


_OF_TYPE_PARTS = 3


def _checked(reading: Reading, text: str, value: TokenValue) -> TokenValue:
    """Refuse for a boolean what is none; of a code that does not exist nothing is found (R4: a logical condition)."""
    if value.code in {"true", "false", None} or not reading.parameters.is_boolean(
        reading.resource_type, reading.parameter
    ):
        return value
    raise reading.refusal(text, "this is true or false")


def _without_implied_system(reading: Reading, value: TokenValue) -> TokenValue:
    pairs = reading.parameters.bare_tokens(reading.resource_type, reading.parameter)
    implied = pairs is not None and (
        value.system == "" or (value.system, value.code) in pairs or (value.system, "") in pairs
    )
    return TokenValue(None, value.code) if implied else value


@dataclass(frozen=True, slots=True)
class Token:
    """A token as found in a resource: its forms for hashing, its texts, its type with value, its code and system."""

    forms: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()
    plain: str = ""
    system: str = ""


def found(type_name: str, value: Any) -> Iterable[Token]:
    """Return the tokens of an element's value."""
    reader = _FOUND.get(type_name)
    return reader(value) if reader else ()


def write(entries: Entries, code: str, tokens: Iterable[Token], *, bare: bool = False) -> None:
    """Write the entries of parameter `code`; `bare` where none of its elements has a system of its own."""
    for token in tokens:
        for form in token.forms[:1] if bare else token.forms:
            entries.add(code, "t", form)
        for text in token.texts:
            entries.keep(code + ":text", fold(text))
        for typed in token.typed:
            entries.add(code, "o", typed)
        if token.plain and code not in UNSORTED:
            entries.keep_sort_text(code, token.plain)
    entries.mark_present(code)


UNSORTED = frozenset({"_tag", "_security"})
"""Tokens on every resource that nobody sorts by."""


def _forms(system: Any, value: Any) -> tuple[str, ...]:
    if not isinstance(value, str) or not value:
        return (token_text(system, None),) if system else ()
    if not system:
        return token_text(None, value), token_text("", value)
    return token_text(None, value), token_text(system, value), token_text(system, None)


def _coding(value: dict[str, Any]) -> list[Token]:
    display, code = value.get("display"), value.get("code")
    system = value.get("system") or ""
    return [Token(_forms(system, code), (display,) if display else (), (), code or "", system)]


def _codeable_concept(value: dict[str, Any]) -> list[Token]:
    tokens = [token for coding in value.get("coding", ()) for token in _coding(coding)]
    text = value.get("text")
    return [*tokens, Token(texts=(text,))] if text else tokens


def _identifier(value: dict[str, Any]) -> list[Token]:
    text, kind = value.get("value"), value.get("type") or {}
    codings = kind.get("coding", ()) if text else ()
    typed = tuple(f"{c.get('system', '')}|{c['code']}|{text}" for c in codings if c.get("code"))
    texts = (kind["text"],) if kind.get("text") else ()
    system = value.get("system") or ""
    return [Token(_forms(system, text), texts, typed, text or "", system)]


def _plain(value: Any) -> list[Token]:
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    return [Token(_forms(None, text), (), (), text)]


def _contact_point(value: dict[str, Any]) -> list[Token]:
    return _plain(value["value"]) if value.get("value") else []


_FOUND: dict[str, Callable[[Any], list[Token]]] = {
    "Coding": _coding,
    "CodeableConcept": _codeable_concept,
    "Identifier": _identifier,
    "ContactPoint": _contact_point,
    **dict.fromkeys(PRIMITIVES, _plain),
}
