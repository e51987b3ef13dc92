"""Every route over HTTP, through the whole house: https://hl7.org/fhir/R4/http.html"""

from __future__ import annotations

import json

import pytest

JSON = {"content-type": "application/fhir+json"}
EVE = {
    "resourceType": "Patient",
    "identifier": [{"system": "http://example.org/mrn", "value": "1"}],
    "name": [{"family": "Eve"}],
}
WEIGHT = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
}


@pytest.fixture
def client(fhir_server):
    fhir_server.client.headers["accept-encoding"] = "identity"
    return fhir_server.client


@pytest.fixture
def eve(client):
    return client.post("/Patient", json=EVE, headers=JSON)


@pytest.fixture
def eves_id(eve):
    return eve.json()["id"]


def test_create_tells_where_the_resource_is(fhir_server, eve):
    assert eve.status_code == 201
    place = f"{fhir_server.url}/Patient/{eve.json()['id']}/_history/1"
    assert (eve.headers["location"], eve.headers["etag"]) == (place, 'W/"1"')
    assert eve.json()["meta"]["versionId"] == "1"


@pytest.mark.parametrize(
    ("prefer", "content"), [("minimal", b""), ("OperationOutcome", b"OperationOutcome"), ("representation", b"Patient")]
)
def test_prefer_says_how_much_comes_back(client, prefer, content):
    answer = client.post("/Patient", json=EVE, headers={**JSON, "prefer": f"return={prefer}"})
    assert answer.status_code == 201
    assert content in answer.content
    assert bool(answer.content) == bool(content)


def test_conditional_create_makes_one(client, eve):
    again = client.post("/Patient", json=EVE, headers={**JSON, "if-none-exist": "identifier=http://example.org/mrn|1"})
    assert (again.status_code, again.json()["id"]) == (200, eve.json()["id"])
    client.post("/Patient", json=EVE, headers=JSON)
    several = client.post(
        "/Patient", json=EVE, headers={**JSON, "if-none-exist": "identifier=http://example.org/mrn|1"}
    )
    assert several.status_code == 412


def test_read_and_head(client, eve, eves_id):
    read = client.get(f"/Patient/{eves_id}")
    assert (read.status_code, read.content, read.headers["etag"]) == (200, eve.content, 'W/"1"')
    head = client.head(f"/Patient/{eves_id}")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == read.headers["content-length"]
    assert client.get("/Patient/none").status_code == 404


@pytest.mark.parametrize(
    ("header", "status"), [('W/"1"', 304), ('"1"', 304), ("*", 304), ('W/"2"', 200), ('W/"7", W/"1"', 304)]
)
def test_conditional_read_by_version(client, eves_id, header, status):
    answer = client.get(f"/Patient/{eves_id}", headers={"if-none-match": header})
    assert answer.status_code == status
    assert answer.headers["etag"] == 'W/"1"'
    assert bool(answer.content) == (status == 200)


def test_conditional_read_by_time(client, eve, eves_id):
    modified = eve.headers["last-modified"]
    assert client.get(f"/Patient/{eves_id}", headers={"if-modified-since": modified}).status_code == 304
    before = {"if-modified-since": "Thu, 01 Jan 2015 00:00:00 GMT"}
    assert client.get(f"/Patient/{eves_id}", headers=before).status_code == 200


def test_update_vread_and_histories(client, eves_id):
    changed = {**EVE, "id": eves_id, "active": True}
    update = client.put(f"/Patient/{eves_id}", json=changed, headers={**JSON, "if-match": 'W/"1"'})
    assert (update.status_code, update.headers["etag"]) == (200, 'W/"2"')
    assert client.put(f"/Patient/{eves_id}", json=changed, headers={**JSON, "if-match": 'W/"1"'}).status_code == 412
    assert "active" not in client.get(f"/Patient/{eves_id}/_history/1").json()
    assert client.get(f"/Patient/{eves_id}/_history/2").json()["active"] is True
    assert client.get(f"/Patient/{eves_id}/_history/3").status_code == 404
    for place in (f"/Patient/{eves_id}/_history", "/Patient/_history", "/_history"):
        history = client.get(place).json()
        assert history["type"] == "history"
        assert [e["response"]["etag"] for e in history["entry"]] == ['W/"2"', 'W/"1"']


def test_update_creates_where_there_is_none(client):
    answer = client.put("/Patient/my-own", json={**EVE, "id": "my-own"}, headers=JSON)
    assert answer.status_code == 201
    assert answer.headers["location"].endswith("/Patient/my-own/_history/1")


