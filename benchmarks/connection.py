"""A keep-alive HTTP/1.1 connection with as little overhead as Python allows: bytes out, status and body back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httptools


@dataclass(slots=True)
class Answer:
    """One response. `location` is the Location header, if any."""

    status: int = 0
    location: bytes = b""
    parts: list[bytes] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        """The content."""
        return b"".join(self.parts)


class Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._answer = Answer()
        self._parser = httptools.HttpResponseParser(self)

    @classmethod
    async def open(cls, host: str, port: int) -> Connection:
        """Connect."""
        _, protocol = await asyncio.get_running_loop().create_connection(cls, host, port)
        return protocol

    async def request(self, data: bytes) -> Answer:
        """Send the bytes of a request and return its response."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        return await self._waiting

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is waiting."""
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionResetError("the server hung up"))

    def on_message_begin(self) -> None:
        """Begin an answer."""
        self._answer = Answer()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep what matters."""
        if name.lower() == b"location":
            self._answer.location = value

    def on_body(self, part: bytes) -> None:
        """Keep the content."""
        self._answer.parts.append(part)

    def on_message_complete(self) -> None:
        """Hand the answer over."""
        self._answer.status = self._parser.get_status_code()
        self._parser = httptools.HttpResponseParser(self)
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(self._answer)


def request_bytes(method: str, path: str, host: str, body: bytes = b"") -> bytes:
    """Return a request as it goes over the wire."""
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept: application/fhir+json\r\n"
    if body or method in {"POST", "PUT"}:
        head += f"Content-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body
