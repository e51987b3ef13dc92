"""What every request gets, whoever answers it: an id, security headers, CORS, a log line, a count; a fault, a 500.

Pure ASGI: one wrapper around `send`, no task, no stream.

https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from __future__ import annotations

import re
from time import perf_counter
from typing import TYPE_CHECKING

import structlog

from fhir_server.kernel.log import REQUEST_ID
from fhir_server.web.errors import send_fault
from fhir_server.web.exchange import begin_exchange

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from fhir_server.kernel.ids import Ids
    from fhir_server.kernel.metrics import Metrics
    from fhir_server.web.exchange import Exchange

_log = structlog.get_logger("fhir_server.access")

_SAFE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_FAILED = 500
# Links and queries name patients: no Referer may carry them elsewhere.
_ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_EXPOSED = b"ETag, Location, Content-Location, Last-Modified, Preference-Applied, X-Request-Id"
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_TAKEN = (
    b"Accept, Authorization, Content-Encoding, Content-Type, If-Match, If-Modified-Since, If-None-Exist,"
    b" If-None-Match, Prefer, X-Request-Id"
)


class Envelope:
    """The outermost layer."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, ids: Ids, cors_origins: tuple[str, ...] = ()) -> None:
        self._app, self._metrics, self._ids = app, metrics, ids
        self._origins = frozenset(origin.encode() for origin in cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, with everything that is in the module's first sentence."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = perf_counter()
        exchange = begin_exchange(scope, self._request_id(scope))
        token = REQUEST_ID.set(exchange.request_id)
        extra = [*_ALWAYS, (b"x-request-id", exchange.request_id.encode()), *self._cors(scope)]

        async def send_enveloped(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                message["headers"] = [*message.get("headers", ()), *extra]
            await send(message)

        self._metrics.in_flight.inc()
        try:
            await self._answer(scope, receive, send_enveloped, exchange)
        finally:
            self._metrics.in_flight.dec()
            self._report(scope, exchange, perf_counter() - begun)
            REQUEST_ID.reset(token)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, exchange: Exchange) -> None:
        try:
            if scope["method"] == "OPTIONS" and self._is_preflight(scope):
                exchange.interaction = "preflight"
                await _send_preflight(send)
            else:
                await self._app(scope, receive, send)
        except Exception as fault:
            await send_fault(fault, exchange.request_id, _unless_begun(send, exchange))
            if exchange.status and exchange.status != _FAILED:
                raise  # the answer had begun: only the HTTP server can still break it off

    def _request_id(self, scope: Scope) -> str:
        for name, value in scope["headers"]:
            if name == b"x-request-id" and _SAFE_ID.fullmatch(value):
                return bytes(value).decode()
        return self._ids.new()

    def _cors(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        if not self._origins:
            return []
        origin = _header(scope, b"origin")
        if b"*" in self._origins:
            allowed = [(b"access-control-allow-origin", b"*")] if origin else []
        else:
            allowed = [(b"access-control-allow-origin", origin)] if origin in self._origins else []
            allowed.append((b"vary", b"Origin"))
        return [*allowed, (b"access-control-expose-headers", _EXPOSED)] if origin else allowed

    def _is_preflight(self, scope: Scope) -> bool:
        origin = _header(scope, b"origin")
        return bool(_header(scope, b"access-control-request-method")) and (
            origin in self._origins or (bool(origin) and b"*" in self._origins)
        )

    def _report(self, scope: Scope, exchange: Exchange, seconds: float) -> None:
        if not exchange.route:
            exchange.route = str(getattr(scope.get("route"), "path", ""))
        self._metrics.answered(exchange.interaction, exchange.status, seconds)
        _log.info(
            "request",
            method=scope["method"][:16],
            interaction=exchange.interaction,
            route=exchange.route,
            status=exchange.status,
            ms=round(seconds * 1000, 2),
        )


def _header(scope: Scope, wanted: bytes) -> bytes:
    return next((bytes(value) for name, value in scope["headers"] if name == wanted), b"")


def _unless_begun(send: Send, exchange: Exchange) -> Send:
    begun = exchange.status != 0

    async def send_unless_begun(message: Message) -> None:
        if not begun:
            await send(message)

    return send_unless_begun


async def _send_preflight(send: Send) -> None:
    headers = [
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-allow-headers", _TAKEN),
        (b"access-control-max-age", b"600"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
