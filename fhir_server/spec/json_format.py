"""JSON as FHIR needs it: decimals keep their digits, and what cannot be read is refused with its place.

The fast way is msgspec; where it fails, or something cheap to see looks wrong (more keys in the text
than in the objects, a NUL, a very long number), `spec.json_faults` reads the text again, exactly.

https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import msgspec

from fhir_server.kernel.errors import Malformed
from fhir_server.spec.json_faults import LONGEST_NUMBER, find_fault, number_fault

_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_SPACE = b" \t\r\n"
_LONG_NUMBER = b"0" * LONGEST_NUMBER
_KEY_END = re.compile(rb'"[ \t\r\n]*:')
_SHORT_NUMBER = 18
"""A number of so few characters without an exponent needs no second look."""


class _SuspiciousNumberError(ValueError):
    pass


def _decimal(text: str) -> Decimal:
    if (len(text) > _SHORT_NUMBER or "e" in text or "E" in text) and number_fault(text):
        raise _SuspiciousNumberError
    return Decimal(text)


_decoder = msgspec.json.Decoder(float_hook=_decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def decode(data: bytes, *, max_depth: int = 64) -> dict[str, Any]:
    """Return the JSON object in `data`: numbers with a fraction or an exponent as Decimal, others as int.

    Raises Malformed, with line and column where they are known.
    """
    try:
        value = _decoder.decode(data)
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError) as failure:
        raise _refusal(data, max_depth, str(failure)) from None
    if type(value) is not dict:
        raise Malformed("The JSON is not an object; a FHIR resource is one")
    if _is_suspicious(data, value, max_depth):
        fault = find_fault(data, max_depth)
        if fault is not None:
            raise fault
    return value


def decode_stored(body: bytes) -> dict[str, Any]:
    """Return the resource in bytes that this server wrote: what `decode` refuses cannot be in them."""
    value: dict[str, Any] = _decoder.decode(body)
    return value


def encode(resource: Any, *, pretty: bool = False) -> bytes:
    """Return compact UTF-8 JSON, or indented where `pretty`: order and the digits of decimals are kept."""
    data = _encoder.encode(resource)
    return msgspec.json.format(data, indent=2) if pretty else data


def _refusal(data: bytes, max_depth: int, failure: str) -> Malformed:
    fault = find_fault(data, max_depth)
    if fault is not None:
        return fault
    return Malformed(f"The JSON cannot be read: {failure}")


def _is_suspicious(data: bytes, value: dict[str, Any], max_depth: int) -> bool:
    """Whether anything hints at what the fast way does not see. Written for speed: false alarms are allowed.

    Where what was read is written again as it was sent, but for white space, nothing was lost: no key stood twice.
    """
    plain = data.translate(_ZEROS, _SPACE)
    if _LONG_NUMBER in plain or (b"\\" in data and b"\\u0000" in data):
        return True
    try:
        again = _encoder.encode(value)
        # Fewer brackets than levels allowed: it cannot be too deep, and need not be indented to see that.
        if again.count(b"{") + again.count(b"[") >= max_depth and _may_be_deep(again, max_depth):
            return True
    except RecursionError:
        return True
    return again.translate(_ZEROS, _SPACE) != plain and len(_KEY_END.findall(data)) != _count_keys(value)


def _may_be_deep(data: bytes, max_depth: int) -> bool:
    """Whether a line of the indented text is so far in; no string can hold a line break."""
    return b"\n" + b" " * max_depth in msgspec.json.format(data, indent=1)


def _count_keys(value: dict[str, Any]) -> int:
    """Return how many members all objects have together."""
    keys = 0
    level: list[Any] = [value]
    while level:
        below: list[Any] = []
        for container in level:
            if type(container) is dict:
                keys += len(container)
                below += [v for v in container.values() if type(v) is dict or type(v) is list]
            else:
                below += [v for v in container if type(v) is dict or type(v) is list]
        level = below
    return keys
