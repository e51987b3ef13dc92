"""A real `fhir-server serve` in a process of its own, on a free loopback port; it can be killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

from tests.services.postgresql import free_port

if TYPE_CHECKING:
    from pathlib import Path


class ServerProcess:
    """`url` is its FHIR base; `kill()` is `kill -9` of the server and its workers."""

    def __init__(self, database_url: str, log: Path, *, workers: int = 1, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/fhir"
        self._log, self._workers = log, workers
        self._environment = {
            **os.environ,
            "FHIR_SERVER_DATABASE_URL": database_url,
            "FHIR_SERVER_AUTH": "off",
            "FHIR_SERVER_LINK_SECRET": "tests",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> ServerProcess:
        command = [
            sys.executable,
            "-m",
            "fhir_server",
            "serve",
            "--port",
            str(self.port),
            "--workers",
            str(self._workers),
        ]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )
        self._wait()
        return self

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(self.url.removesuffix("/fhir") + "/health/ready", timeout=1):
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"the server did not start:\n{self._log.read_text()[-4000:]}")

    def kill(self) -> None:
        """End the whole process group at once, as a power cut would."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, number)
            self.process.wait(timeout=20)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None
