"""An ASGI application as an httpx transport, for plain and for asynchronous callers alike.

The application runs in an event loop of its own, on a thread of its own: what it holds (pools, locks)
belongs to that loop, however many loops its callers begin and end.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from concurrent.futures import Future

    from starlette.types import ASGIApp

_T = TypeVar("_T")
_SECONDS_TO_STOP = 10


class OwnLoop:
    """An event loop on a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fhir-server", daemon=True)
        self._thread.start()

    def begin(self, work: Coroutine[Any, Any, _T]) -> Future[_T]:
        """Start `work` in the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run `work` in the loop and wait for it, from any thread but the loop's own."""
        return self.begin(work).result()

    async def run_async(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run `work` in the loop and await it from another loop."""
        return await asyncio.wrap_future(self.begin(work))

    def close(self) -> None:
        """Stop the loop and its thread."""
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS_TO_STOP)
        self._loop.close()


class InProcessTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Hands requests to `app` in `loop`; no socket, no server."""

    def __init__(self, app: ASGIApp, loop: OwnLoop) -> None:
        self._inner, self._loop = httpx.ASGITransport(app, raise_app_exceptions=False), loop

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of `httpx.Client`."""
        return self._loop.run(self._ask(request, request.read()))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of `httpx.AsyncClient`."""
        return await self._loop.run_async(self._ask(request, await request.aread()))

    async def _ask(self, request: httpx.Request, body: bytes) -> httpx.Response:
        headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"transfer-encoding"]
        inner = httpx.Request(request.method, request.url, headers=headers, content=body)
        answer = await self._inner.handle_async_request(inner)
        packed = b"".join([chunk async for chunk in answer.aiter_raw()])
        return httpx.Response(answer.status_code, headers=answer.headers.raw, stream=httpx.ByteStream(packed))