def test_conditional_update(client, eves_id):
    answer = client.put(
        "/Patient", params={"identifier": "http://example.org/mrn|1"}, json={**EVE, "active": True}, headers=JSON
    )
    assert (answer.status_code, answer.json()["id"], answer.headers["etag"]) == (200, eves_id, 'W/"2"')


def test_delete_then_gone(client, eves_id):
    assert client.delete(f"/Patient/{eves_id}").status_code == 204
    gone = client.get(f"/Patient/{eves_id}")
    assert (gone.status_code, gone.json()["issue"][0]["code"]) == (410, "deleted")
    assert client.delete(f"/Patient/{eves_id}").status_code == 204
    assert client.get(f"/Patient/{eves_id}/_history/1").status_code == 200


def test_conditional_delete(client, eves_id):
    assert client.delete("/Patient").status_code == 400
    assert client.delete("/Patient?identifier=http://example.org/mrn|1").status_code == 204
    assert client.get(f"/Patient/{eves_id}").status_code == 410


def ids(bundle):
    assert bundle["type"] == "searchset"
    return [entry["resource"]["id"] for entry in bundle.get("entry", []) if entry["search"]["mode"] == "match"]


def test_searches_find(client, eves_id):
    weight = client.post(
        "/Observation", json={**WEIGHT, "subject": {"reference": f"Patient/{eves_id}"}}, headers=JSON
    ).json()["id"]
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert ids(client.get("/Patient?name=eve").json()) == [eves_id]
    assert ids(client.get("/Patient?name=adam").json()) == []
    assert ids(client.post("/Patient/_search", content="name=eve", headers=form).json()) == [eves_id]
    assert ids(client.post("/Patient/_search?name=eve", content="_count=1", headers=form).json()) == [eves_id]
    assert ids(client.get(f"/Patient/{eves_id}/Observation").json()) == [weight]
    assert ids(client.get(f"/Patient/{eves_id}/Observation?code=none").json()) == []
    assert weight in ids(client.get(f"/Patient/{eves_id}/*").json())
    assert ids(client.post(f"/Patient/{eves_id}/Observation/_search", content="code=29463-7", headers=form).json()) == [
        weight
    ]
    assert ids(client.get("?_type=Patient&_id=" + eves_id).json()) == [eves_id]
    assert ids(client.post("/_search", content=f"_type=Patient&_id={eves_id}", headers=form).json()) == [eves_id]


def test_an_unknown_parameter_is_refused_unless_lenient(client, eves_id):
    strict = client.get("/Patient?nmae=eve")
    assert strict.status_code == 400
    assert "name" in strict.json()["issue"][0]["diagnostics"]
    lenient = client.get("/Patient?nmae=adam&name=eve", headers={"prefer": "handling=lenient"}).json()
    assert ids(lenient) == [eves_id]
    assert "nmae" not in next(link["url"] for link in lenient["link"] if link["relation"] == "self")


def test_paging_links_lead_on(client, fhir_server):
    for _ in range(5):
        fhir_server.create(EVE)
    seen, url = [], "/Patient?_count=2"
    while url:
        page = client.get(url).json()
        seen += ids(page)
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
    assert len(seen) == len(set(seen)) == 5


