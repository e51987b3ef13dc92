"""The `uri` search parameter type: urls, urns, oids and canonicals, compared exactly.

https://hl7.org/fhir/R4/search.html#uri

Written for each uri: (code, "u", uri), for a canonical with and without `|version`;
(code, "b", prefix) for each prefix that ends before a `/` (of the path, and the whole) for `:below`;
v["~" + code] = [min, max] or [only] to sort by. v[code] holds nothing.
`:above` asks for every prefix of the value as an exact uri. A trailing slash does not count for
either, and both mean equality for a urn (R4: they only apply to urls).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_server.search.hashing import hash64
from fhir_server.search.types.escapes import unescape
from fhir_server.search.types.values import UriValue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_server.search.types.entries import Entries
    from fhir_server.search.types.reading import Reading


def prefixes(uri: str) -> tuple[str, ...]:
    """Return `uri` and what is above it, by path segment: `http://a/b/c`, `http://a/b`, `http://a`."""
    text = uri.partition("|")[0].rstrip("/")
    scheme, separator, rest = text.partition("://")
    if not separator:
        return (text,)
    segments = rest.split("/")
    return tuple(f"{scheme}://{'/'.join(segments[:n])}" for n in range(len(segments), 0, -1))


def wanted(tenant_key: int, code: str, value: UriValue, modifier: str = "") -> tuple[int, ...]:
    """Return the hashes any of which a matching resource has; `modifier` "", `below` or `above`."""
    if modifier == "below":
        return (hash64(tenant_key, code, "b", prefixes(value.uri)[0]),)
    if modifier == "above":
        spellings = (s for prefix in prefixes(value.uri) for s in (prefix, prefix + "/"))
        return tuple(hash64(tenant_key, code, "u", uri) for uri in dict.fromkeys((value.uri, *spellings)))
    return (hash64(tenant_key, code, "u", value.uri),)


def parse(reading: Reading, text: str) -> UriValue:
    """Read a uri; white space cannot be part of one."""
    uri = unescape(text)
    if not uri or any(c.isspace() for c in uri):
        raise reading.refusal(text, "a uri holds no white space")
    return UriValue(uri)


def found(_type_name: str, value: Any) -> Iterable[str]:
    """Return the uri of an element's value."""
    return (value,) if isinstance(value, str) else ()


def write(entries: Entries, code: str, uris: Iterable[str]) -> None:
    """Write the entries of parameter `code`."""
    for uri in uris:
        entries.add(code, "u", uri)
        plain, version, _ = uri.partition("|")
        if version:
            entries.add(code, "u", plain)
        for prefix in prefixes(uri):
            entries.add(code, "b", prefix)
        if code not in UNSORTED:
            entries.keep_sort_text(code, uri)
    entries.mark_present(code)


UNSORTED = frozenset({"_profile", "_source"})
"""Uris of the metadata, which nobody sorts by."""
