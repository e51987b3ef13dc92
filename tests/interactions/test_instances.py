"""read, vread, create, update and delete of one instance."""

from __future__ import annotations

import pytest

from fhir_server.kernel.errors import (
    BadRequest,
    Gone,
    InvalidResource,
    Malformed,
    MethodNotAllowed,
    NotFound,
    PreconditionFailed,
    VersionConflict,
)
from tests.interactions.desk import content

PATIENT = {"resourceType": "Patient", "name": [{"family": "Example"}]}


async def test_create_gives_an_id_and_version_1_and_answers_201_with_location(desk):
    reply = await desk("create", "Patient", body={**PATIENT, "id": "mine"})
    made = content(reply)
    assert reply.status == 201
    assert made["id"] != "mine", "the server ignores the id of a create"
    assert made["meta"]["versionId"] == "1"
    assert reply.location == f"Patient/{made['id']}/_history/1"


async def test_a_resource_is_read_as_it_was_written(desk):
    made = await desk.create(PATIENT)
    reply = await desk("read", "Patient", made["id"])
    assert content(reply) == made
    assert reply.version == 1


async def test_decimals_keep_their_digits(desk):
    from decimal import Decimal

    made = await desk.create(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "x"},
            "valueQuantity": {"value": Decimal("1.10")},
        }
    )
    reply = await desk("read", "Observation", made["id"])
    assert b'"value":1.10' in reply.body


async def test_an_update_makes_the_next_version_and_answers_200(desk):
    made = await desk.create(PATIENT)
    reply = await desk("update", "Patient", made["id"], {**made, "active": True})
    assert reply.status == 200
    assert content(reply)["meta"]["versionId"] == "2"
    assert content(await desk("read", "Patient", made["id"]))["active"] is True


async def test_every_version_can_be_read_again(desk):
    made = await desk.create(PATIENT)
    await desk("update", "Patient", made["id"], {**made, "active": True})
    first = content(await desk("vread", "Patient", made["id"], version_id="1"))
    second = content(await desk("vread", "Patient", made["id"], version_id="2"))
    assert first == made
    assert second["active"] is True


async def test_an_update_of_an_unknown_id_creates_it_with_201(desk):
    reply = await desk("update", "Patient", "chosen", {**PATIENT, "id": "chosen"})
    assert reply.status == 201
    assert reply.version == 1


async def test_an_update_of_an_unknown_id_is_refused_where_that_is_switched_off(desk):
    import dataclasses

    settings = desk.parts.settings.model_copy(update={"update_create": False})
    desk.context = dataclasses.replace(desk.context, parts=dataclasses.replace(desk.parts, settings=settings))
    with pytest.raises(MethodNotAllowed):
        await desk("update", "Patient", "chosen", {**PATIENT, "id": "chosen"})


async def test_a_deleted_instance_is_gone_and_its_history_stays(desk):
    made = await desk.create(PATIENT)
    assert (await desk("delete", "Patient", made["id"])).status == 204
    with pytest.raises(Gone):
        await desk("read", "Patient", made["id"])
    with pytest.raises(Gone):
        await desk("vread", "Patient", made["id"], version_id="2")
    assert content(await desk("vread", "Patient", made["id"], version_id="1")) == made


async def test_deleting_what_is_not_there_is_fine(desk):
    assert (await desk("delete", "Patient", "nobody")).status == 204


async def test_an_update_brings_a_deleted_instance_back_with_201_and_the_version_goes_on(desk):
    made = await desk.create(PATIENT)
    await desk("delete", "Patient", made["id"])
    reply = await desk("update", "Patient", made["id"], made)
    assert (reply.status, reply.version) == (201, 3)
    assert content(await desk("read", "Patient", made["id"]))["meta"]["versionId"] == "3"


@pytest.mark.parametrize(
    ("id_", "body", "refusal"),
    [
        pytest.param("a", {**PATIENT}, BadRequest, id="the body of an update has an id"),
        pytest.param("a", {**PATIENT, "id": "b"}, BadRequest, id="and it is the one of the URL"),
        pytest.param("a", {"resourceType": "Group", "id": "a"}, Malformed, id="the body is of the type of the URL"),
        pytest.param("a", None, Malformed, id="there is a body"),
        pytest.param("a", {**PATIENT, "id": "a", "nonsense": 1}, InvalidResource, id="the body is valid"),
    ],
)
async def test_an_update_is_refused_unless(desk, id_, body, refusal):
    with pytest.raises(refusal):
        await desk("update", "Patient", id_, body)
    with pytest.raises(NotFound):
        await desk("read", "Patient", id_)


