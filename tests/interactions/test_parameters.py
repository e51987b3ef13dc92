"""The parameters of interactions without criteria: which are taken, and what `_summary` and `_elements` show."""

from __future__ import annotations

import pytest

from fhir_server.kernel.errors import BadRequest, NotUnderstood
from tests.interactions.desk import content, entry

PATIENT = {"resourceType": "Patient", "id": "a", "active": True, "maritalStatus": {"text": "x"}}
KINDS = ["read", "vread", "create", "update", "delete", "history-instance", "capabilities", "transaction", "batch"]


def asked(kind: str) -> dict:
    """Return what an interaction of `kind` needs."""
    needed = {"resource_type": "Patient", "id_": "a", "version_id": "1", "body": PATIENT}
    if kind == "create":
        del needed["id_"]
    if kind == "capabilities":
        return {}
    return {"body": {"resourceType": "Bundle", "type": kind}} if kind in {"batch", "transaction"} else needed


@pytest.mark.parametrize("kind", KINDS)
async def test_an_unknown_parameter_is_refused_with_a_suggestion_before_anything_happens(desk, kind):
    await desk("update", "Patient", "a", PATIENT)
    with pytest.raises(NotUnderstood) as refused:
        await desk(kind, **asked(kind), parameters=(("_fromat", "json"),))
    assert "did you mean _format?" in refused.value.diagnostics
    assert content(await desk("history-system"))["total"] == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_the_format_is_a_parameter_of_all(desk, kind):
    await desk("update", "Patient", "a", PATIENT)
    reply = await desk(kind, **asked(kind), parameters=(("_format", "json"), ("_pretty", "true")))
    assert reply.status < 300


async def test_handling_lenient_passes_over_what_is_unknown(desk):
    import dataclasses

    from fhir_server.interactions.interaction import Interaction, Preferences
    from fhir_server.interactions.perform import perform

    await desk("update", "Patient", "a", PATIENT)
    read = Interaction(kind="read", resource_type="Patient", id="a", parameters=(("nonsense", "1"),))
    lenient = dataclasses.replace(read, preferences=Preferences(lenient=True))
    assert (await perform(lenient, desk.context)).status == 200


async def test_an_unknown_parameter_of_an_entry_fails_the_transaction(desk):
    with pytest.raises(NotUnderstood) as refused:
        await desk.bundle(entry("PUT", "Patient/a?nonsense=1", PATIENT))
    assert refused.value.issues[0].expression == "Bundle.entry[0]"


@pytest.mark.parametrize("kind", ["create", "update", "conditional"])
@pytest.mark.parametrize(("name", "value"), [("_summary", "true"), ("_elements", "active")])
async def test_a_write_answers_with_the_part_that_is_asked_for(desk, kind, name, value):
    criteria = (("identifier", "7"),) if kind == "conditional" else ()
    reply = await desk(
        "create" if kind == "create" else "update",
        "Patient",
        "a" if kind == "update" else None,
        PATIENT,
        parameters=(*criteria, (name, value)),
    )
    shown = content(reply)
    assert shown["active"] is True
    assert "maritalStatus" not in shown
    assert shown["meta"]["tag"][0]["code"] == "SUBSETTED"
    whole = content(await desk("read", "Patient", shown["id"]))
    assert "maritalStatus" in whole
    assert "tag" not in whole["meta"]


async def test_a_write_whose_answer_cannot_be_made_is_not_done(desk):
    for parameters in ((("_summary", "some"),), (("_summary", "true"), ("_elements", "id"))):
        with pytest.raises(BadRequest):
            await desk("update", "Patient", "a", PATIENT, parameters=parameters)
        with pytest.raises(BadRequest):
            await desk.bundle(entry("PUT", "Patient/a?" + "&".join(f"{n}={v}" for n, v in parameters), PATIENT))
    assert content(await desk("history-system"))["total"] == 0


async def test_the_links_of_a_history_keep_the_format_that_was_asked_for(desk):
    for _ in range(2):
        await desk("update", "Patient", "a", PATIENT)
    parameters = (("_format", "xml"), ("_pretty", "true"), ("_count", "1"))
    bundle = content(await desk("history-system", parameters=parameters))
    assert ["_format=xml&_pretty=true" in link["url"] for link in bundle["link"]] == [True, True]


@pytest.mark.parametrize(("name", "value"), [("_summary", "true"), ("_elements", "active")])
async def test_a_history_shows_parts_and_its_links_keep_asking_for_them(desk, name, value):
    for _ in range(2):
        await desk("update", "Patient", "a", PATIENT)
    bundle = content(await desk("history-instance", "Patient", "a", parameters=((name, value), ("_count", "1"))))
    shown = bundle["entry"][0]["resource"]
    assert shown["active"] is True
    assert "maritalStatus" not in shown
    assert [f"{name}={value}" in link["url"] for link in bundle["link"]] == [True, True]


async def test_summary_count_of_a_history_is_its_total(desk):
    await desk("update", "Patient", "a", PATIENT)
    bundle = content(await desk("history-type", "Patient", parameters=(("_summary", "count"),)))
    assert bundle["total"] == 1
    assert "entry" not in bundle


@pytest.mark.parametrize("version", ["01", "0", "1.0", "-1", "\u0661", ""])
async def test_a_version_is_named_as_it_is_written_in_its_etag(desk, version):
    from fhir_server.kernel.errors import NotFound

    await desk("update", "Patient", "a", PATIENT)
    with pytest.raises(NotFound):
        await desk("vread", "Patient", "a", version_id=version)
