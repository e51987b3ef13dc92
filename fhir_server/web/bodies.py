"""Reading a request's body: in pieces and with a limit, unpacked, and decoded into a resource or a form.

https://hl7.org/fhir/R4/http.html#mime-type
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl

from fhir_server.kernel.errors import BadRequest, Malformed, TooCostly, TooLarge, UnsupportedMediaType
from fhir_server.spec import json_format, xml_format
from fhir_server.web.headers import text_of
from fhir_server.web.negotiation import format_of_body, refuse_unless_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive

    from fhir_server.interactions.interaction import Resource
    from fhir_server.kernel.settings import Settings
    from fhir_server.spec.packages import Definitions

_GZIP = 16 + zlib.MAX_WBITS
_MAX_PAIRS = 2000
_MAX_MEMBERS = 1000


class _Unpacker(Protocol):
    def take(self, piece: bytes, room: int) -> bytes: ...
    def refuse_unless_whole(self) -> None: ...


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """Return the body, unpacked. Raises TooLarge as soon as it is over `limit`, packed or unpacked."""
    unpacker = _unpacker_for(headers)
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared[:20]) > limit:
        raise _too_large(limit)
    pieces, received, size = [], 0, 0
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Malformed("The request ended before its body did")
        more, packed = message.get("more_body", False), message.get("body", b"")
        piece = unpacker.take(packed, limit - size)
        received, size = received + len(packed), size + len(piece)
        if max(received, size) > limit:
            raise _too_large(limit)
        pieces.append(piece)
    unpacker.refuse_unless_whole()
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit} bytes")


def _unpacker_for(headers: Mapping[bytes, bytes]) -> _Unpacker:
    coding = text_of(headers, b"content-encoding").strip().lower()
    if coding in {"", "identity"}:
        return _PLAIN
    if coding in {"gzip", "x-gzip"}:
        return _Gzip()
    raise UnsupportedMediaType(f"This server reads bodies plain or packed with gzip, not with {coding[:20]!r}")


class _Plain:
    """A body that is not packed."""

    def take(self, piece: bytes, room: int) -> bytes:  # noqa: ARG002 - the caller measures what comes back
        return piece

    def refuse_unless_whole(self) -> None:
        """Plain bodies have no end mark."""


_PLAIN = _Plain()


class _Gzip:
    """A body packed with gzip, of one or more members; never unpacks more than there is room for."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._members = 0

    def take(self, piece: bytes, room: int) -> bytes:
        """Return what `piece` unpacks to, cut one byte over `room`, which is enough to be refused."""
        unpacked = bytearray()
        try:
            while piece and len(unpacked) <= room:
                self._next_member()
                unpacked += self._member.decompress(piece, room + 1 - len(unpacked))
                piece = self._member.unused_data
        except zlib.error:
            raise Malformed("The body is not what gzip writes") from None
        return bytes(unpacked)

    def refuse_unless_whole(self) -> None:
        """Raise Malformed where the body was cut off."""
        if self._members and not self._member.eof:
            raise Malformed("The gzip body is cut off")

    def _next_member(self) -> None:
        if self._members and not self._member.eof:
            return
        self._member = zlib.decompressobj(_GZIP)
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise TooCostly(f"The gzip body has more than {_MAX_MEMBERS} members")


def resource_from(
    body: bytes, headers: Mapping[bytes, bytes], definitions: Definitions, settings: Settings
) -> Resource | None:
    """Return the resource in `body`, None for an empty body.

    Raises UnsupportedMediaType by the Content-Type, Malformed where it is not what that says.
    """
    if not body:
        return None
    if format_of_body(text_of(headers, b"content-type")) == "json":
        return json_format.decode(body, max_depth=settings.max_depth)
    return xml_format.decode_xml(body, definitions, max_depth=settings.max_depth)


def form_from(body: bytes, headers: Mapping[bytes, bytes]) -> tuple[tuple[str, str], ...]:
    """Return the pairs of a form, none for an empty body. Raises UnsupportedMediaType where it is no form."""
    if not body:
        return ()
    refuse_unless_form(text_of(headers, b"content-type"))
    return pairs_from(body)


def pairs_from(query: bytes) -> tuple[tuple[str, str], ...]:
    """Return the `(name, value)` pairs of a query string or form, decoded, in their order.

    Raises BadRequest for what is not UTF-8 and for the character U+0000, TooCostly for too many.
    """
    if not query:
        return ()
    if query.count(b"&") >= _MAX_PAIRS:
        raise TooCostly(f"The request has more than {_MAX_PAIRS} parameters")
    try:
        pairs = tuple(parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict"))
    except ValueError:
        raise BadRequest("The parameters are not percent-encoded UTF-8") from None
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise BadRequest("A parameter holds the character U+0000")
    return pairs
