"""A real server on a real socket: what only uvicorn shows."""

from __future__ import annotations

import gzip
import re
import socket
import subprocess
import sys

import httpx
import pytest

from tests.services.fhir_server import ServerProcess, free_port

JSON = {"content-type": "application/fhir+json"}
EVERYWHERE = "0.0.0.0"  # noqa: S104 - that strangers are refused is what is tested
PATIENT = b'{"resourceType":"Patient","name":[{"family":"Eve"}]}'


@pytest.fixture(scope="module", params=[1, 2], ids=["one worker", "two workers"])
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    server = ServerProcess(
        f"sqlite:///{folder / 'fhir.db'}",
        folder / "server.log",
        workers=request.param,
        FHIR_SERVER_LOG_FORMAT="json",
        FHIR_SERVER_MAX_BODY_BYTES="100000",
    )
    server.log = folder / "server.log"
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(server):
    with httpx.Client(base_url=server.url) as client:
        yield client


def raw(server, request: bytes) -> bytes:
    """Send bytes and return the bytes of the answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(request)
        connection.settimeout(10)
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


def test_what_is_written_is_read(client):
    created = client.post("/Patient", content=PATIENT, headers=JSON)
    assert created.status_code == 201
    read = client.get(created.headers["location"])
    assert (read.status_code, read.content) == (200, created.content)
    assert client.head(created.headers["location"]).headers["content-length"] == str(len(read.content))
    assert client.get(created.headers["location"], headers={"if-none-match": 'W/"1"'}).status_code == 304


def test_packed_both_ways(client):
    created = client.post("/Patient", content=gzip.compress(PATIENT), headers={**JSON, "content-encoding": "gzip"})
    assert created.status_code == 201
    for coding in ("gzip", "br"):
        answer = client.get("/metadata", headers={"accept-encoding": coding})
        assert answer.headers["content-encoding"] == coding
        assert answer.json()["resourceType"] == "CapabilityStatement"


def test_paging_links_work_at_every_worker(client):
    for _ in range(6):
        client.post("/Patient", content=PATIENT, headers=JSON)
    for _ in range(6):
        page = client.get("/Patient?_count=2", headers={"connection": "close"}).json()
        following = next(link["url"] for link in page["link"] if link["relation"] == "next")
        assert client.get(following, headers={"connection": "close"}).status_code == 200


def test_metrics_are_those_of_all_workers(client, server):
    for _ in range(20):
        client.get("/Patient/none", headers={"connection": "close"})
    counted = []
    for _ in range(4):
        exposed = httpx.get(server.url.removesuffix("/fhir") + "/metrics").text
        counted.append(float(re.search(r'requests_total{interaction="read",status="404"} (\S+)', exposed)[1]))
    assert min(counted) >= 20


def test_a_body_announced_too_large_is_refused_before_it_is_sent(server):
    answer = raw(
        server,
        b"POST /fhir/Patient HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/fhir+json\r\n"
        b"content-length: 100001\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n",
    )
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"OperationOutcome" in answer


def test_a_chunked_body_over_the_limit_is_refused(server):
    piece = b"%x\r\n%b\r\n" % (60_000, b" " * 60_000)
    answer = raw(
        server,
        b"POST /fhir/Patient HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/fhir+json\r\n"
        b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n" + piece * 2 + b"0\r\n\r\n",
    )
    assert answer.startswith(b"HTTP/1.1 413")


def test_a_stranger_host_name_is_refused(server):
    answer = raw(server, b"GET /fhir/Patient HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403")


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /fhir/Patient/%00 HTTP/1.1", b"400"),
        (b"GET /fhir/Patient/../Observation HTTP/1.1", b"404"),
        (b"GET http://localhost/fhir/metadata HTTP/1.1", b"200"),
        (b"BREW /fhir/Patient HTTP/1.1", b"40"),
        (b"GET /fhir/Patient?" + b"a" * 20_000 + b" HTTP/1.1", b"414"),
    ],
)
def test_odd_request_lines_are_answered(server, line, status):
    answer = raw(server, line + b"\r\nhost: localhost\r\nconnection: close\r\n\r\n")
    assert answer.split(b" ")[1].startswith(status)


def test_the_log_names_no_url_and_no_content(client, server):
    client.get("/Patient?name=Everywoman")
    client.post("/Patient", content=b'{"resourceType":"Patient","name":[{"family":"Everywoman"}],"x":1}', headers=JSON)
    log = server.log.read_text()
    assert '"route":"{type}"' in log
    assert "Everywoman" not in log


def test_it_ends_when_it_is_told_to(tmp_path):
    server = ServerProcess(f"sqlite:///{tmp_path / 'fhir.db'}", tmp_path / "log").start()
    process = server.process
    process.terminate()
    assert process.wait(timeout=15) in {0, -15}
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_uvicorn_alone_cannot_dodge_the_loopback_rule(tmp_path):
    """Bound to every address, it answers who comes over loopback and refuses who comes over another one."""
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {
        "127.0.0.1",
        "127.0.1.1",
    }
    port = free_port()
    environment = {
        "FHIR_SERVER_AUTH": "off",
        "FHIR_SERVER_DATABASE_URL": f"sqlite:///{tmp_path / 'fhir.db'}",
        "PATH": "",
    }
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "--factory",
        "fhir_server.app:from_environment",
        "--host",
        EVERYWHERE,
        "--port",
        str(port),
    ]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        transport = httpx.HTTPTransport(retries=10)
        with httpx.Client(transport=transport) as client:
            assert client.get(f"http://127.0.0.1:{port}/fhir/metadata").status_code == 200
            assert (
                client.get(f"http://127.0.0.1:{port}/fhir/metadata", headers={"host": "ehr.example"}).status_code == 403
            )
            for other in others:
                refused = client.get(f"http://{other}:{port}/fhir/metadata", headers={"host": "localhost"})
                assert refused.status_code == 403
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_without_a_word_on_authorization_uvicorn_does_not_start_it(tmp_path):
    environment = {"FHIR_SERVER_DATABASE_URL": f"sqlite:///{tmp_path / 'fhir.db'}", "PATH": ""}
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "--factory",
        "fhir_server.app:from_environment",
        "--port",
        str(free_port()),
    ]
    ended = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode != 0
    assert "--auth off" in ended.stderr
