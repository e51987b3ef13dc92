"""Conditional create, update and delete."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from fhir_server.kernel.errors import (
    BadRequest,
    Conflict,
    MultipleMatches,
    NotSupported,
    NotUnderstood,
    VersionConflict,
)
from tests.interactions.desk import content

SYSTEM = "http://example.org/ids"
PATIENT = {"resourceType": "Patient", "identifier": [{"system": SYSTEM, "value": "7"}]}
CRITERIA = (("identifier", f"{SYSTEM}|7"),)
TEXT = f"identifier={SYSTEM}|7"


async def test_conditional_create_makes_one_and_then_finds_it(desk):
    first = await desk("create", "Patient", body=PATIENT, if_none_exist=TEXT)
    second = await desk("create", "Patient", body=PATIENT, if_none_exist=TEXT)
    assert (first.status, second.status) == (201, 200)
    assert content(first)["id"] == content(second)["id"]


async def test_conditional_create_is_refused_where_several_match(desk):
    await desk.create(PATIENT)
    await desk.create(PATIENT)
    with pytest.raises(MultipleMatches):
        await desk("create", "Patient", body=PATIENT, if_none_exist=TEXT)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        pytest.param("", BadRequest, id="without criteria everything would match"),
        pytest.param("_count=1", BadRequest, id="a result parameter is no criterion"),
        pytest.param("identifer=7", NotUnderstood, id="an unknown parameter is never ignored"),
    ],
)
async def test_conditional_create_is_refused_because(desk, text, refusal):
    with pytest.raises(refusal):
        await desk("create", "Patient", body=PATIENT, if_none_exist=text)
    assert (await desk.search("Patient"))["total"] == 0


async def test_equal_criteria_however_spelled_make_one_even_at_once(desk):
    spelled = [
        f"identifier={SYSTEM}|7&active=true",
        f"active=true&identifier={SYSTEM}|7",
        f"?active=true&identifier={SYSTEM.replace(':', '%3A').replace('/', '%2F')}%7C7",
        f"Patient?identifier={SYSTEM}|7&active=true&active=true",
    ]
    body = {**PATIENT, "active": True}
    replies = await asyncio.gather(
        *(desk("create", "Patient", body=body, if_none_exist=spelled[n % 4]) for n in range(16))
    )
    assert sorted(reply.status for reply in replies) == [200] * 15 + [201]
    assert (await desk.search("Patient"))["total"] == 1


async def test_conditional_update_creates_updates_and_refuses(desk):
    first = await desk("update", "Patient", None, PATIENT, parameters=CRITERIA)
    second = await desk("update", "Patient", None, {**PATIENT, "active": True}, parameters=CRITERIA)
    assert (first.status, second.status, second.version) == (201, 200, 2)
    assert content(first)["id"] == content(second)["id"]
    await desk.create(PATIENT)
    with pytest.raises(MultipleMatches):
        await desk("update", "Patient", None, PATIENT, parameters=CRITERIA)


async def test_conditional_update_takes_the_id_of_the_body_where_nothing_matches(desk):
    reply = await desk("update", "Patient", None, {**PATIENT, "id": "chosen"}, parameters=CRITERIA)
    assert (reply.status, content(reply)["id"]) == (201, "chosen")


async def test_conditional_update_refuses_a_body_with_another_id_than_the_match(desk):
    await desk.create(PATIENT)
    with pytest.raises(BadRequest):
        await desk("update", "Patient", None, {**PATIENT, "id": "other"}, parameters=CRITERIA)


async def test_conditional_update_never_overwrites_an_instance_that_does_not_match(desk):
    other = await desk.create({"resourceType": "Patient"})
    with pytest.raises(Conflict):
        await desk("update", "Patient", None, {**PATIENT, "id": other["id"]}, parameters=CRITERIA)


async def test_conditional_update_holds_if_match(desk):
    await desk.create(PATIENT)
    with pytest.raises(VersionConflict):
        await desk("update", "Patient", None, PATIENT, parameters=CRITERIA, if_match='W/"9"')


async def test_concurrent_conditional_updates_make_one_instance_and_lose_no_version(desk):
    replies = await asyncio.gather(*(desk("update", "Patient", None, PATIENT, parameters=CRITERIA) for _ in range(12)))
    assert len({content(reply)["id"] for reply in replies}) == 1
    assert sorted(reply.version for reply in replies) == list(range(1, 13))


async def test_conditional_delete_deletes_every_match(desk):
    for _ in range(3):
        await desk.create(PATIENT)
    kept = await desk.create({"resourceType": "Patient"})
    assert (await desk("delete", "Patient", parameters=CRITERIA)).status == 204
    assert [e["resource"]["id"] for e in (await desk.search("Patient"))["entry"]] == [kept["id"]]


async def test_conditional_delete_of_nothing_is_fine(desk):
    assert (await desk("delete", "Patient", parameters=CRITERIA)).status == 204


@pytest.mark.parametrize(("setting", "refusal"), [("single", MultipleMatches), ("not-supported", NotSupported)])
async def test_conditional_delete_follows_its_switch(desk, setting, refusal):
    await desk.create(PATIENT)
    await desk.create(PATIENT)
    settings = desk.parts.settings.model_copy(update={"conditional_delete": setting})
    desk.context = dataclasses.replace(desk.context, parts=dataclasses.replace(desk.parts, settings=settings))
    with pytest.raises(refusal):
        await desk("delete", "Patient", parameters=CRITERIA)
    assert (await desk.search("Patient"))["total"] == 2


async def test_conditional_delete_needs_criteria(desk):
    with pytest.raises(BadRequest):
        await desk("delete", "Patient", parameters=())


async def test_a_question_mark_in_a_value_does_not_begin_the_criteria(desk):
    system = "http://example.org/?kind=ids"
    body = {"resourceType": "Patient", "identifier": [{"system": system, "value": "7"}]}
    criteria = f"identifier={system}|7".replace("?kind=", "?kind%3D")
    for text in (criteria, f"Patient?{criteria}", f"?{criteria}"):
        await desk("create", "Patient", body=body, if_none_exist=text)
    assert (await desk.search("Patient"))["total"] == 1


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        pytest.param(f"Group?{TEXT}", BadRequest, id="the criteria are for another type"),
        pytest.param(f"{TEXT}&_count=1", NotUnderstood, id="a condition has no page"),
        pytest.param(f"{TEXT}&_sort=_id", NotUnderstood, id="a condition has no order"),
    ],
)
async def test_criteria_are_refused_because(desk, text, refusal):
    with pytest.raises(refusal):
        await desk("create", "Patient", body=PATIENT, if_none_exist=text)


@pytest.mark.parametrize(("etag", "deleted"), [('W/"1"', True), ("*", True), ('W/"2"', False)])
async def test_if_match_holds_for_what_a_conditional_delete_matches(desk, etag, deleted):
    await desk.create(PATIENT)
    if deleted:
        assert (await desk("delete", "Patient", parameters=CRITERIA, if_match=etag)).status == 204
    else:
        with pytest.raises(VersionConflict):
            await desk("delete", "Patient", parameters=CRITERIA, if_match=etag)
    assert (await desk.search("Patient"))["total"] == (0 if deleted else 1)


async def test_if_match_of_a_conditional_delete_does_not_hold_where_nothing_matches(desk):
    with pytest.raises(VersionConflict):
        await desk("delete", "Patient", parameters=CRITERIA, if_match="*")
