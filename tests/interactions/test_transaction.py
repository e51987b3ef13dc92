"""batch and transaction."""

from __future__ import annotations

import pytest

from fhir_server.kernel.errors import (
    BadRequest,
    InvalidResource,
    Malformed,
    MultipleMatches,
    NotFound,
    Refusal,
    Unprocessable,
    VersionConflict,
)
from tests.interactions.desk import content, entry

PATIENT = {"resourceType": "Patient", "name": [{"family": "Example"}]}
IDENTIFIED = {**PATIENT, "identifier": [{"system": "http://example.org/ids", "value": "7"}]}
OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
URN = "urn:uuid:11111111-1111-4111-8111-111111111111"
URN2 = "urn:uuid:22222222-2222-4222-8222-222222222222"


def location_of(bundle: dict, position: int) -> str:
    return bundle["entry"][position]["response"]["location"].removeprefix("http://test/fhir/").partition("/_history")[0]


async def stored(desk, reference: str) -> dict:
    resource_type, _, id_ = reference.partition("/")
    return content(await desk("read", resource_type, id_))


async def test_references_by_urn_lead_to_the_ids_given_wherever_the_entries_stand(desk):
    observation = {**OBSERVATION, "subject": {"reference": URN}, "hasMember": [{"reference": URN2}]}
    answer = await desk.bundle(
        entry("POST", "Observation", observation),
        entry("POST", "Patient", PATIENT, URN),
        entry("POST", "Observation", OBSERVATION, URN2),
    )
    made = await stored(desk, location_of(answer, 0))
    assert made["subject"]["reference"] == location_of(answer, 1)
    assert made["hasMember"][0]["reference"] == location_of(answer, 2)
    assert [e["response"]["status"] for e in answer["entry"]] == ["201 Created"] * 3


async def test_relative_references_to_a_full_url_of_the_bundle_are_rewritten(desk):
    answer = await desk.bundle(
        entry("POST", "Patient", PATIENT, "http://elsewhere.org/r4/Patient/9"),
        entry(
            "POST",
            "Observation",
            {**OBSERVATION, "subject": {"reference": "Patient/9"}},
            "http://elsewhere.org/r4/Observation/1",
        ),
    )
    made = await stored(desk, location_of(answer, 1))
    assert made["subject"]["reference"] == location_of(answer, 0)


async def test_links_in_narrative_and_uris_are_rewritten_and_identifier_values_are_not(desk):
    patient = {
        **PATIENT,
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{URN2}">x</a></div>',
        },
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": URN2}],
        "photo": [{"url": URN2}],
    }
    answer = await desk.bundle(entry("POST", "Patient", patient, URN), entry("POST", "Observation", OBSERVATION, URN2))
    made, target = await stored(desk, location_of(answer, 0)), location_of(answer, 1)
    assert f'href="{target}"' in made["text"]["div"]
    assert made["photo"][0]["url"] == target
    assert made["identifier"][0]["value"] == URN2


async def test_a_conditional_reference_leads_to_its_one_match(desk):
    known = await desk.create(IDENTIFIED)
    reference = {"reference": "Patient?identifier=http://example.org/ids|7"}
    answer = await desk.bundle(entry("POST", "Observation", {**OBSERVATION, "subject": reference}))
    made = await stored(desk, location_of(answer, 0))
    assert made["subject"]["reference"] == f"Patient/{known['id']}"


@pytest.mark.parametrize("matches", [0, 2])
async def test_a_conditional_reference_that_does_not_match_one_fails_the_whole(desk, matches):
    for _ in range(matches):
        await desk.create(IDENTIFIED)
    reference = {"reference": "Patient?identifier=http://example.org/ids|7"}
    with pytest.raises(Unprocessable) as refused:
        await desk.bundle(
            entry("POST", "Patient", PATIENT), entry("POST", "Observation", {**OBSERVATION, "subject": reference})
        )
    assert "entry[1]" in refused.value.issues[0].expression
    assert (await desk.search("Patient"))["total"] == matches


