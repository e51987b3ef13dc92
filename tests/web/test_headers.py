"""Headers in and out: https://hl7.org/fhir/R4/http.html#versioning, #concurrency, #ops, RFC 7240"""

from __future__ import annotations

import pytest

from fhir_server.interactions.interaction import Conditions, Preferences, Reply
from fhir_server.kernel.errors import Gone

US = 1_767_225_600_123_000  # 2026-01-01T00:00:00.123Z

CONDITIONS = [
    ([], Conditions()),
    ([("if-match", 'W/"3"')], Conditions(if_match='W/"3"')),
    ([("if-none-match", "*")], Conditions(if_none_match="*")),
    ([("if-none-match", 'W/"1"'), ("if-none-match", 'W/"2"')], Conditions(if_none_match='W/"1", W/"2"')),
    ([("if-modified-since", "Thu, 01 Jan 2026 00:00:00 GMT")], Conditions(if_modified_since=1_767_225_600_000_000)),
    ([("if-none-exist", "identifier=a|b")], Conditions(if_none_exist="identifier=a|b")),
    ([("if-none-exist", " ?identifier=a|b")], Conditions(if_none_exist="identifier=a|b")),
    ([("if-none-exist", "name=é".encode())], Conditions(if_none_exist="name=é")),
]


@pytest.mark.parametrize(("headers", "expected"), CONDITIONS)
def test_conditions_are_read(door, headers, expected):
    assert door("GET", "/fhir/Patient/1", headers=headers).status == 200
    assert door.desk.asked[0].conditions == expected


BAD = [
    ("if-match", "3"),
    ("if-match", 'W/"3'),
    ("if-match", ""),
    ("if-none-match", "abc"),
    ("if-modified-since", "yesterday"),
    ("if-modified-since", "2026-01-01"),
    ("if-none-exist", ""),
    ("if-none-exist", "?"),
    ("if-none-exist", b"\xff"),
    ("accept", b"\xff\xfe"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_conditions_that_cannot_be_understood_are_refused(door, name, value):
    response = door("GET", "/fhir/Patient/1", headers=[(name, value)])
    assert (response.status, door.desk.asked) == (400, [])
    assert response.outcome


PREFER = [
    ([], Preferences()),
    (["return=minimal"], Preferences("minimal")),
    (["return=representation"], Preferences("representation")),
    (["return=OperationOutcome"], Preferences("OperationOutcome")),
    (['Return="minimal"'], Preferences("minimal")),
    (["handling=lenient"], Preferences(lenient=True)),
    (["handling=strict"], Preferences()),
    (["return=minimal, handling=lenient"], Preferences("minimal", lenient=True)),
    (["return=minimal; x=y", "handling=lenient"], Preferences("minimal", lenient=True)),
    (["return=minimal, return=representation"], Preferences("minimal")),
    (["respond-async"], Preferences()),
    (["return=nothing"], Preferences()),
    (["return=minimal," + "x=y," * 100 + "handling=lenient"], Preferences("minimal", lenient=True)),
]


@pytest.mark.parametrize(("values", "expected"), PREFER)
def test_preferences_are_read(door, values, expected):
    door("GET", "/fhir/Patient/1", headers=[("prefer", value) for value in values])
    assert door.desk.asked[0].preferences == expected


def test_an_answer_tells_its_version_time_and_places(door):
    door.desk.reply = Reply(
        status=201,
        body=b"{}",
        version=3,
        updated=US,
        location="Patient/1/_history/3",
        content_location="Patient/1/_history/3",
    )
    response = door("POST", "/fhir/Patient", headers=[("content-type", "application/json")], body=b'{"a":1}')
    assert {name: response[name] for name in ("etag", "last-modified", "location", "content-location")} == {
        "etag": 'W/"3"',
        "last-modified": "Thu, 01 Jan 2026 00:00:00 GMT",
        "location": "http://localhost:8000/fhir/Patient/1/_history/3",
        "content-location": "http://localhost:8000/fhir/Patient/1/_history/3",
    }


def test_304_and_204_have_no_body(door):
    door.desk.reply = Reply(status=304, version=3, updated=US)
    response = door("GET", "/fhir/Patient/1")
    assert (response.status, response.body, response["etag"]) == (304, b"", 'W/"3"')
    assert response["content-type"] == response["content-length"] == ""
    door.desk.reply = Reply(status=204, version=4)
    response = door("DELETE", "/fhir/Patient/1")
    assert (response.status, response.body, response["content-length"], response["etag"]) == (204, b"", "", 'W/"4"')


def test_an_answer_without_content_says_length_zero(door):
    door.desk.reply = Reply(status=201, version=1, location="Patient/1/_history/1")
    response = door("POST", "/fhir/Patient", headers=[("content-type", "application/json")], body=b'{"a":1}')
    assert (response.body, response["content-length"], response["content-type"]) == (b"", "0", "")


def test_a_refusal_has_its_status_and_outcome(door):
    door.desk.reply = Gone("Patient/1 is deleted")
    response = door("GET", "/fhir/Patient/1")
    assert (response.status, response.outcome) == (410, "Patient/1 is deleted")


BASES = [
    # settings, headers, scope, base URL
    ({}, {}, {}, "http://localhost:8000/fhir"),
    ({"base_url": "https://example.org/fhir/"}, {}, {}, "https://example.org/fhir"),
    ({"insecure": True}, {"host": "example.org"}, {}, "http://example.org/fhir"),
    ({"insecure": True}, {"host": "[::1]:8000"}, {}, "http://[::1]:8000/fhir"),
    ({"insecure": True}, {"host": "example.org"}, {"scheme": "https"}, "https://example.org/fhir"),
    (
        {"insecure": True},
        {"x-forwarded-host": "evil.example", "x-forwarded-proto": "https"},
        {},
        "http://localhost:8000/fhir",
    ),
    (
        {"trusted_proxies": ("127.0.0.0/8",)},
        {"x-forwarded-host": "example.org", "x-forwarded-proto": "https"},
        {},
        "https://example.org/fhir",
    ),
    ({"trusted_proxies": ("10.0.0.1",)}, {"x-forwarded-host": "evil.example"}, {}, "http://localhost:8000/fhir"),
    ({"trusted_proxies": ("*",)}, {"x-forwarded-proto": "gopher"}, {}, "http://localhost:8000/fhir"),
]


@pytest.mark.parametrize(("settings", "headers", "scope", "expected"), BASES)
def test_links_begin_with_the_base_url(a_door, settings, headers, scope, expected):
    door = a_door(**settings)
    assert door("GET", "/fhir/Patient/1", headers=headers.items(), **scope).status == 200
    assert door.desk.contexts[0].base_url == expected


def test_a_tenants_base_stands_beside_the_default_one(a_door):
    door = a_door(base_url="https://example.org/fhir")
    door("GET", "/t/clinic/fhir/Patient/1")
    assert door.desk.contexts[0].base_url == "https://example.org/t/clinic/fhir"


def test_the_root_path_of_a_mounted_server_is_part_of_the_base(door):
    response = door("GET", "/health-data/fhir/Patient/1", root_path="/health-data")
    assert (response.status, door.desk.contexts[0].base_url) == (200, "http://localhost:8000/health-data/fhir")


@pytest.mark.parametrize("host", ["evil/path", 'x"onload=', "a b", "", "user@host", "a:b:c", "host:999999"])
def test_a_host_that_is_none_is_refused(a_door, host):
    response = a_door(insecure=True)("GET", "/fhir/Patient/1", headers=[("host", host)])
    assert response.status == 400
    assert "Host" in response.outcome
