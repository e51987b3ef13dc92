"""No acknowledged write is ever lost, and none is there in part: after kill -9 of the writer, of a backend, of the
writer of several.

The checks read the database with plain drivers (`consistency.py`).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from services import postgresql

from tests.store.consistency import disagreements, rows

ROOT = Path(__file__).parents[2]
KILLS = 6
LONGEST_START = 30


class Writer:
    """`crash_writer.py` in a process of its own."""

    def __init__(self, database_url: str, seed: int, folder: Path) -> None:
        self._output = folder / f"acknowledged-{seed}"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.store.crash_writer", database_url, str(seed)], stdout=output, cwd=ROOT
            )

    def lines(self) -> list[str]:
        """What it said, whole lines only."""
        return self._output.read_text().split("\n")[:-1]

    def wait_for(self, count: int) -> None:
        """Wait until it acknowledged that many."""
        deadline = time.monotonic() + LONGEST_START
        while len(self.lines()) < count:
            assert self.process.poll() is None, "the writer ended by itself"
            assert time.monotonic() < deadline, f"only {len(self.lines())} lines"
            time.sleep(0.01)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def refuse_if_lost_or_partial(database_url: str, lines: list[str]) -> None:
    """Fail unless all that was acknowledged is stored, and each set and unit whole or absent."""
    assert disagreements(database_url) == []
    types = dict(rows(database_url, "SELECT number, name FROM resource_type"))
    stored = Counter(
        (types[t], i, v) for t, i, v in rows(database_url, "SELECT resource_type, id, version FROM change")
    )
    assert set(stored.values()) <= {1}
    groups = Counter(id_.rpartition("-")[0] for (_, id_, _) in stored if id_.startswith(("set-", "unit-")))
    assert set(groups.values()) <= {5}
    for line in lines:
        kind, _, rest = line.partition(" ")
        if kind == "single":
            id_, version = rest.split()
            assert stored["Patient", id_, int(version)], line
        elif kind in {"set", "unit"}:
            assert groups[rest] == 5, line


@pytest.fixture(scope="module")
def durable_cluster(request):
    """A cluster that keeps its promises (fsync on), for this module to hurt."""
    request.getfixturevalue("postgresql_cluster")  # skips, or fails, where there is no PostgreSQL
    cluster = postgresql.start({"fsync": "on"})
    yield cluster
    cluster.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def durable_url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'fhir.db'}"
    return request.getfixturevalue("durable_cluster").new_database()


def test_kill_9_of_the_writer_leaves_all_or_nothing(durable_url, tmp_path):
    chance = random.Random(20)
    lines = []
    for seed in range(KILLS):
        writer = Writer(durable_url, seed, tmp_path)
        try:
            writer.wait_for(20)
            time.sleep(chance.uniform(0, 0.25))
        finally:
            writer.kill()
        lines += writer.lines()
        refuse_if_lost_or_partial(durable_url, lines)
    assert {line.split()[0] for line in lines} >= {"single", "set", "unit"}


def test_kill_9_of_one_of_several_writers_leaves_the_others_writing(durable_url, tmp_path):
    writers = [Writer(durable_url, seed, tmp_path) for seed in (100, 101, 102)]
    try:
        for writer in writers:
            writer.wait_for(10)
        writers[0].kill()
        for writer in writers[1:]:
            writer.wait_for(len(writer.lines()) + 30)
    finally:
        for writer in writers:
            writer.kill()
    lines = [line for writer in writers for line in writer.lines()]
    assert "lost" not in lines
    refuse_if_lost_or_partial(durable_url, lines)


def terminated(cluster: postgresql.Cluster, backend: int) -> None:
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", [backend])


def killed(_cluster: postgresql.Cluster, backend: int) -> None:
    os.kill(backend, signal.SIGKILL)


@pytest.mark.parametrize("hurt", [terminated, killed])
def test_a_postgresql_backend_that_dies_takes_no_acknowledged_write_with_it(durable_cluster, tmp_path, hurt):
    """The writer goes on by itself. kill -9 of one backend makes PostgreSQL drop all and recover."""
    database_url = durable_cluster.new_database()
    question = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    writer = Writer(database_url, 7, tmp_path)
    chance = random.Random(7)
    try:
        writer.wait_for(20)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.02, 0.2))
            with psycopg.connect(durable_cluster.url()) as connection:
                backends = [r[0] for r in connection.execute(question, [database_url.rpartition("/")[2]])]
            hurt(durable_cluster, chance.choice(backends))
            writer.wait_for(len(writer.lines()) + 40)
    finally:
        writer.kill()
    lines = writer.lines()
    assert "lost" in lines
    refuse_if_lost_or_partial(database_url, lines)
