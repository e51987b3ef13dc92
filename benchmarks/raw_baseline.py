"""The raw baseline: what the same stack does with no FHIR at all.

An ASGI handler under the same uvicorn, uvloop and httptools that selects or writes body and version by
key, with the same driver and as many connections. What the server does on top of it is its overhead.
"""

from __future__ import annotations

import os
import uuid
from typing import Any

from psycopg_pool import AsyncConnectionPool

TABLE = """CREATE TABLE IF NOT EXISTS raw (
    type text COLLATE "C", id text COLLATE "C", version int NOT NULL, body bytea, PRIMARY KEY (type, id))"""
READ = "SELECT version, body FROM raw WHERE type = %s AND id = %s"
CREATE = "INSERT INTO raw (type, id, version, body) VALUES (%s, %s, 1, %b)"
UPDATE = "UPDATE raw SET version = version + 1, body = %b WHERE type = %s AND id = %s RETURNING version"
DELETE = "UPDATE raw SET version = version + 1, body = NULL WHERE type = %s AND id = %s"

_pool: AsyncConnectionPool[Any] | None = None


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer GET, POST, PUT and DELETE on /fhir/TYPE/ID."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    method, parts = scope["method"], scope["path"].split("/")
    body = b""
    if method in {"POST", "PUT"}:
        body = await _received(receive)
    status, version, location, answer = await _answer(method, parts, body)
    headers = [(b"content-type", b"application/fhir+json"), (b"content-length", str(len(answer)).encode())]
    headers.append((b"etag", b'W/"%d"' % version))
    if location:
        headers.append((b"location", location.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


async def _answer(method: str, parts: list[str], body: bytes) -> tuple[int, int, str, bytes]:
    assert _pool is not None
    resource_type, id_ = parts[2], parts[3] if len(parts) > 3 else ""
    async with _pool.connection() as connection:
        if method == "GET":
            row = await (await connection.execute(READ, (resource_type, id_), binary=True)).fetchone()
            return (200, row[0], "", row[1]) if row and row[1] else (404, 0, "", b"{}")
        if method == "POST":
            id_ = str(uuid.uuid4())
            await connection.execute(CREATE, (resource_type, id_, body))
            return 201, 1, f"http://raw/fhir/{resource_type}/{id_}/_history/1", body
        if method == "PUT":
            row = await (await connection.execute(UPDATE, (body, resource_type, id_))).fetchone()
            return (200, row[0], "", body) if row else (404, 0, "", b"{}")
        await connection.execute(DELETE, (resource_type, id_))
        return 204, 0, "", b""


async def _received(receive: Any) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _live(receive: Any, send: Any) -> None:
    global _pool  # noqa: PLW0603 - one pool a worker, as long as it lives
    await receive()
    _pool = AsyncConnectionPool(
        os.environ["RAW_DATABASE_URL"],
        min_size=12,
        max_size=12,
        open=False,
        kwargs={"autocommit": True, "prepare_threshold": 1},
    )
    await _pool.open(wait=True)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await _pool.close()
    await send({"type": "lifespan.shutdown.complete"})
