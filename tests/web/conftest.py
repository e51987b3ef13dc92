"""The front door over a front desk that only notes what it is asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from fhir_server.interactions.interaction import Interaction, Reply
from fhir_server.kernel.ids import SequentialIds
from fhir_server.kernel.metrics import Metrics
from fhir_server.kernel.settings import Settings
from fhir_server.spec.packages import load_definitions
from fhir_server.web.envelope import Envelope
from fhir_server.web.exposure import LoopbackOnly
from fhir_server.web.surface import FhirSurface


@dataclass
class Response:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def __getitem__(self, name: str) -> str:
        return ", ".join(value for key, value in self.headers if key == name)

    @property
    def outcome(self) -> str:
        import json

        resource = json.loads(self.body)
        assert resource["resourceType"] == "OperationOutcome"
        return resource["issue"][0]["diagnostics"]


@dataclass
class Desk:
    """Stands where `perform` stands: keeps what it was asked, answers what it was told to."""

    reply: Reply | Exception = field(default_factory=lambda: Reply(status=200, resource={"resourceType": "Basic"}))
    asked: list[Interaction] = field(default_factory=list)
    contexts: list[Any] = field(default_factory=list)
    seconds: float = 0

    async def perform(self, interaction: Interaction, context: Any) -> Reply:
        self.asked.append(interaction)
        self.contexts.append(context)
        await asyncio.sleep(self.seconds)
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


async def nothing_else(scope, receive, send):
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"not FHIR"})


class Tenants:
    async def tenant_key(self, name):
        return {"default": 1, "clinic": 2}.get(name)


DEFINITIONS = load_definitions()


class Door:
    """The whole front door, called without a socket, so that anything can be sent."""

    def __init__(self, **settings: Any) -> None:
        self.desk = Desk()
        self.settings = Settings(**{"auth": "off", "_env_file": None, **settings})
        self.metrics = Metrics()
        self.surface = FhirSurface(nothing_else, self.desk.perform)
        self.surface.use(SimpleNamespace(settings=self.settings, definitions=DEFINITIONS, store=Tenants()))
        app = self.surface if self.settings.insecure else LoopbackOnly(self.surface, base_url=self.settings.base_url)
        self.app = Envelope(
            app, metrics=self.metrics, ids=SequentialIds("request"), cors_origins=self.settings.cors_origins
        )

    async def call(self, method: str, target: str, *, headers=(), body=b"", chunks=None, **scope) -> Response:
        raw, _, query = (target.encode() if isinstance(target, str) else target).partition(b"?")
        from urllib.parse import unquote

        pieces = list(chunks) if chunks is not None else [body]
        sent = [
            {"type": "http.request", "body": piece, "more_body": i + 1 < len(pieces)} for i, piece in enumerate(pieces)
        ]
        given = [
            (name.lower().encode(), value.encode() if isinstance(value, str) else value) for name, value in headers
        ]
        if not any(name == b"host" for name, _ in given):
            given.insert(0, (b"host", b"localhost:8000"))
        received: list[Any] = []

        async def receive():
            return sent.pop(0) if sent else {"type": "http.disconnect"}

        async def send(message):
            received.append(message)

        await self.app(
            {
                "type": "http",
                "http_version": "1.1",
                "method": method,
                "scheme": "http",
                "path": unquote(raw.decode("latin-1")),
                "raw_path": raw,
                "query_string": query,
                "headers": given,
                "server": ("127.0.0.1", 8000),
                "client": ("127.0.0.1", 50000),
                **scope,
            },
            receive,
            send,
        )
        start, *rest = received
        return Response(
            start["status"],
            [(name.decode(), value.decode()) for name, value in start["headers"]],
            b"".join(message.get("body", b"") for message in rest),
        )

    def __call__(self, method: str, target: str, **more: Any) -> Response:
        return asyncio.run(self.call(method, target, **more))


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def a_door() -> type[Door]:
    return Door