async def test_entries_are_processed_delete_post_put_get_whatever_their_order(desk):
    doomed = await desk.create(PATIENT)
    kept = await desk.create(PATIENT)
    answer = await desk.bundle(
        entry("GET", "Patient?family=changed"),
        entry("PUT", f"Patient/{kept['id']}", {**kept, "name": [{"family": "Changed"}]}),
        entry("POST", "Patient", {**PATIENT, "name": [{"family": "Changed"}]}),
        entry("DELETE", f"Patient/{doomed['id']}"),
        entry("GET", f"Patient/{kept['id']}"),
    )
    statuses = [e["response"]["status"].split()[0] for e in answer["entry"]]
    assert statuses == ["200", "200", "201", "204", "200"]
    assert answer["entry"][0]["resource"]["total"] == 2, "the search sees what was written"
    assert answer["entry"][4]["resource"]["name"][0]["family"] == "Changed"


async def test_one_bad_entry_leaves_nothing_behind_and_is_named(desk):
    with pytest.raises(InvalidResource) as refused:
        await desk.bundle(
            entry("POST", "Patient", PATIENT), entry("POST", "Patient", {**PATIENT, "gender": "unheard-of"})
        )
    assert refused.value.issues[0].expression == "Bundle.entry[1].resource.gender"
    assert (await desk.search("Patient"))["total"] == 0
    assert content(await desk("history-system"))["total"] == 0


async def test_a_read_of_nothing_fails_the_whole(desk):
    with pytest.raises(NotFound) as refused:
        await desk.bundle(entry("POST", "Patient", PATIENT), entry("GET", "Patient/nobody"))
    assert refused.value.issues[0].expression == "Bundle.entry[1]"
    assert (await desk.search("Patient"))["total"] == 0


@pytest.mark.parametrize(
    ("entries", "refusal"),
    [
        pytest.param([entry("PUT", "Patient/a", {**PATIENT, "id": "a"}), entry("DELETE", "Patient/a")], BadRequest,
                     id="an instance is changed once"),
        pytest.param([entry("POST", "Patient", PATIENT, URN), entry("POST", "Patient", PATIENT, URN)], BadRequest,
                     id="a fullUrl is used once"),
        pytest.param([entry("PUT", "Patient/a", {**PATIENT, "id": "b"})], BadRequest, id="url and id agree"),
        pytest.param([entry("POST", "Patient", OBSERVATION)], Malformed, id="url and type agree"),
        pytest.param([entry("POST", "Patient")], Malformed, id="a write has a resource"),
        pytest.param([{"resource": PATIENT}], Refusal, id="an entry has a request"),
        pytest.param([entry("FETCH", "Patient")], Refusal, id="the method is one of HTTP's"),
        pytest.param([entry("PUT", "Patient", PATIENT)], BadRequest, id="an update names an id or criteria"),
        pytest.param([entry("PUT", "Patient/a", {**PATIENT, "id": "a"}, ifMatch='W/"4"')], VersionConflict, id="ifMatch holds"),
        pytest.param([entry("POST", "Patient", PATIENT, "not a url")], Refusal, id="fullUrl is a uri"),
    ],
)  # fmt: skip
async def test_a_transaction_is_refused_unless(desk, entries, refusal):
    with pytest.raises(refusal):
        await desk.bundle(*entries)
    assert content(await desk("history-system"))["total"] == 0


async def test_if_none_exist_finds_or_makes_and_links_lead_there(desk):
    known = await desk.create(IDENTIFIED)
    criteria = "identifier=http://example.org/ids|7"
    answer = await desk.bundle(
        entry("POST", "Patient", IDENTIFIED, URN, ifNoneExist=criteria),
        entry("POST", "Observation", {**OBSERVATION, "subject": {"reference": URN}}),
    )
    assert answer["entry"][0]["response"]["status"] == "200 OK"
    made = await stored(desk, location_of(answer, 1))
    assert made["subject"]["reference"] == f"Patient/{known['id']}"


async def test_equal_if_none_exist_twice_in_a_bundle_makes_one(desk):
    criteria = "identifier=http://example.org/ids|7"
    answer = await desk.bundle(
        entry("POST", "Patient", IDENTIFIED, URN, ifNoneExist=criteria),
        entry("POST", "Patient", IDENTIFIED, URN2, ifNoneExist=criteria),
        entry("POST", "Observation", {**OBSERVATION, "subject": {"reference": URN2}}),
    )
    assert location_of(answer, 0) == location_of(answer, 1)
    assert (await stored(desk, location_of(answer, 2)))["subject"]["reference"] == location_of(answer, 0)
    assert (await desk.search("Patient"))["total"] == 1


