"""Writing an answer: a Reply in the format that was asked for, packed where that is worth it.

https://hl7.org/fhir/R4/http.html#mime-type
"""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING

import brotli
import msgspec

from fhir_server.spec import json_format, xml_format
from fhir_server.web.headers import headers_of
from fhir_server.web.negotiation import encoding_for

if TYPE_CHECKING:
    from starlette.types import Send

    from fhir_server.interactions.interaction import Reply
    from fhir_server.spec.packages import Definitions
    from fhir_server.web.negotiation import Format

_NO_CONTENT, _NOT_MODIFIED, _UNAVAILABLE = 204, 304, 503
_WORTH_PACKING, _WORTH_A_THREAD = 1024, 262_144
_GZIP_LEVEL, _BROTLI_QUALITY = 1, 3  # measured on searchsets: brotli 3 is smaller and faster than any gzip
# Vary: caches must not give one client's format to another. no-cache: ask again, an ETag makes that cheap.
_ALWAYS = ((b"vary", b"Accept, Accept-Encoding"), (b"cache-control", b"private, no-cache"))


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response: status, headers, and the bytes of the body (None: no body is allowed here)."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes | None


async def answer_with(
    reply: Reply, format_: Format, accept_encoding: str, base_url: str, definitions: Definitions
) -> Answer:
    """Return `reply` as an HTTP response."""
    headers = [*_ALWAYS, *headers_of(reply, base_url)]
    if reply.status in {_NO_CONTENT, _NOT_MODIFIED}:
        return Answer(reply.status, headers, None)
    if reply.status == _UNAVAILABLE:
        headers.append((b"retry-after", b"1"))
    body = written(reply, format_, definitions)
    if not body:
        return Answer(reply.status, headers, b"")
    headers.append((b"content-type", format_.content_type))
    if len(body) >= _WORTH_PACKING:
        encoding = encoding_for(accept_encoding)
        if encoding:
            body = await _packed(body, encoding)
            headers.append((b"content-encoding", encoding.encode()))
    return Answer(reply.status, headers, body)


def written(reply: Reply, format_: Format, definitions: Definitions) -> bytes:
    """Return the content of `reply` in the format, b"" where it has none. Stored JSON passes through as it is."""
    body = reply.body
    if body is None:
        if reply.resource is None:
            return b""
        body = json_format.encode(reply.resource)
    if format_.name == "json":
        return json_format.encode(msgspec.Raw(body), pretty=True) if format_.pretty else body
    return xml_format.encode_xml(json_format.decode_stored(body), definitions, pretty=format_.pretty)


async def _packed(body: bytes, encoding: str) -> bytes:
    pack = _gzip if encoding == "gzip" else _brotli
    return pack(body) if len(body) < _WORTH_A_THREAD else await asyncio.to_thread(pack, body)


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, _GZIP_LEVEL, mtime=0)


def _brotli(body: bytes) -> bytes:
    return bytes(brotli.compress(body, quality=_BROTLI_QUALITY))


async def send_answer(answer: Answer, method: str, send: Send) -> None:
    """Send the response; to HEAD with the same headers and no body."""
    headers = answer.headers
    if answer.body is not None:
        headers = [*headers, (b"content-length", str(len(answer.body)).encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    body = b"" if method == "HEAD" or answer.body is None else answer.body
    await send({"type": "http.response.body", "body": body})
