"""HTTP headers, both ways: conditions and preferences in; ETag, Last-Modified, Location out.

https://hl7.org/fhir/R4/http.html#versioning, #concurrency and RFC 7240 (`Prefer`)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from fhir_server.interactions.interaction import Conditions, Preferences
from fhir_server.interactions.preconditions import etag_versions
from fhir_server.kernel.errors import BadRequest
from fhir_server.spec.temporal import format_http_date, parse_http_date

if TYPE_CHECKING:
    from fhir_server.interactions.interaction import Reply

Headers = Mapping[bytes, bytes]
"""Request headers: names in lower case, repeated ones joined with `, ` (RFC 9110, 5.2)."""

_NO_CONDITIONS, _NO_PREFERENCES = Conditions(), Preferences()
_RETURNS = {"minimal": "minimal", "representation": "representation", "operationoutcome": "OperationOutcome"}


def joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return `headers` as a mapping; a header sent several times counts as one list."""
    together: dict[bytes, bytes] = {}
    for name, value in headers:
        together[name] = b"%b, %b" % (together[name], value) if name in together else value
    return together


def text_of(headers: Headers, name: bytes) -> str:
    """Return a header as text, "" where it was not sent. Raises BadRequest for bytes that are no UTF-8."""
    value = headers.get(name)
    if value is None:
        return ""
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise BadRequest(f"The header {name.decode('latin-1')} is not UTF-8") from None


def conditions_from(headers: Headers) -> Conditions:
    """Return what `If-Match`, `If-None-Match`, `If-Modified-Since` and `If-None-Exist` say.

    Raises BadRequest where one of them cannot be understood: a condition is never passed over.
    """
    if not headers.keys() & {b"if-match", b"if-none-match", b"if-modified-since", b"if-none-exist"}:
        return _NO_CONDITIONS
    criteria = text_of(headers, b"if-none-exist").strip().removeprefix("?") if b"if-none-exist" in headers else None
    if criteria is not None and not criteria:
        raise BadRequest("If-None-Exist holds no criteria")
    return Conditions(
        if_match=_etags(headers, b"if-match"),
        if_none_match=_etags(headers, b"if-none-match"),
        if_modified_since=_date(headers, b"if-modified-since"),
        if_none_exist=criteria,
    )


def _etags(headers: Headers, name: bytes) -> str | None:
    if name not in headers:
        return None
    text = text_of(headers, name)
    etag_versions(text)
    return text


def _date(headers: Headers, name: bytes) -> int | None:
    if name not in headers:
        return None
    text = text_of(headers, name)
    try:
        return parse_http_date(text)
    except ValueError:
        raise BadRequest(f"{text[:60]!r} is no HTTP date; write it as 'Sun, 06 Nov 1994 08:49:37 GMT'") from None


def preferences_from(headers: Headers) -> Preferences:
    """Return what `Prefer` says. Preferences that are not known are passed over, as RFC 7240 asks."""
    if b"prefer" not in headers:
        return _NO_PREFERENCES
    text = text_of(headers, b"prefer")
    return _preferences(text) if len(text) <= 200 else _preferences.__wrapped__(text)  # noqa: PLR2004 - what is cached is short


@lru_cache(maxsize=64)
def _preferences(text: str) -> Preferences:
    said: dict[str, str] = {}
    for preference in text.split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        said.setdefault(name.strip().lower(), value.strip().strip('"').lower())  # the first one counts
    return Preferences(
        returning=_RETURNS.get(said.get("return", ""), ""), lenient=said.get("handling", "") == "lenient"
    )


def headers_of(reply: Reply, base_url: str) -> list[tuple[bytes, bytes]]:
    """Return the headers that tell the version, the time and the place of what `reply` holds, and the preference that was followed."""
    headers = []
    if reply.version is not None:
        headers.append((b"etag", b'W/"%d"' % reply.version))
    if reply.updated is not None:
        headers.append((b"last-modified", _http_date(reply.updated // 1_000_000)))
    if reply.location is not None:
        headers.append((b"location", f"{base_url}/{reply.location}".encode()))
    if reply.content_location is not None:
        headers.append((b"content-location", f"{base_url}/{reply.content_location}".encode()))
    if reply.applied:
        headers.append((b"preference-applied", reply.applied.encode()))
    return headers


@lru_cache(maxsize=1024)
def _http_date(seconds: int) -> bytes:
    return format_http_date(seconds * 1_000_000).encode()