async def test_conditional_update_and_delete_inside_a_transaction(desk):
    await desk.create(IDENTIFIED)
    criteria = "Patient?identifier=http://example.org/ids|7"
    answer = await desk.bundle(entry("PUT", criteria, {**IDENTIFIED, "active": True}))
    assert answer["entry"][0]["response"]["status"] == "200 OK"
    assert (await stored(desk, location_of(answer, 0)))["active"] is True
    await desk.bundle(entry("DELETE", criteria))
    assert (await desk.search("Patient"))["total"] == 0


async def test_several_matches_of_a_conditional_update_fail_the_whole(desk):
    await desk.create(IDENTIFIED)
    await desk.create(IDENTIFIED)
    with pytest.raises(MultipleMatches):
        await desk.bundle(entry("PUT", "Patient?identifier=http://example.org/ids|7", IDENTIFIED))


@pytest.mark.parametrize(("prefer", "shown"), [("", False), ("minimal", False), ("representation", True)])
async def test_the_answer_holds_the_resources_where_they_are_asked_for(desk, prefer, shown):
    answer = await desk.bundle(entry("POST", "Patient", PATIENT), prefer=prefer)
    assert ("resource" in answer["entry"][0]) is shown


async def round_trips(desk, count: int) -> int:
    await desk.create(IDENTIFIED)
    entries = [
        *(entry("POST", "Patient", PATIENT, f"urn:uuid:00000000-0000-4000-8000-{n:012d}") for n in range(count)),
        *(entry("PUT", f"Patient/p{count}-{n}", {**PATIENT, "id": f"p{count}-{n}"}) for n in range(count)),
        *(
            entry("POST", "Observation", {**OBSERVATION, "subject": {"reference": f"urn:uuid:00000000-0000-4000-8000-{n:012d}"}},
                  ifNoneExist=f"identifier=http://example.org/o|{count}-{n}")
            for n in range(count)
        ),
    ]  # fmt: skip
    before = desk.parts.store.round_trips
    await desk.bundle(*entries)
    return desk.parts.store.round_trips - before


async def test_the_number_of_round_trips_does_not_grow_with_the_entries(desk):
    few, many = await round_trips(desk, 2), await round_trips(desk, 60)
    assert few == many


async def test_entries_of_a_batch_fail_alone(desk):
    answer = await desk.bundle(
        entry("POST", "Patient", PATIENT),
        entry("GET", "Patient/nobody"),
        entry("POST", "Patient", {**PATIENT, "gender": "unheard-of"}),
        entry("GET", "Patient?nonsense=1"),
        entry("DELETE", "Patient/nobody"),
        type_="batch",
    )
    statuses = [e["response"]["status"].split()[0] for e in answer["entry"]]
    assert statuses == ["201", "404", "422", "400", "204"]
    assert answer["entry"][2]["response"]["outcome"]["issue"][0]["expression"] == ["Bundle.entry[2].resource.gender"]
    assert answer["type"] == "batch-response"


BY_IDENTIFIER = "Patient?identifier=http://example.org/ids|7"
ROLE = {"resourceType": "PractitionerRole", "identifier": [{"system": "http://example.org/ids", "value": "8"}]}


async def test_a_conditional_reference_is_resolved_last_and_finds_what_the_transaction_creates(desk):
    by_role = {"reference": "PractitionerRole?identifier=http://example.org/ids|8"}
    by_organization = {"reference": "Organization?identifier=http://example.org/ids|9"}
    organization = {"resourceType": "Organization", "identifier": [{"system": "http://example.org/ids", "value": "9"}]}
    answer = await desk.bundle(
        entry(
            "POST",
            "Observation",
            {**OBSERVATION, "subject": {"reference": BY_IDENTIFIER}, "performer": [by_role]},
            URN2,
        ),
        entry("POST", "Observation", {**OBSERVATION, "hasMember": [{"reference": URN2}]}),
        entry("POST", "PractitionerRole", {**ROLE, "organization": by_organization}),
        entry("POST", "Patient", IDENTIFIED),
        entry("POST", "Organization", organization),
    )
    made = await stored(desk, location_of(answer, 0))
    assert made["subject"]["reference"] == location_of(answer, 3)
    assert made["performer"][0]["reference"] == location_of(answer, 2)
    assert (await stored(desk, location_of(answer, 1)))["hasMember"][0]["reference"] == location_of(answer, 0)
    assert (await stored(desk, location_of(answer, 2)))["organization"]["reference"] == location_of(answer, 4)
    assert [e["response"]["status"] for e in answer["entry"]] == ["201 Created"] * 5


