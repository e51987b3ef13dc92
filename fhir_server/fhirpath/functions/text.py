"""String functions: indexOf, substring, matches, replace, split, encode, escape ….

http://hl7.org/fhirpath/N1/#string-manipulation
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from fhir_server.fhirpath.functions.definition import Function, eager, on_value, value_of
from fhir_server.fhirpath.scope import LONGEST_TEXT, FhirPathEvaluationError
from fhir_server.fhirpath.values import Node, node_of, string

if TYPE_CHECKING:
    from collections.abc import Mapping


_NAMED_GROUP = re.compile(r"\(\?<(?![=!])")
"""`(?<name>` of other languages, which Python writes `(?P<name>`."""


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(_NAMED_GROUP.sub("(?P<", text), re.DOTALL)
    except (re.error, OverflowError, RecursionError) as error:
        raise FhirPathEvaluationError("A regular expression cannot be read") from error


def _substring(nodes: list[Node], start: list[Node], length: list[Node] | None = None) -> list[Node]:
    text = value_of(nodes, str, "substring()")
    first = value_of(start, int, "substring()")
    if text is None or first is None or not 0 <= first < len(text):
        return []
    count = value_of(length, int, "substring()") if length is not None else None
    return string(text[first:] if count is None else text[first : first + max(0, count)])


def _replace(text: str, wanted: str, replacement: str) -> str:
    if len(text) * (len(replacement) + 1) > LONGEST_TEXT:
        raise FhirPathEvaluationError("replace() makes the text too long")
    return text.replace(wanted, replacement)


_GROUP = re.compile(r"\$(\d+|\{\w+\})")


def _replace_matches(text: str, pattern: str, replacement: str) -> str:
    if not pattern:
        return text
    escaped = replacement.replace("\\", "\\\\")
    template = _GROUP.sub(lambda match: rf"\g<{match.group(1).strip('{}')}>", escaped)
    try:
        return _pattern(pattern).sub(template, text)
    except (re.error, IndexError) as error:
        raise FhirPathEvaluationError("replaceMatches() names a group that does not exist") from error


def _join(nodes: list[Node], separator: list[Node] | None = None) -> list[Node]:
    between = value_of(separator or [], str, "join()") or ""
    texts = [value_of([node], str, "join()") for node in nodes]
    return string(between.join(text for text in texts if text is not None)) if nodes else []


def _split(text: str, separator: str) -> list[Node]:
    return [node_of(part) for part in (text.split(separator) if separator else list(text))]


def _encode(text: str, form: str) -> str | None:
    data = text.encode()
    match form:
        case "hex":
            return data.hex()
        case "base64":
            return base64.b64encode(data).decode()
        case "urlbase64":
            return base64.urlsafe_b64encode(data).decode()
    return None


def _decode(text: str, form: str) -> str | None:
    try:
        match form:
            case "hex":
                return bytes.fromhex(text).decode()
            case "base64":
                return base64.b64decode(text, validate=True).decode()
            case "urlbase64":
                return base64.urlsafe_b64decode(text).decode()
    except (ValueError, binascii.Error):
        return None
    return None


def _escape(text: str, form: str) -> str | None:
    if form == "html":
        return html.escape(text)
    return json.dumps(text, ensure_ascii=False)[1:-1] if form == "json" else None


def _unescape(text: str, form: str) -> str | None:
    if form == "html":
        return html.unescape(text)
    if form != "json":
        return None
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return None


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "indexOf": on_value(str, lambda text, part: text.find(part), 1),
        "lastIndexOf": on_value(str, lambda text, part: text.rfind(part), 1),
        "substring": eager(_substring, 1, 2),
        "startsWith": on_value(str, lambda text, part: text.startswith(part), 1),
        "endsWith": on_value(str, lambda text, part: text.endswith(part), 1),
        "contains": on_value(str, lambda text, part: part in text, 1),
        "upper": on_value(str, lambda text: text.upper()),
        "lower": on_value(str, lambda text: text.lower()),
        "replace": on_value(str, _replace, 2),
        "matches": on_value(str, lambda text, pattern: _pattern(pattern).search(text) is not None, 1, 2),
        "matchesFull": on_value(str, lambda text, pattern: _pattern(pattern).fullmatch(text) is not None, 1, 2),
        "replaceMatches": on_value(str, _replace_matches, 2),
        "length": on_value(str, len),
        "toChars": on_value(str, lambda text: [node_of(letter) for letter in text]),
        "split": on_value(str, _split, 1),
        "join": eager(_join, 0, 1),
        "trim": on_value(str, lambda text: text.strip()),
        "encode": on_value(str, _encode, 1),
        "decode": on_value(str, _decode, 1),
        "escape": on_value(str, _escape, 1),
        "unescape": on_value(str, _unescape, 1),
    }
)
