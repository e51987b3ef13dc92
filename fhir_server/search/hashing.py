"""Hashes of the search index: one signed 64-bit number stands for "this parameter has this value".

Parts are joined by U+001F, which no FHIR string may hold; the tenant is the seed, so it is inside every hash.
The forms (first part is always the parameter's code; each resource type has its own table):

    ("t")  token            (code, "t", token_text(system, value))   see `search/types/token.py`
    ("o")  token of a type  (code, "o", "type system|type code|value")
    ("r")  identity         ("r", "Patient/1"): XORed with ("p", code) it is the entry of a reference parameter
    ("u")  uri              (code, "u", uri)
    ("b")  uri below        (code, "b", prefix by path segment)
    ("s")  string, exact    (code, "s", text as it is)
    ("f")  string, first    (code, "f", first three characters of the folded text)
    ("c")  composite        (code, "c", form of part 1 + U+001E + form of part 2 …)
    ("c0") composite        (code, "c0", form of the narrowing part)
    ("m")  presence         (code, "m"): the parameter has at least one value
"""

from __future__ import annotations

from xxhash import xxh3_64_intdigest

_SIGN = 1 << 63
_RANGE = 1 << 64


def hash64(tenant_key: int, *parts: str) -> int:
    """Return the signed 64-bit hash of `parts`, with the tenant as its seed."""
    value: int = xxh3_64_intdigest("\x1f".join(parts).encode(), tenant_key)
    return value - _RANGE if value >= _SIGN else value


def identity(tenant_key: int, reference: str) -> int:
    """Return the hash an instance is known by (`Patient/1`, or an absolute url): the column `rh`."""
    return hash64(tenant_key, "r", reference)


def reference_mask(tenant_key: int, code: str) -> int:
    """Return the number that turns an identity into the entry of parameter `code` (by XOR, both ways)."""
    return hash64(tenant_key, "p", code)


def reference_entry(tenant_key: int, code: str, reference: str) -> int:
    """Return the entry "parameter `code` points to `reference`"."""
    return identity(tenant_key, reference) ^ reference_mask(tenant_key, code)


def presence(tenant_key: int, code: str) -> int:
    """Return the entry "parameter `code` has a value"."""
    return hash64(tenant_key, code, "m")


def token_text(system: str | None, value: str | None) -> str:
    """Return the text of a token in hashes: `value` (any system), `system|value`, `|value`, `system|`.

    A `|` inside the value is escaped, so that a bare value is never taken for a system and a value.
    """
    escaped = (value or "").replace("|", "\\|")
    return escaped if system is None else f"{system}|{escaped}"
