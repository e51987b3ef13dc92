"""Every interaction of R4's table has its place: https://hl7.org/fhir/R4/http.html#summary"""

from __future__ import annotations

import pytest

from fhir_server.interactions.interaction import Interaction

JSON = (("content-type", "application/fhir+json"),)
FORM = (("content-type", "application/x-www-form-urlencoded"),)
PATIENT = {"resourceType": "Patient"}
Q = (("name", "eve"),)

READING = [
    ("/fhir/Patient/1", Interaction(kind="read", resource_type="Patient", id="1")),
    ("/fhir/Patient/1/", Interaction(kind="read", resource_type="Patient", id="1")),
    ("/fhir/Patient/a%2Db", Interaction(kind="read", resource_type="Patient", id="a-b")),
    (
        "/fhir/Patient/1/_history/3",
        Interaction(kind="vread", resource_type="Patient", id="1", version_id="3"),
    ),
    ("/fhir/Patient/1/_history", Interaction(kind="history-instance", resource_type="Patient", id="1")),
    ("/fhir/Patient/_history", Interaction(kind="history-type", resource_type="Patient")),
    ("/fhir/_history", Interaction(kind="history-system")),
    ("/fhir/metadata", Interaction(kind="capabilities")),
    ("/fhir/Patient?name=eve", Interaction(kind="search-type", resource_type="Patient", parameters=Q)),
    ("/fhir/Patient/?name=eve", Interaction(kind="search-type", resource_type="Patient", parameters=Q)),
    ("/fhir?name=eve", Interaction(kind="search-system", parameters=Q)),
    ("/fhir/?name=eve", Interaction(kind="search-system", parameters=Q)),
    (
        "/fhir/Patient?name=e%20v+e&x=%C3%A9&y=",
        Interaction(kind="search-type", resource_type="Patient", parameters=(("name", "e v e"), ("x", "é"), ("y", ""))),
    ),
    (
        "/fhir/Patient/1/Observation?name=eve",
        Interaction(kind="search-compartment", resource_type="Observation", compartment=("Patient", "1"), parameters=Q),
    ),
    (
        "/fhir/Patient/1/*?name=eve",
        Interaction(kind="search-compartment", compartment=("Patient", "1"), parameters=Q),
    ),
]


@pytest.mark.parametrize(("target", "expected"), READING, ids=[target for target, _ in READING])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_get_and_head_ask_for(door, method, target, expected):
    assert door(method, target).status == 200
    assert door.desk.asked == [expected]


WRITING = [
    (
        "POST",
        "/fhir/Patient",
        JSON,
        b'{"resourceType":"Patient"}',
        {"kind": "create", "resource_type": "Patient", "body": PATIENT},
    ),
    (
        "PUT",
        "/fhir/Patient/1",
        JSON,
        b'{"resourceType":"Patient"}',
        {"kind": "update", "resource_type": "Patient", "id": "1", "body": PATIENT},
    ),
    (
        "PUT",
        "/fhir/Patient?name=eve",
        JSON,
        b'{"resourceType":"Patient"}',
        {"kind": "update", "resource_type": "Patient", "parameters": Q, "body": PATIENT},
    ),
    ("DELETE", "/fhir/Patient/1", (), b"", {"kind": "delete", "resource_type": "Patient", "id": "1"}),
    ("DELETE", "/fhir/Patient?name=eve", (), b"", {"kind": "delete", "resource_type": "Patient", "parameters": Q}),
    (
        "POST",
        "/fhir/Patient/_search?name=eve",
        FORM,
        b"_count=2",
        {"kind": "search-type", "resource_type": "Patient", "parameters": (*Q, ("_count", "2"))},
    ),
    (
        "POST",
        "/fhir/Patient/_search?name=eve",
        (),
        b"",
        {"kind": "search-type", "resource_type": "Patient", "parameters": Q},
    ),
    ("POST", "/fhir/_search", FORM, b"name=eve", {"kind": "search-system", "parameters": Q}),
    (
        "POST",
        "/fhir/Patient/1/Observation/_search",
        FORM,
        b"name=eve",
        {
            "kind": "search-compartment",
            "resource_type": "Observation",
            "compartment": ("Patient", "1"),
            "parameters": Q,
        },
    ),
    (
        "POST",
        "/fhir/Patient/1/*/_search",
        FORM,
        b"name=eve",
        {"kind": "search-compartment", "compartment": ("Patient", "1"), "parameters": Q},
    ),
    (
        "POST",
        "/fhir/Patient/1/_search",
        FORM,
        b"name=eve",
        {"kind": "search-compartment", "compartment": ("Patient", "1"), "parameters": Q},
    ),
    *(
        (
            "POST",
            path,
            JSON,
            b'{"resourceType":"Bundle","type":"%b"}' % kind.encode(),
            {"kind": kind, "body": {"resourceType": "Bundle", "type": kind}},
        )
        for kind in ("batch", "transaction")
        for path in ("/fhir", "/fhir/")
    ),
]


@pytest.mark.parametrize(
    ("method", "target", "headers", "body", "expected"), WRITING, ids=[f"{row[0]} {row[1]}" for row in WRITING]
)
def test_other_methods_ask_for(door, method, target, headers, body, expected):  # noqa: PLR0917
    assert door(method, target, headers=headers, body=body).status == 200
    assert door.desk.asked == [Interaction(**expected)]


