"""What a request may not exceed before it is looked at: the length of its URL, the size of its headers.

RFC 9110, sections 10.1.1 (`Expect`) and 15.5.15; RFC 6585, section 5 (431)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.kernel.errors import ExpectationFailed, HeadersTooLarge, UriTooLong

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

    from fhir_server.kernel.settings import Settings

MAX_HEADERS = 100
MAX_HEADER_BYTES = 32_768


def refuse_oversized(scope: Scope, settings: Settings) -> None:
    """Raise UriTooLong or HeadersTooLarge over the limits."""
    if len(scope.get("raw_path") or scope["path"]) + len(scope.get("query_string", b"")) > settings.max_url_length:
        raise UriTooLong(f"The URL is longer than {settings.max_url_length} bytes; search with POST [type]/_search")
    headers = scope["headers"]
    if len(headers) > MAX_HEADERS or sum([len(name) + len(value) for name, value in headers]) > MAX_HEADER_BYTES:
        raise HeadersTooLarge(f"The headers are more than {MAX_HEADERS}, or more than {MAX_HEADER_BYTES} bytes")


def refuse_expectation(headers: Mapping[bytes, bytes]) -> None:
    """Raise ExpectationFailed for an `Expect` other than `100-continue`, which the HTTP server answers itself."""
    expected = headers.get(b"expect")
    if expected is not None and expected.strip().lower() != b"100-continue":
        raise ExpectationFailed("Expect takes 100-continue and nothing else")
