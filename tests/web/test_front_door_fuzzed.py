"""Whatever comes in, the front door answers: never a 500, and every refusal is an OperationOutcome.

What was found stays as data in `cases/front_door.toml`.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FOUND = tomllib.loads((Path(__file__).parent / "cases" / "front_door.toml").read_text())["case"]

SEGMENTS = st.one_of(
    st.sampled_from(
        ["", "Patient", "Observation", "patient", "1", "_history", "_search", "*", "metadata", "$everything", "$", "%",
         "%2F", "%00", "%C3%A9", "%FF", "..", ".", "a_b", "é", "{type}", "Resource", "a" * 65, "%24x", "-", "\x7f"]
    ),
    st.text(max_size=8),
)  # fmt: skip
QUERIES = st.one_of(
    st.just(""),
    st.sampled_from(
        ["_format=xml", "_format=json", "_format=", "_format=x", "_pretty=true", "_pretty=", "_format=xml&_format=json",
         "name=%FF", "name=%00", "=", "&", "name", "name=a;b", "%=%", "_format=application/fhir+json"]
    ),
    st.text(max_size=30),
)  # fmt: skip
NAMES = st.sampled_from(
    ["accept", "accept-encoding", "content-type", "content-length", "content-encoding", "host", "if-match", "if-none-match",
     "if-modified-since", "if-none-exist", "prefer", "expect", "origin", "x-request-id", "x-forwarded-host",
     "access-control-request-method", "x-forwarded-proto", "connection", "cookie", "range"]
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        ["", "*", "*/*", "application/fhir+json", "application/fhir+xml", "text/html", "application/json;charset=x", "gzip",
         "br;q=0", ";", ",", "=", '"', 'W/"1"', "W/", "return=minimal", "return=", "100-continue", "0", "-1", "x" * 400,
         "Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 99 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 99999 00:00:00 GMT", "identifier=a|b",
         "a;q=,b", ";q=1", "application/x-www-form-urlencoded", "localhost", "[::1]", "[", "localhost:1:2", "9" * 5000]
    ).map(str.encode),
    st.binary(max_size=20).filter(lambda value: b"\r" not in value and b"\n" not in value),
)  # fmt: skip
BODIES = st.one_of(
    st.sampled_from(
        [b"", b"{", b"[]", b"null", b'{"resourceType":"Patient"}', b'{"resourceType":"Bundle","type":"batch"}', b"\xff\xfe",
         b"\xef\xbb\xbf{}", b"<Patient xmlns='http://hl7.org/fhir'/>", b"<!DOCTYPE x><x/>", b"name=eve", b"\x1f\x8b\x08",
         b"[" * 5000, b'{"a":' * 5000, b'{"a":1e999999999}', b'{"a":"\\ud800"}', b'{"resourceType":{}}',
         b'{"resourceType":"Bundle","type":{}}', b"<a>" * 5000, b"&" * 3000]
    ),
    st.binary(max_size=60),
)  # fmt: skip
TARGETS = st.tuples(
    st.sampled_from(["/fhir", "/t/clinic/fhir", "/t/", "/t/no/fhir"]), st.lists(SEGMENTS, max_size=5), QUERIES
).map(lambda parts: "/".join([parts[0], *parts[1]]).replace("?", "") + ("?" + parts[2] if parts[2] else ""))
METHODS = st.one_of(
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", ""]),
    st.text("ABCxyz", max_size=20),
)


def refuse_bad_answers(response, method):
    assert response.status < 500 or response.status == 501, response.body
    names = [name for name, _ in response.headers]
    assert len(names) == len(set(names) - {"vary"}) + names.count("vary"), names
    assert all(" " <= c <= "~" for _, value in response.headers for c in value)
    if response.status >= 400 and method != "HEAD" and "xml" not in response["content-type"]:
        resource = json.loads(response.body)
        assert resource["resourceType"] == "OperationOutcome"
        assert all(issue["severity"] and issue["code"] and issue["diagnostics"] for issue in resource["issue"])


@given(
    method=METHODS, target=TARGETS, headers=st.lists(st.tuples(NAMES, VALUES), max_size=4),
    body=BODIES, cut=st.integers(0, 60),
)  # fmt: skip
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_anything_is_answered_and_refusals_are_outcomes(door, method, target, headers, body, cut):  # noqa: PLR0917
    door.desk.reply = type(door.desk.reply)(
        status=200, body=b'{"resourceType":"Patient","id":"1"}', version=1, updated=1
    )
    response = door(method, target, headers=headers, chunks=[body[:cut], body[cut:]])
    refuse_bad_answers(response, method)


@pytest.mark.parametrize("case", FOUND, ids=[case["name"] for case in FOUND])
def test_what_fuzzing_found_stays_fixed(door, case):
    response = door(
        case["method"],
        case["target"],
        headers=[(name, value.encode("latin-1")) for name, value in case.get("headers", ())],
        body=case.get("body", "").encode(),
    )
    refuse_bad_answers(response, case["method"])
    assert response.status == case["status"]