async def test_a_conditional_reference_does_not_lead_to_what_the_transaction_deletes(desk):
    doomed = await desk.create(IDENTIFIED)
    with pytest.raises(Unprocessable) as refused:
        await desk.bundle(
            entry("DELETE", f"Patient/{doomed['id']}"),
            entry("POST", "Observation", {**OBSERVATION, "subject": {"reference": BY_IDENTIFIER}}),
        )
    assert refused.value.issues[0].expression == "Bundle.entry[1].resource.subject.reference"
    assert (await desk.search("Patient"))["total"] == 1


async def test_conditional_references_of_entries_that_wait_for_each_other_fail_the_whole(desk):
    first = {**OBSERVATION, "identifier": [{"value": "a"}], "hasMember": [{"reference": "Observation?identifier=b"}]}
    second = {**OBSERVATION, "identifier": [{"value": "b"}], "hasMember": [{"reference": "Observation?identifier=a"}]}
    with pytest.raises(Unprocessable):
        await desk.bundle(entry("POST", "Observation", first), entry("POST", "Observation", second))
    assert (await desk.search("Observation"))["total"] == 0


async def test_version_specific_references_stay_so_and_name_the_new_version(desk):
    known = await desk.create(PATIENT)
    elsewhere, other = "http://elsewhere.org/r4/Patient/9", "http://elsewhere.org/r4/Patient/10"
    focus = [{"reference": f"{elsewhere}/_history/7"}, {"reference": f"{other}/_history/3#x"}]
    answer = await desk.bundle(
        entry("POST", "Observation", {**OBSERVATION, "focus": focus}),
        entry("POST", "Patient", PATIENT, elsewhere),
        entry("PUT", f"Patient/{known['id']}", known, other),
    )
    made = await stored(desk, location_of(answer, 0))
    assert made["focus"][0]["reference"] == f"{location_of(answer, 1)}/_history/1"
    assert made["focus"][1]["reference"] == f"Patient/{known['id']}/_history/2#x"


async def test_elements_of_type_canonical_are_not_replaced(desk):
    extension = [{"url": "http://example.org/x", f"value{kind}": URN} for kind in ("Canonical", "Uri", "String")]
    answer = await desk.bundle(
        entry("POST", "Patient", {**PATIENT, "extension": extension}), entry("POST", "Patient", PATIENT, URN)
    )
    made = (await stored(desk, location_of(answer, 0)))["extension"]
    assert (made[0]["valueCanonical"], made[2]["valueString"]) == (URN, URN)
    assert made[1]["valueUri"] == location_of(answer, 1)


async def test_references_are_right_after_an_attempt_that_lost_a_race(desk, monkeypatch):
    from fhir_server.store.unit_of_work import UnitOfWork
    from fhir_server.store.versions import StaleWrite

    write, attempts = UnitOfWork.write, []

    async def loses_once(unit, writes):
        attempts.append(writes)
        if len(attempts) == 1:
            raise StaleWrite([("Patient", "a")])
        await write(unit, writes)

    monkeypatch.setattr(UnitOfWork, "write", loses_once)
    answer = await desk.bundle(
        entry("POST", "Observation", {**OBSERVATION, "subject": {"reference": URN}}),
        entry("POST", "Patient", PATIENT, URN),
    )
    assert len(attempts) == 2
    assert (await stored(desk, location_of(answer, 0)))["subject"]["reference"] == location_of(answer, 1)


@pytest.mark.parametrize("type_", ["batch", "transaction"])
async def test_head_answers_without_content_and_a_search_by_post_finds(desk, type_):
    made = await desk.create(IDENTIFIED)
    answer = await desk.bundle(
        entry("HEAD", f"Patient/{made['id']}"),
        entry("POST", "Patient/_search?identifier=7"),
        entry("POST", f"Patient/{made['id']}/_search"),
        entry("POST", "_search?_type=Patient"),
        type_=type_,
    )
    head, *searches = answer["entry"]
    assert "resource" not in head
    assert head["response"]["etag"] == 'W/"1"'
    assert [e["resource"]["total"] for e in searches] == [1, 1, 1]


