"""The worker does what the command line hands it, through a real Redis; importing it opens nothing."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from services import redis
from sqlalchemy import Integer, bindparam, select

from fhir_server.interactions.reindexing import JOB
from fhir_server.kernel.settings import Settings
from fhir_server.store.store import Store
from fhir_server.store.tables import resource_table
from fhir_server.store.versions import Indexed, Statement, Version, Write

SECONDS = 90


@pytest.fixture
def redis_server(tmp_path):
    redis.skip_where_unavailable()
    folder = tmp_path / "redis"
    folder.mkdir()
    server = redis.start(folder)
    yield server
    server.stop()


@pytest.fixture
def environment(database_url, redis_server):
    return {
        **os.environ,
        "FHIR_SERVER_DATABASE_URL": database_url,
        "FHIR_SERVER_REDIS_URL": redis_server.url,
        "FHIR_SERVER_AUTH": "off",
    }


class Worker:
    """A Celery worker in a process group of its own."""

    def __init__(self, environment, folder):
        self.log = folder / "worker.log"
        options = ["--loglevel", "info", "--concurrency", "1", "--without-gossip", "--without-mingle"]
        command = [sys.executable, "-m", "celery", "--app", "fhir_server.worker", "worker", *options]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=environment, cwd=folder, stdout=log, stderr=log, start_new_session=True
            )

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def worker(environment, tmp_path):
    running = Worker(environment, tmp_path)
    yield running
    running.stop()


def result_of(job, redis_url, worker):
    """Wait for the job; return what it returned, or raise what it raised."""
    from celery import Celery

    client = Celery(broker=redis_url, backend=redis_url, set_as_current=False)
    deadline = time.monotonic() + SECONDS
    try:
        result = client.AsyncResult(job)
        while not result.ready():
            assert worker.process.poll() is None, worker.log.read_text()
            assert time.monotonic() < deadline, worker.log.read_text()
            time.sleep(0.1)
        return result.get()
    finally:
        client.close()


async def with_store(database_url, work):
    opened = await Store.open(Settings(database_url=database_url, _env_file=None))
    try:
        return await work(opened.tenant(await opened.tenant_key("default")))
    finally:
        await opened.close()


async def write_unindexed(tenant_store):
    body = b'{"resourceType":"Patient","id":"a","meta":{"versionId":"1"},"active":true,"birthDate":"1970-05-01"}'
    await tenant_store.write([Write(Version("Patient", "a", 1, 1, "PUT", body), Indexed((), {}), 0)])


async def rows(tenant_store):
    table = resource_table("Patient")
    shape = lambda: select(table.c.h, table.c.date_low, table.c.version).where(  # noqa: E731
        table.c.tenant == bindparam("tenant", type_=Integer)
    )
    return await tenant_store.select(Statement("all patients", shape, {}))


def hand_over(environment, *options):
    command = [sys.executable, "-m", "fhir_server", "reindex", "--background", *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return re.search(r"job\s+([0-9a-f-]{36})", done.stderr)[1]


def test_a_job_handed_over_before_the_worker_runs_is_done_by_it(database_url, environment, redis_server, tmp_path):
    asyncio.run(with_store(database_url, write_unindexed))
    job = hand_over(environment)
    running = Worker(environment, tmp_path)
    try:
        assert result_of(job, redis_server.url, running) == 1
    finally:
        running.stop()
    [(tail, date_low, version)] = asyncio.run(with_store(database_url, rows))
    assert tail
    assert date_low == 10_368_000_000_000
    assert version == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_job_that_is_refused_says_why_and_the_worker_goes_on(database_url, environment, redis_server, worker):
    from celery import Celery

    asyncio.run(with_store(database_url, write_unindexed))
    client = Celery(broker=redis_server.url, set_as_current=False)
    refused = client.send_task(JOB, args=["nobody"]).id
    done = client.send_task(JOB, args=["default", ["Patient"]]).id
    client.close()
    with pytest.raises(Exception, match="There is no tenant 'nobody'"):
        result_of(refused, redis_server.url, worker)
    assert result_of(done, redis_server.url, worker) == 1


def test_importing_the_worker_opens_nothing_and_reads_no_settings(tmp_path):
    (tmp_path / ".env").write_text("FHIR_SERVER_LOG_LEVEL=nonsense\n")
    code = (
        "import sys; seen = []\n"
        "def hook(event, args):\n"
        "    if event in {'socket.connect', 'sqlite3.connect', 'subprocess.Popen'}: seen.append(event)\n"
        "    if event == 'open' and (str(args[0]).endswith(('.env', '.db')) or 'profiles' in str(args[0])):\n"
        "        seen.append(args[0])\n"
        "sys.addaudithook(hook)\n"
        "import fhir_server.worker as w\n"
        "assert w.app.main == 'fhir_server'\n"
        "print(seen)"
    )
    environment = {**os.environ, "FHIR_SERVER_REDIS_URL": "redis://127.0.0.1:1/0"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_a_worker_without_redis_says_what_it_needs(tmp_path):
    environment = {**os.environ, "FHIR_SERVER_REDIS_URL": ""}
    command = [sys.executable, "-m", "celery", "--app", "fhir_server.worker", "worker"]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert done.returncode != 0
    assert "FHIR_SERVER_REDIS_URL is empty" in done.stderr + done.stdout
