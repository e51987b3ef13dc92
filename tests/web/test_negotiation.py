"""Formats are chosen as R4 and RFC 9110 say: https://hl7.org/fhir/R4/http.html#mime-type"""

from __future__ import annotations

import gzip
import json

import brotli
import pytest

from fhir_server.interactions.interaction import Reply
from fhir_server.kernel.errors import Refusal
from fhir_server.web.negotiation import encoding_for, format_of_body, negotiate

FHIR_JSON, FHIR_XML = "application/fhir+json; charset=utf-8", "application/fhir+xml; charset=utf-8"
FOR_PEOPLE = "application/json; charset=utf-8"
CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
JAVA = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"

ACCEPT = [
    ("", FHIR_JSON),
    ("*/*", FHIR_JSON),
    ("*", FHIR_JSON),
    ("application/*", FHIR_JSON),
    ("application/fhir+json", FHIR_JSON),
    ("Application/FHIR+JSON", FHIR_JSON),
    ("application/json", FHIR_JSON),
    ("text/json", FHIR_JSON),
    ("application/json+fhir", FHIR_JSON),
    ("application/fhir+xml", FHIR_XML),
    ("application/xml", FHIR_XML),
    ("text/xml", FHIR_XML),
    ("application/xml+fhir", FHIR_XML),
    ("application/fhir+xml, application/fhir+json", FHIR_XML),
    ("application/fhir+xml;q=0.5, application/fhir+json;q=0.8", FHIR_JSON),
    ("application/fhir+xml;q=0.5, */*;q=0.8", FHIR_JSON),
    ("*/*, application/fhir+xml", FHIR_XML),
    ("application/fhir+json;q=0, */*", FHIR_XML),
    ("application/pdf, application/fhir+xml;q=0.1", FHIR_XML),
    ("application/fhir+json; fhirVersion=4.0", "application/fhir+json; fhirVersion=4.0; charset=utf-8"),
    ('application/fhir+xml; fhirVersion="4.0"', "application/fhir+xml; fhirVersion=4.0; charset=utf-8"),
    ("application/fhir+json; fhirVersion=5.0, application/fhir+xml; q=0.1", FHIR_XML),
    ("application/fhir+json; charset=utf-8", FHIR_JSON),
    ("text/html", FOR_PEOPLE),
    (CHROME, FOR_PEOPLE),
    (JAVA, FOR_PEOPLE),
    ("application/fhir+json," + " " * 400, FHIR_JSON),
]


@pytest.mark.parametrize(("accept", "expected"), ACCEPT, ids=[a[:60] or "nothing" for a, _ in ACCEPT])
def test_accept_chooses(accept, expected):
    assert negotiate(accept, ()).content_type.decode() == expected


PARAMETER = [
    ("json", FHIR_JSON),
    ("application/fhir+json", FHIR_JSON),
    ("application/fhir json", FHIR_JSON),
    ("application/json", FHIR_JSON),
    ("text/json", FHIR_JSON),
    ("xml", FHIR_XML),
    ("text/xml", FHIR_XML),
    ("application/xml", FHIR_XML),
    ("application/fhir+xml", FHIR_XML),
    ("application/fhir xml", FHIR_XML),
    ("html", FOR_PEOPLE),
    ("text/html", FOR_PEOPLE),
    ("JSON", FHIR_JSON),
    ("", FHIR_XML),
]


@pytest.mark.parametrize(("value", "expected"), PARAMETER)
def test_format_wins_over_accept(value, expected):
    assert negotiate("application/fhir+xml", (("_format", value),)).content_type.decode() == expected


NOT_ACCEPTABLE = [
    ("application/pdf", (), 406),
    ("application/fhir+json;q=0", (), 406),
    ("application/fhir+json;q=0, application/fhir+xml;q=0, */*", (), 406),
    ("application/fhir+json; fhirVersion=3.0", (), 406),
    ("application/fhir+turtle", (), 406),
    ("", (("_format", "ttl"),), 406),
    ("", (("_format", "application/fhir+json; fhirVersion=3.0"),), 406),
    ("application/fhir+json;q=much", (), 400),
    ("application/fhir+json;q=nan", (), 400),
    ("application/fhir+json;q=2", (), 400),
    ("", (("_pretty", "perhaps"),), 400),
]


@pytest.mark.parametrize(("accept", "pairs", "status"), NOT_ACCEPTABLE)
def test_what_cannot_be_made_is_refused(accept, pairs, status):
    with pytest.raises(Refusal) as refusal:
        negotiate(accept, pairs)
    assert refusal.value.http_status == status


