r"""Cuts FHIRPath text into tokens.

Inside quotes an escape that the grammar does not know (`\d`) is kept as written, because
published invariants hold regular expressions spelled that way.

http://hl7.org/fhirpath/N1/#lexical-elements
"""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST_EXPRESSION = 65_536


class FhirPathSyntaxError(ValueError):
    """The text is not FHIRPath; the message says where."""


class FhirPathSemanticError(FhirPathSyntaxError):
    """The text is FHIRPath, but the types it starts from have no such element, function or order."""


class Token(NamedTuple):
    """`kind`: number, string, word, quoted (delimited identifier), date, datetime, time, special, symbol, end."""

    kind: str
    text: str
    position: int


_TIME = r"\d{2}(?::\d{2}(?::\d{2}(?:\.\d+)?)?)?"
_ZONE = r"(?:Z|[+-]\d{2}:\d{2})"
_TOKENS = re.compile(
    rf"""
      (?P<space>[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/)
    | (?P<datetime>@\d{{4}}(?:-\d{{2}}(?:-\d{{2}})?)?T(?:{_TIME}{_ZONE}?)?)
    | (?P<date>@\d{{4}}(?:-\d{{2}}(?:-\d{{2}})?)?)
    | (?P<time>@T{_TIME})
    | (?P<number>\d+(?:\.\d+)?)
    | (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<quoted>`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*")
    | (?P<special>\$(?:this|index|total)\b)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<symbol><=|>=|!=|!~|[-+*/|&=~<>.,()\[\]{{}}%])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "f": "\f", "\\": "\\", "/": "/", "'": "'", '"': '"', "`": "`"}
_ESCAPED = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)


def tokenise(text: str) -> list[Token]:
    """The tokens of `text`, closed by one of kind `end`."""
    if len(text) > LONGEST_EXPRESSION:
        raise FhirPathSyntaxError(f"The expression is longer than {LONGEST_EXPRESSION} characters")
    tokens = []
    position = 0
    while position < len(text):
        match = _TOKENS.match(text, position)
        if match is None:
            raise FhirPathSyntaxError(f"Cannot read {text[position : position + 10]!r} at position {position + 1}")
        kind = str(match.lastgroup)
        if kind != "space":
            tokens.append(Token(kind, _content(kind, match.group()), position))
        position = match.end()
    tokens.append(Token("end", "", position))
    return tokens


def _content(kind: str, text: str) -> str:
    if kind in ("string", "quoted"):
        return unescape(text[1:-1])
    if kind in ("date", "datetime"):
        return text[1:]
    return text[2:] if kind == "time" else text


def unescape(text: str) -> str:
    """`text` with its backslash escapes replaced."""
    if "\\" not in text:
        return text
    return _ESCAPED.sub(_replacement, text)


def _replacement(match: re.Match[str]) -> str:
    if match.group(1):
        return chr(int(match.group(1), 16))
    return _ESCAPES.get(match.group(2), match.group(0))
