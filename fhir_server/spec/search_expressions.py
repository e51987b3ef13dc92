"""Picks the parts of a search parameter's expression that speak of one resource type.

Many R4 parameters serve several types with one expression, joined by `|`
(`AllergyIntolerance.code | Condition.code | (DeviceRequest.code as CodeableConcept)`).

https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.expression
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|[A-Za-z_%$@][\w.]*|[()\[\]{}|]|!?[=~]|[<>]=?|\S")
_LOOSER_THAN_UNION = frozenset(
    {"=", "!=", "~", "!~", "<", ">", "<=", ">=", "and", "or", "xor", "implies", "in", "contains"}
)
_HEAD = re.compile(r"[\s(]*([A-Z]\w*)\b(?!\()")


def part_for(expression: str, is_a: Callable[[str], bool], is_type: Callable[[str], bool]) -> str:
    """Return the union of the parts of `expression` that apply, "" where none does.

    A part applies when the type it begins with is one the resource has (`is_a`: its own name or a
    parent's), or when it begins with no type's name at all (`is_type`).
    """
    kept = []
    for part in union_parts(expression):
        head = _HEAD.match(part)
        if head is None or not is_type(head[1]) or is_a(head[1]):
            kept.append(part)
    return " | ".join(kept)


def union_parts(expression: str) -> list[str]:
    """Return the operands of the outermost `|`; all in one where a looser operator stands outside it."""
    parts, begin = [], 0
    for word, start in _outermost(expression):
        if word in _LOOSER_THAN_UNION:
            return [expression.strip()]
        if word == "|":
            parts.append(expression[begin:start].strip())
            begin = start + 1
    last = expression[begin:].strip()
    return [*parts, last] if last else parts


def _outermost(expression: str) -> Iterator[tuple[str, int]]:
    """Yield the tokens that stand in no brackets, with their positions."""
    depth = 0
    for match in _TOKEN.finditer(expression):
        token = match[0]
        if token in {"(", "[", "{"}:
            depth += 1
        elif token in {")", "]", "}"}:
            depth -= 1
        elif depth == 0:
            yield token, match.start()