CONTENT_TYPE = [
    ("application/fhir+json", "json"),
    ("application/json", "json"),
    ("text/json", "json"),
    ("application/json;charset=UTF-8", "json"),
    ('application/fhir+json; charset="utf-8"; fhirVersion=4.0', "json"),
    ("application/fhir+xml", "xml"),
    ("text/xml", "xml"),
    ("application/xml", "xml"),
    ("", None),
    ("text/plain", None),
    ("application/fhir+json; charset=iso-8859-1", None),
    ("application/fhir+json; charset=utf-16", None),
    ("application/fhir+json; fhirVersion=3.0", None),
    ("application/json, application/xml", None),
    ("application/x-www-form-urlencoded", None),
    ("a" * 301, None),
]


@pytest.mark.parametrize(("content_type", "expected"), CONTENT_TYPE)
def test_content_type_says_how_a_body_is_read(content_type, expected):
    if expected is None:
        with pytest.raises(Refusal) as refusal:
            format_of_body(content_type)
        assert refusal.value.http_status == 415
    else:
        assert format_of_body(content_type) == expected


ENCODING = [
    ("", ""),
    ("gzip", "gzip"),
    ("br", "br"),
    ("gzip, deflate, br", "br"),
    ("br;q=0.5, gzip", "gzip"),
    ("gzip;q=0", ""),
    ("*", "br"),
    ("identity", ""),
    ("*;q=0", ""),
    ("br;q=0, *", "gzip"),
    ("gzip;q=x", ""),
    ("deflate", ""),
]


@pytest.mark.parametrize(("accepted", "expected"), ENCODING)
def test_accept_encoding_chooses(accepted, expected):
    assert encoding_for(accepted) == expected


STORED = b'{"resourceType":"Basic","id":"1","extension":[{"url":"http://example.org","valueDecimal":1.10}]}'


def test_stored_json_passes_through_unchanged(door):
    door.desk.reply = Reply(status=200, body=STORED)
    response = door("GET", "/fhir/Basic/1")
    assert (response.body, response["content-type"]) == (STORED, FHIR_JSON)
    assert response["content-length"] == str(len(STORED))


def test_pretty_json_keeps_the_digits(door):
    door.desk.reply = Reply(status=200, body=STORED)
    body = door("GET", "/fhir/Basic/1?_pretty=true").body
    assert b"\n" in body
    assert b": 1.10" in body
    assert json.loads(body) == json.loads(STORED)


def test_a_browser_gets_json_it_shows(door):
    door.desk.reply = Reply(status=200, body=STORED)
    response = door("GET", "/fhir/Basic/1", headers=[("accept", CHROME)])
    assert response["content-type"] == FOR_PEOPLE
    assert b"\n" in response.body


LARGE = Reply(status=200, body=b'{"resourceType":"Basic","language":"' + b"x" * 2000 + b'"}')


@pytest.mark.parametrize(("coding", "unpack"), [("gzip", gzip.decompress), ("br", brotli.decompress)])
def test_large_answers_are_packed(door, coding, unpack):
    door.desk.reply = LARGE
    response = door("GET", "/fhir/Basic/1", headers=[("accept-encoding", coding)])
    assert response["content-encoding"] == coding
    assert unpack(response.body) == LARGE.body
    assert len(response.body) == int(response["content-length"]) < 2000
    assert "Accept-Encoding" in response["vary"]


def test_small_answers_are_not_packed(door):
    assert door("GET", "/fhir/Basic/1", headers=[("accept-encoding", "gzip")])["content-encoding"] == ""


@pytest.mark.parametrize("accept_encoding", ["", "br", "gzip"])
def test_head_has_the_headers_of_get_and_no_body(door, accept_encoding):
    door.desk.reply = LARGE
    headers = [("accept-encoding", accept_encoding)]
    get, head = door("GET", "/fhir/Basic/1", headers=headers), door("HEAD", "/fhir/Basic/1", headers=headers)
    assert head.body == b""
    assert {k: v for k, v in head.headers if k != "x-request-id"} == {
        k: v for k, v in get.headers if k != "x-request-id"
    }


def test_refusals_come_in_the_format_asked_for(door):
    response = door("GET", "/fhir/Patint", headers=[("accept", "application/fhir+xml")])
    assert (response.status, response["content-type"]) == (404, FHIR_XML)
    assert response.body.startswith(b"<")


def test_a_refused_accept_is_answered_in_json(door):
    response = door("GET", "/fhir/Patient/1", headers=[("accept", "image/png")])
    assert (response.status, response["content-type"]) == (406, FHIR_JSON)
    assert "application/fhir+json" in response.outcome
