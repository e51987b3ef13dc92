"""The Bundle that answers a search: its self link, its total, its entries, what it refuses."""

from __future__ import annotations

import pytest

from fhir_server.kernel.errors import BadRequest, NotFound, NotUnderstood
from tests.search.search_desk import BASE, desk_with, ids, link

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLINIC = [
    *(
        {"resourceType": "Patient", "id": f"p{n:04}", "gender": "male" if n % 2 else "female", "birthDate": f"{1900 + n % 100}"}
        for n in range(30)
    ),
    {"resourceType": "Patient", "id": "x", "name": [{"family": "Decimal"}], "text": {"status": "generated", "div": "<div>x</div>"},
     "photo": [{"title": "no summary"}]},
    {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "c"}, "subject": {"reference": "Patient/x"},
     "valueQuantity": {"value": 1}},
]  # fmt: skip

desk = desk_with(CLINIC)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("Patient", "Patient"),
        ("Patient?gender=male", "Patient?gender=male"),
        ("Patient?gender=male&_count=5000", "Patient?gender=male&_count=1000"),
        ("Patient?_format=json&gender=male&_pretty=true", "Patient?gender=male&_format=json&_pretty=true"),
        ("Patient?_format=xml&_format=application/fhir%2Bjson&_id=x", "Patient?_id=x&_format=application/fhir%2Bjson"),
        ("Patient?_id=x&_format=", "Patient?_id=x"),
        ("Patient?birthdate=ge1990&birthdate=lt2000", "Patient?birthdate=ge1990&birthdate=lt2000"),
        ("Patient?family=caf%C3%A9 %26 co", "Patient?family=caf%C3%A9%20%26%20co"),
        ("Patient/x/Observation?status=final", "Patient/x/Observation?status=final"),
        ("?_type=Patient&_id=x", "?_type=Patient&_id=x"),
        ("Patient?_id=x&_revinclude=*", "Patient?_id=x&_revinclude=*"),
    ],
)
async def test_the_self_link_is_what_was_applied(desk, asked, told):
    expected = f"{BASE}/{told}" if not told.startswith("?") else f"{BASE}{told}"
    assert link(await desk.search(asked), "self") == expected


async def test_lenient_handling_leaves_out_and_says_so(desk):
    with pytest.raises(NotUnderstood, match="gnder"):
        await desk.search("Patient?gnder=male&_id=x")
    bundle = await desk.search("Patient?gnder=male&_id=x", lenient=True)
    assert link(bundle, "self") == f"{BASE}/Patient?_id=x"
    assert ids(bundle) == ["x"]
    [outcome] = [e for e in bundle["entry"] if e["search"]["mode"] == "outcome"]
    [issue] = outcome["resource"]["issue"]
    assert issue["severity"] == "warning"
    assert "gnder" in issue["diagnostics"]
    assert "gender" in issue["diagnostics"]


async def test_lenient_handling_leaves_out_a_sort_of_which_one_key_is_not_known(desk):
    bundle = await desk.search("Patient?_sort=-birthdate,nonsense&_count=3", lenient=True)
    assert link(bundle, "self") == f"{BASE}/Patient?_count=3"
    assert ids(bundle) == ["p0000", "p0001", "p0002"]


@pytest.mark.parametrize("types", ["Patient,Observation", "Observation,Patient"])
async def test_lenient_handling_leaves_out_what_one_of_several_types_does_not_know(desk, types):
    bundle = await desk.search(f"?_type={types}&family=decimal&_total=accurate&_count=2", lenient=True)
    assert link(bundle, "self") == f"{BASE}?_type={types}&_total=accurate&_count=2"
    assert bundle["total"] == 32
    [outcome] = [e["resource"] for e in bundle["entry"] if e["search"]["mode"] == "outcome"]
    assert ["Observation has no search parameter family" in i["diagnostics"] for i in outcome["issue"]] == [True]


@pytest.mark.parametrize(
    ("url", "matches", "included"),
    [
        pytest.param(
            "_type=Patient,Observation&_include=Observation:subject&_id=o", ["o"], ["x"], id="of-the-second-type"
        ),
        pytest.param(
            "_type=Observation,Patient&_include=Observation:subject&_id=o", ["o"], ["x"], id="of-the-first-type"
        ),
        pytest.param("_type=Patient,Observation&_include=*&_id=o", ["o"], ["x"], id="anything"),
        pytest.param(
            "_type=Observation,Patient&_revinclude=Observation:subject&_id=x", ["x"], ["o"], id="to-one-of-them"
        ),
        pytest.param(
            "_type=Patient,Observation&_elements=valueQuantity&_id=o", ["o"], [], id="elements-of-one-of-them"
        ),
        pytest.param("_type=Patient,Observation&_type=Observation,Group&_count=5", ["o"], [], id="types-of-both"),
    ],
)
async def test_a_search_of_several_types_takes_what_is_right_for_one_of_them(desk, url, matches, included):
    bundle = await desk.search(f"?{url}")
    assert (ids(bundle), ids(bundle, "include")) == (matches, included)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("_type=Patient,Observation&_elements=nonsense", "has no element nonsense"),
        ("_type=Patient,Observation&_include=Encounter:subject", "Encounter is not searched here"),
        ("_type=Patient&_type=Observation", "_type=Observation leaves out every type"),
    ],
)
async def test_a_search_of_several_types_refuses_what_is_right_for_none_of_them(desk, url, says):
    with pytest.raises(BadRequest, match=says):
        await desk.search(f"?{url}")


