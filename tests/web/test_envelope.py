"""What every answer has around it: an id, safe headers, CORS, a line in the log, a count."""

from __future__ import annotations

import asyncio

import pytest
import structlog

from fhir_server.kernel.errors import NotFound
from fhir_server.kernel.ids import SequentialIds
from fhir_server.kernel.log import describe_fault
from fhir_server.kernel.metrics import Metrics
from fhir_server.web.envelope import Envelope

SECRET = "Eve Everywoman"


@pytest.fixture
def logged():
    with structlog.testing.capture_logs() as lines:
        yield lines


def test_every_answer_carries_safe_headers(door):
    response = door("GET", "/fhir/Patient/1")
    assert {
        name: response[name] for name in ("x-content-type-options", "referrer-policy", "cache-control", "vary")
    } == {
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "private, no-cache",
        "vary": "Accept, Accept-Encoding",
    }


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("abc-1.2_3", "abc-1.2_3"),
        ("a b", "request-1"),
        ("x" * 65, "request-1"),
        ("", "request-1"),
        ("a\nb", "request-1"),
    ],
)
def test_a_request_id_is_echoed_where_it_is_safe(door, sent, expected):
    assert door("GET", "/fhir/Patient/1", headers=[("x-request-id", sent)])["x-request-id"] == expected
    assert door.desk.contexts[0].request_id == expected


def test_a_fault_says_nothing_but_the_request_id(door, logged):
    door.desk.reply = KeyError(SECRET)
    response = door("GET", "/fhir/Patient/1")
    assert response.status == 500
    assert "request-1" in response.outcome
    assert SECRET not in response.body.decode()
    assert SECRET not in str(logged)
    fault = next(line for line in logged if line["event"] == "fault")
    assert fault["exception"] == "KeyError"
    assert any("conftest.py" in place and "perform" in place for place in fault["at"])


def test_a_fault_is_described_with_its_causes_and_without_messages():
    try:
        try:
            raise ValueError(SECRET)  # noqa: TRY301 - a cause is wanted
        except ValueError as cause:
            raise RuntimeError(SECRET) from cause
    except RuntimeError as fault:
        described = describe_fault(fault)
    assert described["exception"] == "RuntimeError"
    assert described["because"][0].startswith("ValueError at tests/web/test_envelope.py")
    assert SECRET not in str(described)


def test_the_log_holds_the_template_not_the_url(door, logged):
    door("GET", f"/fhir/Patient/12345?name={SECRET.replace(' ', '+')}")
    (line,) = logged
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "interaction": "read",
        "route": "{type}/{id}",
        "status": 200,
    }


def test_requests_are_counted_by_interaction_and_status(door):
    door("GET", "/fhir/Patient/1")
    door("GET", "/fhir/Patient/1")
    door.desk.reply = NotFound("no")
    door("GET", "/fhir/Patient/2")
    exposed = door.metrics.exposition().decode()
    assert 'fhir_server_requests_total{interaction="read",status="200"} 2.0' in exposed
    assert 'fhir_server_requests_total{interaction="read",status="404"} 1.0' in exposed
    assert 'fhir_server_request_seconds_count{interaction="read"} 3.0' in exposed
    assert "fhir_server_requests_in_flight 0.0" in exposed


def test_odd_requests_make_no_labels_of_their_own(door):
    for method, target in (("BREW", "/fhir/Coffee"), ("GET", "/fhir/Patint"), ("GET", "/fhir/Patient/$x")):
        door(method, target)
    exposed = door.metrics.exposition().decode()
    assert {
        line.split('interaction="')[1].split('"')[0] for line in exposed.splitlines() if "requests_total{" in line
    } == {
        "other",
        "operation",
    }


ORIGIN = "https://app.example"
PREFLIGHT = [("origin", ORIGIN), ("access-control-request-method", "PUT")]


def test_without_origins_there_is_no_cors(door):
    response = door("GET", "/fhir/Patient/1", headers=[("origin", ORIGIN)])
    assert response["access-control-allow-origin"] == ""
    assert door("OPTIONS", "/fhir/Patient/1", headers=PREFLIGHT)["access-control-allow-methods"] == ""


@pytest.mark.parametrize(("origins", "allowed"), [((ORIGIN,), ORIGIN), (("*",), "*")])
def test_allowed_origins_may_read_the_answer_and_its_headers(a_door, origins, allowed):
    door = a_door(cors_origins=origins)
    response = door("GET", "/fhir/Patient/1", headers=[("origin", ORIGIN)])
    assert response["access-control-allow-origin"] == allowed
    assert {"ETag", "Location", "Content-Location", "Last-Modified", "Preference-Applied", "X-Request-Id"} == set(
        response["access-control-expose-headers"].split(", ")
    )
    preflight = door("OPTIONS", "/fhir/Patient/1", headers=PREFLIGHT)
    assert (preflight.status, preflight["access-control-allow-origin"]) == (204, allowed)
    assert "PUT" in preflight["access-control-allow-methods"]
    assert "If-None-Exist" in preflight["access-control-allow-headers"]


def test_other_origins_may_not(a_door):
    door = a_door(cors_origins=(ORIGIN,))
    response = door("GET", "/fhir/Patient/1", headers=[("origin", "https://evil.example")])
    assert response["access-control-allow-origin"] == ""
    assert "Origin" in response["vary"]
    evil = [("origin", "https://evil.example"), PREFLIGHT[1]]
    assert door("OPTIONS", "/fhir/Patient/1", headers=evil)["access-control-allow-methods"] == ""


def test_a_fault_beside_the_fhir_surface_is_a_500_too(logged):
    async def broken(scope, receive, send):
        raise ValueError(SECRET)

    sent = []

    async def send(message):
        sent.append(message)

    envelope = Envelope(broken, metrics=Metrics(), ids=SequentialIds())
    asyncio.run(envelope({"type": "http", "method": "GET", "path": "/", "headers": []}, None, send))
    assert sent[0]["status"] == 500
    assert SECRET not in str(sent) + str(logged)


LOCAL = [
    # server, host, status
    (("127.0.0.1", 8000), "localhost:8000", 200),
    (("127.0.0.1", 8000), "127.0.0.1", 200),
    (("::1", 8000), "[::1]:8000", 200),
    (("::ffff:127.0.0.1", 8000), "localhost", 200),
    (("/run/fhir.sock", None), "localhost", 200),
    (None, "localhost", 200),
    (("192.168.1.5", 8000), "localhost:8000", 403),
    (("127.0.0.1", 8000), "192.168.1.5:8000", 403),
    (("127.0.0.1", 8000), "evil.example", 403),
    (("127.0.0.1", 8000), "localhost.evil.example", 403),
    (("127.0.0.1", 8000), "127.0.0.1.evil.example", 403),
    (("::", 8000), "localhost", 403),
]


@pytest.mark.parametrize(("server", "host", "status"), LOCAL)
@pytest.mark.parametrize("path", ["/fhir/Patient/1", "/metrics"])
def test_without_authorization_only_this_machine_is_answered(door, server, host, status, path):
    response = door("GET", path, headers=[("host", host)], server=server)
    assert (response.status == 403) == (status == 403)


def test_insecure_lifts_that(a_door):
    response = a_door(insecure=True)("GET", "/fhir/Patient/1", headers=[("host", "ehr")], server=("10.0.0.1", 80))
    assert response.status == 200


def test_the_own_public_host_is_answered(a_door):
    door = a_door(base_url="https://fhir.example/fhir")
    assert door("GET", "/fhir/Patient/1", headers=[("host", "fhir.example")]).status == 200
