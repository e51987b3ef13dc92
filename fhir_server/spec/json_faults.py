"""Reads JSON slowly and exactly, to say what is wrong with it and where: line, column and FHIR path.

Only text that the fast decoder refused or that looks suspicious comes here.

https://www.rfc-editor.org/rfc/rfc8259 and https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fhir_server.kernel.errors import Malformed

LONGEST_NUMBER = 100
"""Characters a number may have."""

GREATEST_EXPONENT = 999

_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_TOKEN = re.compile(
    r"""
      (?P<string>"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+")
    | (?P<number>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?(?![0-9.eE+-]))
    | (?P<word>(?:true|false|null)(?![A-Za-z0-9]))
    | (?P<mark>[{}\[\],:])
    """,
    re.VERBOSE,
)
_SPACE = re.compile(r"[ \t\r\n]*+")
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_SIMPLE = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_SURROGATES = re.compile("[\ud800-\udfff]")
_SHOWN = 40
_LONGEST_NAME = 64
_OPEN, _COMMA = "{", (",",)


def number_fault(text: str) -> str:
    """Return why a number is refused, "" where it is not: only sizes, the form is right already."""
    if len(text) > LONGEST_NUMBER:
        return f"a number has more than {LONGEST_NUMBER} characters"
    exponent = text.lower().partition("e")[2]
    if exponent and abs(int(exponent)) > GREATEST_EXPONENT:
        return f"a number's exponent is beyond {GREATEST_EXPONENT}"
    return ""


def find_fault(data: bytes, max_depth: int) -> Malformed | None:
    """Return the first thing wrong with the JSON object in `data`, None where there is nothing."""
    if data.startswith(_BOMS):
        return Malformed("The JSON begins with a byte order mark; send plain UTF-8 without one")
    try:
        text = data.decode()
    except UnicodeDecodeError as failure:
        before = data[: failure.start]
        place = _line_and_column(before.decode())
        return Malformed(f"The JSON is not UTF-8 at {place} (byte {failure.start})")
    return _Scan(text, max_depth).fault()


@dataclass(slots=True)
class _Frame:
    """An object or array that is open."""

    is_object: bool
    keys: set[str] = field(default_factory=set)
    key: str = ""
    index: int = 0


class _Fault(Exception):  # noqa: N818 - it never leaves this module
    pass


class _Scan:
    """One reading of a text, token by token, without recursion."""

    def __init__(self, text: str, max_depth: int) -> None:
        self._text = text
        self._max_depth = max_depth
        self._frames: list[_Frame] = []
        self._resource_type = ""
        self._position = 0  # where the token read last begins
        self._end = 0

    def fault(self) -> Malformed | None:
        """Return the first fault."""
        try:
            self._read()
        except _Fault as fault:
            place = self._place()
            where = _line_and_column(self._text[: self._position])
            return Malformed(f"The JSON cannot be read at {where}: {fault}", expression=place)
        return None

    def _read(self) -> None:
        kind, token = self._next()
        if token != _OPEN:
            raise _Fault("it is not an object; a FHIR resource is one" if kind else "there is nothing")
        self._open(token)
        expected = "first"  # first | key | value | after
        while self._frames:
            kind, token = self._next()
            expected = self._take(expected, kind, token)
        if self._next() != ("", ""):
            raise _Fault("there is more text after the end of the object")

    def _take(self, expected: str, kind: str, token: str) -> str:
        """Take one token where `expected` may stand; return what may stand next."""
        frame = self._frames[-1]
        closing = "}" if frame.is_object else "]"
        if token == closing and expected in {"first", "after"}:
            return self._close()
        if expected == "after":
            if token not in _COMMA:
                raise _Fault(f"a comma or {closing} is missing before {_shown(token)}")
            frame.index += 1
            return "key" if frame.is_object else "value"
        if frame.is_object and expected != "value":
            return self._take_key(frame, kind, token)
        return self._take_value(frame, kind, token)

    def _take_key(self, frame: _Frame, kind: str, token: str) -> str:
        if kind != "string":
            raise _Fault(f"the name of a property in double quotes is missing before {_shown(token)}")
        key = self._checked_string(token)
        if key in frame.keys:
            frame.key = key
            raise _Fault(f"the property {_shown(key)} stands twice in one object")
        frame.keys.add(key)
        frame.key = key
        if self._next() != ("mark", ":"):
            raise _Fault(f"a colon is missing after {_shown(token)}")
        return "value"

    def _take_value(self, frame: _Frame, kind: str, token: str) -> str:
        if token in {_OPEN, "["} and kind == "mark":
            self._open(token)
            return "first"
        if kind == "mark" or not kind:
            raise _Fault(f"a value is missing before {_shown(token)}")
        if kind == "number" and (why := number_fault(token)):
            raise _Fault(why)
        if kind == "string":
            value = self._checked_string(token)
            if frame.key == "resourceType" and len(self._frames) == 1:
                self._resource_type = value if value.isalnum() and len(value) <= _SHOWN else ""
        return "after"

    def _open(self, token: str) -> None:
        if len(self._frames) >= self._max_depth:
            raise _Fault(f"it is nested more than {self._max_depth} levels deep")
        self._frames.append(_Frame(is_object=token == _OPEN))

    def _close(self) -> str:
        self._frames.pop()
        return "after"

    def _next(self) -> tuple[str, str]:
        """Return the next token and its kind, ("", "") at the end of the text."""
        start = self._position = self._after_space()
        if start == len(self._text):
            if self._frames:
                raise _Fault("it ends too early")
            return "", ""
        match = _TOKEN.match(self._text, start)
        if match is None:
            raise _Fault(self._strange(start))
        self._end = match.end()
        return match.lastgroup or "", match.group()

    def _after_space(self) -> int:
        space = _SPACE.match(self._text, self._end)
        return space.end() if space else self._end

    def _strange(self, start: int) -> str:
        text = self._text[start : start + _SHOWN]
        for word in ("NaN", "Infinity", "-Infinity"):
            if text.startswith(word):
                return f"{word} is no JSON number"
        if text[0] == '"':
            return "a string has no end, a control character or an escape that JSON does not have"
        if text[0] in "-+.0123456789":
            return "this is not a JSON number"
        return f"{_shown(text[:1])} cannot stand here"

    def _checked_string(self, token: str) -> str:
        value = token[1:-1]
        if "\\" not in value:
            return value
        value = _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else _SIMPLE[m[2]], value)
        value = value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        if _SURROGATES.search(value):
            raise _Fault("a string has half of a surrogate pair (\\ud800 to \\udfff), which is no character")
        if "\x00" in value:
            raise _Fault("a string has the character NUL (\\u0000), which FHIR does not allow")
        return value

    def _place(self) -> str:
        """Return the FHIR path of where the reading stands, "" at the top."""
        place = self._resource_type
        for frame in self._frames:
            if frame.is_object:
                if frame.key.isidentifier() and len(frame.key) <= _LONGEST_NAME:
                    place += f".{frame.key}" if place else frame.key
            else:
                place += f"[{frame.index}]"
        return place if self._resource_type else ""


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…") if text else "the end"


def _line_and_column(before: str) -> str:
    line = before.count("\n") + 1
    return f"line {line}, column {len(before) - before.rfind(chr(10))}"