@pytest.mark.parametrize(
    ("etag", "met"),
    [
        pytest.param('W/"2"', True, id="the newest version"),
        pytest.param('"2"', True, id="a strong ETag of it"),
        pytest.param('W/"1", W/"2"', True, id="a list with it"),
        pytest.param("*", True, id="any version"),
        pytest.param('W/"1"', False, id="an older version"),
        pytest.param('W/"3"', False, id="a version to come"),
    ],
)
@pytest.mark.parametrize("kind", ["update", "delete"])
async def test_if_match_names(desk, kind, etag, met):
    made = await desk.create(PATIENT)
    await desk("update", "Patient", made["id"], made)
    body = made if kind == "update" else None
    if met:
        assert (await desk(kind, "Patient", made["id"], body, if_match=etag)).status in {200, 204}
    else:
        with pytest.raises(VersionConflict):
            await desk(kind, "Patient", made["id"], body, if_match=etag)


async def test_if_match_that_is_no_etag_is_refused(desk):
    made = await desk.create(PATIENT)
    with pytest.raises(BadRequest):
        await desk("update", "Patient", made["id"], made, if_match="2")


async def test_if_none_match_star_lets_an_update_only_create(desk):
    body = {**PATIENT, "id": "once"}
    assert (await desk("update", "Patient", "once", body, if_none_match="*")).status == 201
    with pytest.raises(PreconditionFailed):
        await desk("update", "Patient", "once", body, if_none_match="*")


@pytest.mark.parametrize(("etag", "status"), [('W/"1"', 304), ('W/"2"', 200), ("*", 304)])
async def test_a_conditional_read_by_version_answers(desk, etag, status):
    made = await desk.create(PATIENT)
    assert (await desk("read", "Patient", made["id"], if_none_match=etag)).status == status


async def test_a_conditional_read_by_time_answers_304_until_it_changes(desk):
    made = await desk.create(PATIENT)
    updated = (await desk("read", "Patient", made["id"])).updated
    assert (await desk("read", "Patient", made["id"], if_modified_since=updated)).status == 304
    assert (await desk("read", "Patient", made["id"], if_modified_since=updated - 2_000_000)).status == 200


@pytest.mark.parametrize(
    ("prefer", "shown"), [("minimal", None), ("representation", "Patient"), ("OperationOutcome", "OperationOutcome")]
)
async def test_prefer_return_decides_what_a_write_answers(desk, prefer, shown):
    reply = await desk("create", "Patient", body=PATIENT, prefer=prefer)
    has_content = reply.body is not None or reply.resource is not None
    assert (content(reply)["resourceType"] if has_content else None) == shown


async def test_the_clients_version_and_time_are_replaced_and_its_tags_kept(desk):
    tag = [{"system": "http://example.org/tags", "code": "kept"}]
    meta = {"versionId": "99", "lastUpdated": "2001-01-01T00:00:00Z", "tag": tag}
    made = await desk.create({**PATIENT, "meta": meta})
    assert made["meta"]["versionId"] == "1"
    assert not made["meta"]["lastUpdated"].startswith("2001")
    assert made["meta"]["tag"] == tag


async def test_an_unknown_type_is_not_found(desk):
    with pytest.raises(NotFound):
        await desk("read", "Pateint", "1")


async def test_one_tenant_never_sees_anothers_instances(desk):
    import dataclasses

    from fhir_server.interactions.context import Tenant

    made = await desk.create(PATIENT)
    other = await desk.parts.store.create_tenant("other")
    desk.context = dataclasses.replace(desk.context, tenant=Tenant(other, "other"))
    with pytest.raises(NotFound):
        await desk("read", "Patient", made["id"])
    assert (await desk.search("Patient"))["total"] == 0
    assert content(await desk("history-system"))["total"] == 0


async def test_summary_and_elements_show_a_part_of_a_read(desk):
    made = await desk.create({**PATIENT, "active": True, "photo": [{"url": "http://example.org/p.png"}]})
    short = content(await desk("read", "Patient", made["id"], parameters=(("_elements", "active"),)))
    assert "name" not in short
    assert short["active"] is True
    assert short["meta"]["tag"][0]["code"] == "SUBSETTED"
    summary = content(await desk("read", "Patient", made["id"], parameters=(("_summary", "true"),)))
    assert "photo" not in summary


async def test_updates_without_a_condition_all_succeed_however_many_come_at_once(desk):
    import asyncio

    await desk("update", "Patient", "busy", {**PATIENT, "id": "busy"})
    replies = await asyncio.gather(*(desk("update", "Patient", "busy", {**PATIENT, "id": "busy"}) for _ in range(60)))
    assert sorted(reply.version for reply in replies) == list(range(2, 62))
