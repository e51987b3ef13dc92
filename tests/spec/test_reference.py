"""How the text of a reference is taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.spec.reference import Reference, parse_reference

BASE = "https://our.host/fhir"

CASES = [
    ("Patient/1", Reference("local", "Patient", "1", "", "Patient/1")),
    ("Patient/1/_history/2", Reference("local", "Patient", "1", "2", "Patient/1/_history/2")),
    (f"{BASE}/Patient/1", Reference("local", "Patient", "1", "", f"{BASE}/Patient/1")),
    (f"{BASE}/Patient/1#x", Reference("local", "Patient", "1", "", f"{BASE}/Patient/1", "x")),
    ("https://other/fhir/Patient/1", Reference("absolute", "Patient", "1", "", "https://other/fhir/Patient/1")),
    (f"{BASE}2/Patient/1", Reference("absolute", "Patient", "1", "", f"{BASE}2/Patient/1")),
    ("http://terms.org/ValueSet/a|1", Reference("absolute", url="http://terms.org/ValueSet/a|1")),
    ("http://host/x?y=1", Reference("absolute", url="http://host/x?y=1")),
    ("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", Reference("urn", url="urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0")),
    ("#p1", Reference("contained", fragment="p1")),
    ("#", Reference("contained")),
    ("Patient?identifier=a|b", Reference("conditional", "Patient", url="Patient?identifier=a|b")),
    ("1", Reference("other", url="1")),
    ("", Reference("other")),
    ("patient/1", Reference("other", url="patient/1")),
    ("Patient/a b", Reference("other", url="Patient/a b")),
    ("Patient/" + "a" * 65, Reference("other", url="Patient/" + "a" * 65)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text or "nothing" for text, _ in CASES])
def test_a_reference_is_taken_apart(text, expected):
    assert parse_reference(text, BASE) == expected


def test_the_identity_is_type_and_id():
    assert parse_reference(f"{BASE}/Patient/1/_history/2", BASE).identity == "Patient/1"
    assert parse_reference("#p1").identity == ""


@given(st.text() | st.text("aP/#:?|_history.1", max_size=40))
def test_any_text_is_taken_apart_into_some_kind(text):
    kinds = {"local", "absolute", "urn", "contained", "conditional", "other"}

    assert parse_reference(text, BASE).kind in kinds