async def test_a_full_url_of_another_instance_here_is_refused(desk):
    entries = [entry("PUT", "Patient/a", {**PATIENT, "id": "a"}, "http://test/fhir/Patient/b")]
    with pytest.raises(BadRequest) as refused:
        await desk.bundle(*entries)
    assert refused.value.issues[0].expression == "Bundle.entry[0]"
    entries[0]["fullUrl"] = "http://elsewhere.org/Patient/b"
    assert (await desk.bundle(*entries))["entry"][0]["response"]["status"] == "201 Created"


@pytest.mark.parametrize("id_", [".", ".."])
async def test_an_id_that_means_a_folder_is_refused(desk, id_):
    write = entry("PUT", f"Patient/{id_}", {**PATIENT, "id": id_})
    with pytest.raises(BadRequest):
        await desk.bundle(write)
    with pytest.raises(BadRequest):
        await desk.bundle(entry("PUT", "Patient?identifier=7", {**PATIENT, "id": id_}))
    answer = await desk.bundle(write, type_="batch")
    assert answer["entry"][0]["response"]["status"] == "400 Bad Request"


async def test_an_entry_with_an_unknown_property_fails_alone_in_a_batch_and_the_bundle_as_a_whole(desk):
    answer = await desk.bundle({**entry("GET", "Patient"), "nonsense": 1}, entry("GET", "Patient"), type_="batch")
    assert [e["response"]["status"][:3] for e in answer["entry"]] == ["400", "200"]
    outcome = answer["entry"][0]["response"]["outcome"]
    assert outcome["issue"][0]["expression"] == ["Bundle.entry[0].nonsense"]
    with pytest.raises(InvalidResource):
        await desk("batch", body={"resourceType": "Bundle", "type": "batch", "nonsense": 1})


@pytest.mark.parametrize("type_", ["batch", "transaction"])
@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        pytest.param(
            {"request": {"method": "POST", "url": "Patient"}, "resource": []}, 400, id="a resource that is a list"
        ),
        pytest.param(
            {"request": {"method": "POST", "url": "Patient"}, "resource": "x"}, 400, id="a resource that is a text"
        ),
        pytest.param(entry("GET", "Patient/%00"), 400, id="a control character"),
        pytest.param(entry("GET", "Patient/%FF"), 400, id="what is no UTF-8"),
        pytest.param(entry("GET", "Patient/a_b"), 404, id="what is no id"),
        pytest.param(entry("DELETE", "Patient/.."), 404, id="a folder"),
        pytest.param(entry("DELETE", "Patient/_history"), 404, id="the history, to be deleted"),
        pytest.param(entry("PUT", "Patient/a_b", {**PATIENT, "id": "a_b"}), 400, id="what is no id, to be written"),
        pytest.param(entry("GET", "Patient/$everything"), 501, id="an operation"),
        pytest.param(entry("GET", "_search"), 404, id="a search that is not posted"),
    ],
)
async def test_an_entry_is_refused_that_asks_for(desk, type_, wrong, status):
    if type_ == "transaction":
        with pytest.raises(Refusal) as refused:
            await desk.bundle(wrong)
        assert refused.value.http_status == status
        assert refused.value.issues[0].expression.startswith("Bundle.entry[0]")
    else:
        answer = await desk.bundle(wrong, type_=type_)
        assert answer["entry"][0]["response"]["status"].startswith(str(status))


async def test_a_refused_transaction_leaves_the_connections_as_good_as_they_were(desk):
    for _ in range(3):
        await desk.create(PATIENT)
        await desk.bundle(entry("POST", "Patient", PATIENT), entry("POST", "Observation", OBSERVATION))
        with pytest.raises(NotFound):
            await desk.bundle(
                entry("POST", "Patient", PATIENT),
                entry("POST", "Observation", OBSERVATION),
                entry("GET", "Patient/nobody"),
            )
    assert content(await desk("history-system"))["total"] == 9
