"""history of an instance, a type, the system."""

from __future__ import annotations

import pytest

from fhir_server.kernel.errors import BadRequest, NotFound
from fhir_server.spec.temporal import format_instant
from tests.interactions.desk import content

PATIENT = {"resourceType": "Patient"}


async def versions(desk) -> dict:
    """Make three versions of one patient, the last its deletion, and a group; return what was made."""
    made = await desk.create(PATIENT)
    await desk("update", "Patient", made["id"], {**made, "active": True})
    await desk("delete", "Patient", made["id"])
    await desk.create({"resourceType": "Group", "type": "person", "actual": True})
    return made


def told(bundle: dict) -> list[tuple]:
    return [(e["request"]["method"], e["response"]["etag"]) for e in bundle.get("entry", [])]


async def test_the_history_of_an_instance_is_newest_first_with_its_deletion(desk):
    made = await versions(desk)
    bundle = content(await desk("history-instance", "Patient", made["id"]))
    assert bundle["type"] == "history"
    assert bundle["total"] == 3
    assert told(bundle) == [("DELETE", 'W/"3"'), ("PUT", 'W/"2"'), ("POST", 'W/"1"')]
    assert "resource" not in bundle["entry"][0]
    assert bundle["entry"][1]["resource"]["active"] is True
    assert bundle["entry"][2]["fullUrl"] == f"http://test/fhir/Patient/{made['id']}"
    assert bundle["entry"][0]["request"]["url"] == f"Patient/{made['id']}"
    assert bundle["entry"][2]["request"]["url"] == "Patient"


async def test_histories_of_type_and_system_hold_what_is_theirs(desk):
    await versions(desk)
    assert content(await desk("history-type", "Patient"))["total"] == 3
    assert content(await desk("history-type", "Group"))["total"] == 1
    bundle = content(await desk("history-system"))
    assert bundle["total"] == 4
    assert bundle["entry"][0]["resource"]["resourceType"] == "Group"


async def test_the_history_of_what_never_was_is_not_found(desk):
    with pytest.raises(NotFound):
        await desk("history-instance", "Patient", "nobody")


@pytest.mark.parametrize("count", [1, 2, 3, 5])
async def test_pages_of_a_history_hold_every_version_once_while_others_write(desk, count):
    await versions(desk)
    seen, parameters = [], (("_count", str(count)),)
    for _ in range(20):
        bundle = content(await desk("history-system", parameters=parameters))
        seen += [(e["fullUrl"], e["response"]["etag"]) for e in bundle.get("entry", [])]
        link = {item["relation"]: item["url"] for item in bundle["link"]}
        await desk.create(PATIENT)
        if "next" not in link:
            break
        from urllib.parse import parse_qsl, urlsplit

        parameters = tuple(parse_qsl(urlsplit(link["next"]).query))
    assert len(seen) == len(set(seen)) == 4


async def test_since_holds_what_changed_at_or_after_the_instant(desk):
    made = await versions(desk)
    second = (await desk("vread", "Patient", made["id"], version_id="2")).updated
    bundle = content(
        await desk("history-instance", "Patient", made["id"], parameters=(("_since", format_instant(second)),))
    )
    assert told(bundle) == [("DELETE", 'W/"3"'), ("PUT", 'W/"2"')]


async def test_at_holds_the_versions_that_were_current_then(desk):
    made = await versions(desk)
    second = (await desk("vread", "Patient", made["id"], version_id="2")).updated
    bundle = content(await desk("history-type", "Patient", parameters=(("_at", format_instant(second)),)))
    assert told(bundle) == [("PUT", 'W/"2"')]


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param((("_since", "yesterday"),), id="_since is an instant"),
        pytest.param((("_at", "2020-13"),), id="_at is a time"),
        pytest.param((("_count", "-1"),), id="_count is not negative"),
        pytest.param((("_count", "many"),), id="_count is a number"),
        pytest.param((("_cursor", "forged"),), id="a cursor is one that this server made"),
        pytest.param((("name", "x"),), id="search parameters are not for histories"),
    ],
)
async def test_a_history_is_refused_unless(desk, parameters):
    with pytest.raises(BadRequest):
        await desk("history-system", parameters=parameters)