REFUSED = [
    # method, target, status, words of the outcome
    ("GET", "/fhir/Patint", 404, "did you mean Patient?"),
    ("GET", "/fhir/patient/1", 404, "did you mean Patient?"),
    ("GET", "/fhir/Zzzzzzzz", 404, "no resource type 'Zzzzzzzz' in FHIR R4"),
    ("GET", "/fhir/Resource/1", 404, "no resource type"),
    ("GET", "/fhir/DomainResource/1", 404, "no resource type"),
    ("DELETE", "/fhir/Patint/1", 404, "did you mean"),
    ("GET", "/fhir/Patient/1/Observatio", 404, "did you mean Observation?"),
    ("GET", "/fhir/Observation/1/Patient", 404, "Observation has no compartment"),
    ("GET", "/fhir/Observation/1/*", 404, "Observation has no compartment"),
    ("GET", "/fhir/Patient//1", 404, ""),
    ("GET", "/fhir//Patient", 404, ""),
    ("GET", "/fhir/Patient/1/Observation/2/3", 404, "nothing"),
    ("GET", "/fhir/Patient/1/_history/2/x", 404, "nothing"),
    ("GET", "/fhir/Patient/1%2F2", 404, "cannot be an id"),
    ("GET", "/fhir/Patient/a_b", 404, "cannot be an id"),
    ("GET", "/fhir/Patient/" + "a" * 65, 404, "cannot be an id"),
    ("PUT", "/fhir/Patient/a_b", 400, "cannot be an id"),
    ("GET", "/fhir/Patient/%FF", 400, "UTF-8"),
    ("GET", "/fhir/Patient/%00", 400, "control"),
    ("GET", "/fhir/Patient?name=%FF", 400, "UTF-8"),
    ("GET", "/fhir/Patient?name=a%00b", 400, "U+0000"),
    ("GET", "/fhir/Patient?" + "&" * 3000, 400, "parameters"),
    ("GET", "/fhir/Patient/$everything", 501, "$everything"),
    ("GET", "/fhir/Patient/1/$everything", 501, "$everything"),
    ("POST", "/fhir/$convert", 501, "$convert"),
    ("GET", "/fhir/Patient/$nonsense", 404, "$nonsense"),
    ("PATCH", "/fhir/Patient/1", 501, "PATCH"),
    ("GET", "/t/nowhere/fhir/Patient", 404, "no tenant 'nowhere'"),
    ("GET", "/t/clinic/Patient", 404, "/t/{tenant}/fhir"),
    ("GET", "/t/..%2F/fhir/Patient", 404, ""),
]


@pytest.mark.parametrize(("method", "target", "status", "words"), REFUSED, ids=[f"{r[0]} {r[1][:50]}" for r in REFUSED])
def test_what_is_not_there_is_refused_with_an_outcome(door, method, target, status, words):
    response = door(method, target)
    assert (response.status, door.desk.asked) == (status, [])
    assert words in response.outcome


WRONG_METHOD = [
    ("POST", "/fhir/Patient/1", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
    ("DELETE", "/fhir/metadata", "GET, HEAD, OPTIONS"),
    ("PUT", "/fhir", "GET, POST, HEAD, OPTIONS"),
    ("GET", "/fhir/Patient/_search", "POST, OPTIONS"),
    ("DELETE", "/fhir/Patient/1/_history", "GET, HEAD, OPTIONS"),
    ("TRACE", "/fhir/Patient", "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"),
    ("get", "/fhir/metadata", "GET, HEAD, OPTIONS"),
]


@pytest.mark.parametrize(("method", "target", "allow"), WRONG_METHOD, ids=[f"{r[0]} {r[1]}" for r in WRONG_METHOD])
def test_a_method_that_is_not_for_the_place_gets_405_with_allow(door, method, target, allow):
    response = door(method, target)
    assert (response.status, response["allow"], door.desk.asked) == (405, allow, [])


def test_options_says_which_methods_there_are(door):
    response = door("OPTIONS", "/fhir/metadata")
    assert (response.status, response["allow"], response.body) == (204, "GET, HEAD, OPTIONS", b"")
    nowhere = door("OPTIONS", "/fhir/Patint")
    assert (nowhere.status, "allow" in dict(nowhere.headers)) == (404, False)


BUNDLES = [
    (b"", "no body"),
    (b'{"resourceType":"Patient"}', "takes a Bundle"),
    (b'{"resourceType":"Bundle"}', "Bundle.type is missing"),
    (b'{"resourceType":"Bundle","type":"collection"}', "Bundle.type is 'collection'"),
    (b'{"resourceType":"Bundle","type":["batch"]}', "Bundle.type is"),
]


@pytest.mark.parametrize(("body", "words"), BUNDLES)
def test_the_base_takes_batches_and_transactions_only(door, body, words):
    response = door("POST", "/fhir", headers=JSON, body=body)
    assert response.status == 400
    assert words in response.outcome


def test_each_tenant_has_a_base_of_its_own(door):
    assert door("GET", "/fhir/Patient/1").status == 200
    assert door("GET", "/t/clinic/fhir/Patient/1").status == 200
    assert [(c.tenant.key, c.tenant.name, c.base_url) for c in door.desk.contexts] == [
        (1, "default", "http://localhost:8000/fhir"),
        (2, "clinic", "http://localhost:8000/t/clinic/fhir"),
    ]


@pytest.mark.parametrize("path", ["/", "/fhirx", "/health/live", "/Patient"])
def test_other_paths_are_not_fhir(door, path):
    assert door("GET", path).body == b"not FHIR"


def test_before_the_server_is_ready_it_says_so(door):
    door.surface.use(None)
    response = door("GET", "/fhir/Patient/1")
    assert response.status == 503
    assert "starting" in response.outcome