def test_capabilities(client):
    statement = client.get("/metadata").json()
    assert (statement["resourceType"], statement["fhirVersion"]) == ("CapabilityStatement", "4.0.1")


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_bundles(client, kind):
    entries = [
        {"resource": EVE, "request": {"method": "POST", "url": "Patient"}},
        {"request": {"method": "GET", "url": "metadata?_summary=true"}},
    ]
    bundle = {"resourceType": "Bundle", "type": kind, "entry": entries[:1]}
    answer = client.post("", json=bundle, headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (200, f"{kind}-response")
    assert answer.json()["entry"][0]["response"]["status"].startswith("201")


def test_a_refused_transaction_names_the_entry(client):
    entries = [
        {"resource": EVE, "request": {"method": "POST", "url": "Patient"}},
        {"resource": {"resourceType": "Patient", "nonsense": 1}, "request": {"method": "POST", "url": "Patient"}},
    ]
    answer = client.post("", json={"resourceType": "Bundle", "type": "transaction", "entry": entries}, headers=JSON)
    assert answer.status_code == 400
    assert "Bundle.entry[1]" in json.dumps(answer.json())
    assert client.get("/Patient?_total=accurate").json()["total"] == 0


def test_an_invalid_resource_is_refused_at_the_place(client):
    answer = client.post("/Patient", json={**EVE, "gender": "x", "birthDate": "2020-13-01"}, headers=JSON)
    assert answer.status_code in {400, 422}
    assert {"Patient.gender", "Patient.birthDate"} <= {
        e for i in answer.json()["issue"] for e in i.get("expression", [])
    }


def test_xml_both_ways(client):
    sent = '<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>'
    created = client.post(
        "/Patient", content=sent, headers={"content-type": "application/fhir+xml", "accept": "application/fhir+xml"}
    )
    assert created.status_code == 201
    assert created.headers["content-type"] == "application/fhir+xml; charset=utf-8"
    assert '<active value="true"/>' in created.text
    path = created.headers["location"].rpartition("/_history")[0]
    assert client.get(path).json()["active"] is True
    assert '<active value="true"/>' in client.get(path + "?_format=xml").text
    assert client.get("/Patient?_format=xml").text.count("<Patient") == 1
    assert "OperationOutcome" in client.get("/Patient/none?_format=xml").text


@pytest.mark.parametrize(
    "body", ["<", "<!DOCTYPE x [<!ENTITY e 'x'>]><Patient xmlns='http://hl7.org/fhir'>&e;</Patient>"]
)
def test_xml_that_cannot_be_read_is_a_400(client, body):
    answer = client.post("/Patient", content=body, headers={"content-type": "application/fhir+xml"})
    assert (answer.status_code, answer.json()["resourceType"]) == (400, "OperationOutcome")


def test_summary_elements_and_pretty(client, eves_id):
    assert "name" in client.get(f"/Patient/{eves_id}?_summary=true").json()
    assert "name" not in client.get(f"/Patient/{eves_id}?_elements=identifier").json()
    assert b"\n  " in client.get(f"/Patient/{eves_id}?_pretty=true").content


def test_tenants_do_not_see_each_other(fhir_server, eves_id):
    other = fhir_server.create_tenant("clinic")
    client = fhir_server.client
    assert client.get(f"{other}/Patient/{eves_id}").status_code == 404
    created = client.post(f"{other}/Patient", json=EVE, headers=JSON)
    assert created.headers["location"].startswith(other + "/Patient/")
    assert client.get(created.headers["location"].removeprefix(other)).status_code == 404
    assert client.get(created.headers["location"]).status_code == 200


def test_operations_and_patches_are_not_there_yet(client, eves_id):
    assert client.get(f"/Patient/{eves_id}/$everything").status_code == 501
    assert client.patch(f"/Patient/{eves_id}", json=[]).status_code == 501


FORM = {"content-type": "application/x-www-form-urlencoded"}


def test_a_search_by_post_says_its_format_in_the_form(client, eves_id):
    answer = client.post("/Patient/_search", content="name=eve&_format=xml", headers=FORM)
    assert answer.headers["content-type"].startswith("application/fhir+xml")
    assert eves_id in answer.text
    assert client.post("/Patient/_search", content="_format=pdf", headers=FORM).status_code == 406
    assert b"\n  " in client.post("/Patient/_search", content="_pretty=true", headers=FORM).content


@pytest.mark.parametrize("prefer", ["minimal", "representation", "OperationOutcome"])
def test_the_preference_that_was_followed_is_told(client, prefer):
    headers = {**JSON, "prefer": f"return={prefer}"}
    assert client.post("/Patient", json=EVE, headers=headers).headers["preference-applied"] == f"return={prefer}"
    bundle = {"resourceType": "Bundle", "type": "transaction"}
    assert client.post("", json=bundle, headers=headers).headers["preference-applied"] == f"return={prefer}"
    assert "preference-applied" not in client.post("/Patient", json=EVE, headers=JSON).headers


def test_xml_is_indented_where_that_is_asked_for(client, eves_id):
    assert '\n  <id value="' in client.get(f"/Patient/{eves_id}?_format=xml&_pretty=true").text


def test_the_capability_statement_is_valid_and_claims_no_more_than_is_done(client):
    from fhir_server.spec.packages import load_definitions
    from fhir_server.validator.validate import Validator

    statement = client.get("/metadata").json()
    assert Validator(load_definitions()).check(statement) == []
    claims = next(r for r in statement["rest"][0]["resource"] if r["type"] == "Patient")
    assert claims["versioning"] == "versioned"  # versioned-update would refuse updates without If-Match
    assert "local" not in claims["referencePolicy"]  # it would refuse references to other servers
    assert {"_id", "name"} <= {p["name"] for p in claims["searchParam"]}
