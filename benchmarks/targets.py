"""What is measured: the FHIR server and the raw baseline, each a process tree over a database of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import psycopg

from benchmarks import processes
from benchmarks.corpus import MIXED, Corpus, encoded
from benchmarks.raw_baseline import TABLE

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # the PostgreSQL cluster of tests and benchmarks is one and the same

from services import postgresql  # type: ignore[import-not-found]  # noqa: E402 - after the path is set

if TYPE_CHECKING:
    from benchmarks.load_generator import Job


class Cluster(Protocol):
    """A running PostgreSQL (`tests/services/postgresql.py`)."""

    def new_database(self) -> str:
        """Create an empty database and return its URL."""
        ...

    def server_pid(self) -> int:
        """Return the process id of the postmaster."""
        ...

    def stop(self) -> None:
        """Stop it."""
        ...


WORKERS = 2
CLUSTER = {"shared_buffers": "512MB", "max_wal_size": "4GB", "log_min_messages": "warning"}
START_SECONDS = 60


def start_cluster() -> Cluster:
    """Start a PostgreSQL of our own: fsync and synchronous commit on, as in production."""
    cluster: Cluster = postgresql.start(CLUSTER)
    return cluster


@dataclass
class Target:
    """A running server: `cold_start` is how long it took from the start of the process to the first 200."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    database_url: str
    cold_start: float

    def stop(self) -> None:
        """End it, and wait for it."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def worker_memory(self) -> dict[str, float]:
        """Return RSS and PSS of the largest worker in MB."""
        return max((processes.memory_of(pid) for pid in processes.tree_of(self.process.pid)), key=lambda m: m["rss_mb"])


def start_server(database_url: str, log: Path, workers: int = WORKERS) -> Target:
    """Start the FHIR server."""
    port = int(postgresql.free_port())
    environment = {
        "FHIR_SERVER_DATABASE_URL": database_url,
        "FHIR_SERVER_AUTH": "off",
        "FHIR_SERVER_LOG_LEVEL": "error",
    }
    command = ["-m", "fhir_server", "serve", "--auth", "off", "--port", str(port), "--workers", str(workers)]
    return _started("fhir", command, environment, f"http://127.0.0.1:{port}/fhir/metadata", port, database_url, log)


def start_raw(database_url: str, log: Path, workers: int = WORKERS) -> Target:
    """Start the raw baseline under the same uvicorn."""
    port = int(postgresql.free_port())
    with psycopg.connect(database_url) as connection:
        connection.execute(TABLE)
    command = ["-m", "uvicorn", "benchmarks.raw_baseline:app", "--port", str(port), "--workers", str(workers)]
    command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "error"]
    command += ["--no-proxy-headers", "--no-server-header"]  # as `fhir-server serve` has it
    url = f"http://127.0.0.1:{port}/fhir/none/none"
    return _started("raw", command, {"RAW_DATABASE_URL": database_url}, url, port, database_url, log)


def _started(  # noqa: PLR0917 - one caller each
    name: str, command: list[str], environment: dict[str, str], url: str, port: int, database_url: str, log: Path
) -> Target:
    began = time.perf_counter()
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *command], env={**os.environ, **environment}, stdout=output, stderr=output, cwd=ROOT
        )
    while not _answers(url):
        if process.poll() is not None or time.perf_counter() - began > START_SECONDS:
            process.kill()
            raise RuntimeError(f"{name} did not start:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.01)
    return Target(name, port, process, database_url, time.perf_counter() - began)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own loopback address
            return True
    except urllib.error.HTTPError as answer:
        return answer.code == 404
    except OSError:
        return False


def fill_raw(target: Target, corpus: Corpus) -> None:
    """Put the corpus into the raw table."""
    copied = "COPY raw (type, id, version, body) FROM STDIN"
    with psycopg.connect(target.database_url) as connection, connection.cursor().copy(copied) as copy:
        for resource_type in MIXED:
            for resource in corpus.by_type[resource_type]:
                copy.write_row((resource_type, resource["id"], 1, encoded(resource)))


def drive(target: Target, cluster: Cluster, job: Job) -> dict[str, Any]:
    """Run a job against a target in a process of its own; add CPU milliseconds a request, server and database apart."""
    before = processes.cpu_seconds(target.process.pid), processes.cpu_seconds(cluster.server_pid())
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.load_generator"],
        input=json.dumps(asdict(job)).encode(),
        stdout=subprocess.PIPE,
        check=True,
        cwd=ROOT,
    )
    after = processes.cpu_seconds(target.process.pid), processes.cpu_seconds(cluster.server_pid())
    result: dict[str, Any] = json.loads(ran.stdout)
    sent = max(result["sent"], 1)
    result["server_cpu_ms"] = (after[0] - before[0]) * 1000 / sent
    result["database_cpu_ms"] = (after[1] - before[1]) * 1000 / sent
    return result
