"""Bodies are read with limits, and what is wrong with them is said: never a 500."""

from __future__ import annotations

import gzip

import pytest

from fhir_server.interactions.interaction import Reply

JSON = ("content-type", "application/fhir+json")
PATIENT = b'{"resourceType":"Patient"}'


def test_a_body_may_come_in_pieces(door):
    door("POST", "/fhir/Patient", headers=[JSON], chunks=[PATIENT[:5], b"", PATIENT[5:]])
    assert door.desk.asked[0].body == {"resourceType": "Patient"}


def test_a_body_may_come_packed_with_gzip(door):
    packed = gzip.compress(PATIENT[:9], mtime=0) + gzip.compress(PATIENT[9:])
    door("POST", "/fhir/Patient", headers=[JSON, ("content-encoding", "gzip")], chunks=[packed[:7], packed[7:]])
    assert door.desk.asked[0].body == {"resourceType": "Patient"}


def test_an_empty_body_is_none(door):
    door("POST", "/fhir/Patient")
    assert door.desk.asked[0].body is None


REFUSED = [
    # headers, body, status, words
    ([JSON], b"{", 400, ""),
    ([JSON], b"[]", 400, "object"),
    ([JSON], b"\xff", 400, ""),
    ([JSON], b'{"a":NaN}', 400, ""),
    ([JSON], b'{"a":1,"a":2}', 400, ""),
    ([], PATIENT, 415, "no Content-Type"),
    ([("content-type", "text/plain")], PATIENT, 415, "text/plain"),
    ([("content-type", "application/fhir+json; charset=utf-16")], PATIENT, 415, "UTF-8"),
    ([JSON, ("content-encoding", "br")], PATIENT, 415, "gzip"),
    ([JSON, ("content-encoding", "gzip")], PATIENT, 400, "gzip"),
    ([JSON, ("content-encoding", "gzip")], gzip.compress(PATIENT, mtime=0)[:-4], 400, "cut off"),
    ([JSON, ("content-encoding", "gzip")], gzip.compress(PATIENT, mtime=0) + b"more", 400, "gzip"),
    ([JSON, ("content-encoding", "gzip")], gzip.compress(b"", mtime=0) * 1001, 400, "members"),
    ([JSON, ("expect", "a miracle")], PATIENT, 417, "100-continue"),
]


@pytest.mark.parametrize(("headers", "body", "status", "words"), REFUSED)
def test_what_cannot_be_read_is_refused(door, headers, body, status, words):
    response = door("POST", "/fhir/Patient", headers=headers, body=body)
    assert (response.status, door.desk.asked) == (status, [])
    assert words in response.outcome


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data", ""])
def test_a_search_by_post_sends_a_form(door, content_type):
    response = door("POST", "/fhir/Patient/_search", headers=[("content-type", content_type)], body=b"name=eve")
    assert response.status == 415


@pytest.mark.parametrize("body", [b"name=%FF", "name=é".encode(), b"name=%00"])
def test_a_form_is_percent_encoded_utf8(door, body):
    headers = [("content-type", "application/x-www-form-urlencoded")]
    assert door("POST", "/fhir/Patient/_search", headers=headers, body=body).status == 400


def test_a_body_over_the_limit_is_refused_before_it_is_read(a_door):
    door = a_door(max_body_bytes=1000)
    response = door("POST", "/fhir/Patient", headers=[JSON, ("content-length", "1001")], chunks=[])
    assert (response.status, response.outcome) == (413, "The body is larger than 1000 bytes")


def test_a_body_over_the_limit_is_refused_as_soon_as_it_is_over(a_door):
    door = a_door(max_body_bytes=1000)
    assert door("POST", "/fhir/Patient", headers=[JSON], chunks=[b" " * 600] * 1_000).status == 413
    assert door("POST", "/fhir/Patient", headers=[JSON], chunks=[b" " * 500 + PATIENT]).status == 200


def test_a_zip_bomb_is_refused_by_what_it_unpacks_to(a_door):
    door = a_door(max_body_bytes=1_000_000)
    bomb = gzip.compress(b" " * 100_000_000, mtime=0)
    assert len(bomb) < 1_000_000
    response = door("POST", "/fhir/Patient", headers=[JSON, ("content-encoding", "gzip")], body=bomb)
    assert response.status == 413


def test_packed_bytes_count_too(a_door):
    headers = [JSON, ("content-encoding", "gzip")]
    response = a_door(max_body_bytes=1000)(
        "POST", "/fhir/Patient", headers=headers, chunks=[gzip.compress(b"", mtime=0)] * 100
    )
    assert response.status == 413


def test_a_client_that_leaves_in_the_middle_is_no_fault(door):
    response = door("POST", "/fhir/Patient", headers=[JSON], chunks=[])
    assert response.status == 400


def test_a_long_url_is_refused(a_door):
    response = a_door(max_url_length=300)("GET", "/fhir/Patient?name=" + "e" * 300)
    assert response.status == 414
    assert "_search" in response.outcome


@pytest.mark.parametrize("headers", [[("x", "y")] * 101, [("x", "y" * 40_000)]])
def test_many_or_long_headers_are_refused(door, headers):
    assert door("GET", "/fhir/Patient/1", headers=headers).status == 431


def test_a_request_that_takes_too_long_gets_504(a_door):
    door = a_door(request_timeout=0.01)
    door.desk.seconds = 5
    response = door("GET", "/fhir/Patient/1")
    assert response.status == 504
    assert "0.01 seconds" in response.outcome


def test_a_timeout_within_is_a_fault_of_ours(door):
    door.desk.reply = TimeoutError("inside")
    assert door("GET", "/fhir/Patient/1").status == 500


def test_get_leaves_the_body_alone(door):
    door.desk.reply = Reply(status=200, body=PATIENT)
    assert door("GET", "/fhir/Patient/1", body=b"whatever").status == 200
