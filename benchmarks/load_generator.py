"""The load generator: a process of its own that keeps so many connections busy and counts what comes back.

`python -m benchmarks.load_generator` reads a job as JSON from its input and writes the result as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import uvloop

from benchmarks.connection import Connection
from benchmarks.corpus import Corpus
from benchmarks.crud import MIXES, Crud, Request
from benchmarks.imports import bundle_requests
from benchmarks.searches import Search

if TYPE_CHECKING:
    from collections.abc import Iterator


SEARCHES_AHEAD = 50
"""Searches drawn beforehand, a second and connection."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to do. `seconds` bounds workloads that never end; `import` ends with its Bundles."""

    workload: str
    port: int
    patients: int
    seed: int = 1
    seconds: float = 8.0
    warm_up: float = 1.0
    connections: int = 16
    folder: str = ""
    repeat: int = 0


@dataclass(slots=True)
class Result:
    """What came of it. `requests` and `seconds` without the warm-up, `sent` with it."""

    sent: int = 0
    requests: int = 0
    resources: int = 0
    seconds: float = 0.0
    wrong: Counter[str] = field(default_factory=Counter)
    latencies: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


class Workload(Protocol):
    """Makes the requests of one connection."""

    def next(self) -> Request | None:
        """Return the next request, None where there is none left."""
        ...


class _Shared:
    """Requests that all connections draw from, until there are none."""

    def __init__(self, requests: Iterator[Request]) -> None:
        self._requests = requests

    def next(self) -> Request | None:
        return next(self._requests, None)


async def run(job: Job) -> Result:
    """Keep the connections busy for as long as the job says."""
    host = f"127.0.0.1:{job.port}"
    workloads = _workloads(job, host)
    connections = [await Connection.open("127.0.0.1", job.port) for _ in workloads]
    result = Result()
    began = time.perf_counter()
    counted = began + job.warm_up
    until = counted + job.seconds
    await asyncio.gather(*(_drive(c, w, result, counted, until) for c, w in zip(connections, workloads, strict=True)))
    result.seconds = time.perf_counter() - counted
    for connection in connections:
        connection.close()
    return result


def _workloads(job: Job, host: str) -> list[Workload]:
    if job.workload == "import":
        shared = _Shared(iter(bundle_requests(job.patients, job.seed, job.folder, host)))
        return [shared] * job.connections
    corpus = Corpus(job.patients, job.seed)
    if job.workload in MIXES:
        return [Crud(job.workload, corpus, (n, job.connections), host, job.repeat) for n in range(job.connections)]
    ahead = int((job.seconds + job.warm_up) * SEARCHES_AHEAD)
    return [Search(corpus, n, host, ahead, job.repeat) for n in range(job.connections)]


async def _drive(connection: Connection, workload: Workload, result: Result, counted: float, until: float) -> None:
    clock = time.perf_counter
    while (before := clock()) < until:
        request = workload.next()
        if request is None:
            return
        before = clock()
        answer = await connection.request(request.data)
        took = clock() - before
        wrong = request.check(answer)
        result.sent += 1
        if wrong:
            result.wrong[wrong] += 1
        elif before >= counted:
            result.requests += 1
            result.resources += request.resources
            result.latencies[request.label].append(took)


def summary(result: Result) -> dict[str, Any]:
    """Return the result as JSON has it: rates, and percentiles in milliseconds."""
    everything = sorted(took for latencies in result.latencies.values() for took in latencies)
    return {
        "sent": result.sent,
        "requests": result.requests,
        "seconds": result.seconds,
        "per_second": result.requests / result.seconds,
        "resources_per_second": result.resources / result.seconds,
        "wrong": sum(result.wrong.values()),
        "wrong_examples": dict(result.wrong.most_common(8)),
        **_percentiles(everything),
        "kinds": {
            label: {"requests": len(took), **_percentiles(sorted(took))} for label, took in result.latencies.items()
        },
    }


def _percentiles(ordered: list[float]) -> dict[str, float]:
    if not ordered:
        return {}
    return {f"p{p}": round(ordered[min(len(ordered) * p // 100, len(ordered) - 1)] * 1000, 3) for p in (50, 95, 99)}


def main() -> None:
    """Run the job on the input."""
    job = Job(**json.load(sys.stdin))
    result = uvloop.run(run(job))
    json.dump({"job": asdict(job), **summary(result)}, sys.stdout)


if __name__ == "__main__":
    main()
