"""A Redis server of our own for tests: a free loopback port, nothing on disk."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

START_SECONDS = 30


def why_unavailable() -> str:
    """Return why a server cannot be started here, "" where it can."""
    return "" if shutil.which("redis-server") else "no redis-server on this machine"


def skip_where_unavailable() -> None:
    """Skip the test by name, or fail it where services are required."""
    reason = why_unavailable()
    if reason and os.environ.get("FHIR_TEST_REQUIRE_SERVICES") == "1":
        pytest.fail(f"Redis is required: {reason}")
    if reason:
        pytest.skip(f"Redis: {reason}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class RedisServer:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(folder: Path) -> RedisServer:
    """Start a server whose folder is `folder`. The caller stops it."""
    port = free_port()
    options = {"port": port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": folder}
    command = ["redis-server", *(str(word) for name, value in options.items() for word in (f"--{name}", value))]
    with (folder / "redis.log").open("wb") as log:
        server = RedisServer(port, subprocess.Popen(command, stdout=log, stderr=log))
    deadline = time.monotonic() + START_SECONDS
    while not server.answers():
        if server.process.poll() is not None or time.monotonic() > deadline:
            server.stop()
            raise RuntimeError(f"Redis did not start:\n{(folder / 'redis.log').read_text()}")
        time.sleep(0.05)
    return server