@pytest.mark.parametrize(
    ("url", "total"),
    [
        pytest.param("Patient", 31, id="counted-though-not-asked-where-cheap"),
        pytest.param("Patient?_count=3&_total=accurate", 31, id="accurate"),
        pytest.param("Patient?_count=3&_total=estimate", 31, id="estimate"),
        pytest.param("Patient?_count=3&_total=none", None, id="none"),
        pytest.param("Patient?gender=male&_count=3", 15, id="of-the-matches"),
        pytest.param("Patient?gender=male&_summary=count", 15, id="summary-count"),
        pytest.param("Patient?gender=male&_count=0", 15, id="count-zero"),
        pytest.param("Patient?gender=unknown", 0, id="nothing"),
        pytest.param("?_type=Patient,Observation&_count=3", 32, id="of-several-types"),
    ],
)
async def test_total(desk, url, total):
    bundle = await desk.search(url)
    assert bundle.get("total") == total
    if "_summary=count" in url or "_count=0" in url:
        assert "entry" not in bundle
    while following := link(bundle, "next"):
        bundle = await desk.search(following)
        assert bundle.get("total") == total


async def test_an_entry_has_its_full_url_its_resource_as_stored_and_its_mode(desk):
    [entry] = (await desk.search("Patient?_id=x"))["entry"]
    assert entry["fullUrl"] == f"{BASE}/Patient/x"
    assert entry["search"] == {"mode": "match"}
    assert entry["resource"]["meta"]["versionId"] == "1"
    assert entry["resource"]["photo"] == [{"title": "no summary"}]


async def test_an_empty_result_has_no_entries_and_its_self_link(desk):
    bundle = await desk.search("Patient?_id=nobody")
    assert bundle == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 0,
        "link": [{"relation": "self", "url": f"{BASE}/Patient?_id=nobody"}],
    }


@pytest.mark.parametrize(
    ("control", "present", "absent"),
    [
        ("_summary=true", {"name"}, {"photo", "text"}),
        ("_summary=text", {"text"}, {"name", "photo"}),
        ("_summary=data", {"name", "photo"}, {"text"}),
        ("_elements=photo", {"photo"}, {"name", "text"}),
        ("_summary=false", {"name", "photo", "text"}, set()),
    ],
)
async def test_a_part_of_each_match(desk, control, present, absent):
    [entry] = (await desk.search(f"Patient?_id=x&{control}"))["entry"]
    assert present <= entry["resource"].keys()
    assert not absent & entry["resource"].keys()
    tags = [tag["code"] for tag in entry["resource"]["meta"].get("tag", ())]
    assert tags == ([] if control == "_summary=false" else ["SUBSETTED"])


@pytest.mark.parametrize(
    ("url", "refusal"),
    [
        ("Patient?nonsense=1", NotUnderstood),
        ("Patient?gender:near=1", NotUnderstood),
        ("Patient?birthdate=1980-02-30", BadRequest),
        ("Patient?birthdate=xx1980", BadRequest),
        ("Patient?_count=-1", BadRequest),
        ("Patient?_sort=nonsense", NotUnderstood),
        ("Patient?_cursor=made-up", BadRequest),
        ("?family=x", NotUnderstood),
        ("?_type=Patient,Nonsense", BadRequest),
        ("Observation?subject:Patient.nonsense=x", NotUnderstood),
        ("Nonsense/1/Observation", NotFound),
    ],
)
async def test_what_is_refused(desk, url, refusal):
    with pytest.raises(refusal):
        await desk.search(url)


async def test_the_deleted_and_the_old_match_nothing(desk):
    await desk.put({"resourceType": "Practitioner", "id": "a", "name": [{"family": "Before"}]})
    await desk.put({"resourceType": "Practitioner", "id": "a", "name": [{"family": "After"}]})
    assert await desk.ids("Practitioner?family=before") == []
    assert await desk.ids("Practitioner?family=after") == ["a"]
    await desk.delete("Practitioner", "a")
    for url in ("Practitioner", "Practitioner?_id=a", "Practitioner?family=after", "Practitioner?family:missing=true"):
        assert await desk.ids(url) == []


async def test_all_pages_are_written_as_the_first_and_may_be_written_otherwise(desk):
    first = await desk.search("Patient?gender=male&_count=4&_format=json&_pretty=true")
    following = link(first, "next")
    assert "&_format=json&_pretty=true&_cursor=" in following
    plain = following.replace("&_format=json&_pretty=true", "")
    assert ids(await desk.search(plain)) == ids(await desk.search(following))
