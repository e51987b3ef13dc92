"""`_include` and `_revinclude`: what comes along, once, marked as such, and never cut."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fhir_server.kernel.errors import TooCostly
from tests.search.search_desk import SearchDesk, desk_with, ids

pytestmark = pytest.mark.asyncio(loop_scope="module")


def of(resource_type, id_, **rest):
    return {"resourceType": resource_type, "id": id_, **rest}


def to(reference):
    return {"reference": reference}


CLINIC = [
    of("Organization", "top", name="Top"),
    of("Organization", "mid", name="Mid", partOf=to("Organization/top")),
    of("Organization", "low", name="Low", partOf=to("Organization/mid")),
    of("Practitioner", "doc", name=[{"family": "Healer"}]),
    of("Patient", "eve", managingOrganization=to("Organization/low"), generalPractitioner=[to("Practitioner/doc")]),
    of("Patient", "adam"),
    of("Observation", "o1", status="final", code={"text": "x"}, subject=to("Patient/eve"), performer=[to("Practitioner/doc")]),
    of("Observation", "o2", status="final", code={"text": "x"}, subject=to("http://test/fhir/Patient/eve")),
    of("Observation", "o3", status="final", code={"text": "x"}, subject=to("Patient/gone"), performer=[to("#c")],
       contained=[of("Practitioner", "c")]),
    of("Observation", "o4", status="final", code={"text": "x"}, subject=to("http://elsewhere.example/Patient/eve")),
    of("Observation", "o5", status="final", code={"text": "x"}, subject=to("Patient/adam"), hasMember=[to("Observation/o1")]),
    of("Provenance", "prov", recorded="2024-01-01T00:00:00Z", target=[to("Observation/o1")], agent=[{"who": to("Practitioner/doc")}]),
]  # fmt: skip

desk = desk_with(CLINIC)

CASES = [
    ("Observation?_id=o1&_include=Observation:subject", "eve"),
    ("Observation?_id=o1,o2&_include=Observation:subject", "eve"),
    ("Observation?_id=o1&_include=Observation:subject&_include=Observation:performer", "eve doc"),
    ("Observation?_id=o1&_include=Observation:subject:Group", ""),
    ("Observation?_id=o1&_include=Observation:subject:Patient", "eve"),
    ("Observation?_id=o1&_include=Observation:patient", "eve"),
    ("Observation?_id=o3&_include=Observation:subject&_include=Observation:performer", ""),
    ("Observation?_id=o4&_include=Observation:subject", ""),
    ("Observation?_id=o1&_include=Observation:*", "eve doc"),
    ("Observation?_id=o1&_include=*", "eve doc"),
    ("Observation?_id=o1,o5&_include=Observation:has-member", ""),
    ("Observation?_id=o5&_include=Observation:has-member", "o1"),
    ("Observation?_id=o5&_include=Observation:has-member&_include=Observation:subject", "o1 adam"),
    ("Observation?_id=o5&_include=Observation:has-member&_include:iterate=Observation:subject", "o1 eve adam"),
    ("Organization?_id=low&_include=Organization:partof", "mid"),
    ("Organization?_id=low&_include:iterate=Organization:partof", "mid top"),
    ("Observation?_id=o1&_include=Observation:subject&_include:iterate=Patient:organization", "eve low"),
    (
        (
            "Observation?_id=o1&_include=Observation:subject&_include:iterate=Patient:organization"
            "&_include:iterate=Organization:partof"
        ),
        "eve low mid top",
    ),
    ("Patient?_id=eve&_revinclude=Observation:subject", "o1 o2"),
    ("Patient?_id=eve,adam&_revinclude=Observation:patient", "o1 o2 o5"),
    ("Patient?_id=eve&_revinclude=Observation:subject:Group", ""),
    ("Patient?_id=eve&_revinclude=Observation:subject&_revinclude:iterate=Provenance:target", "o1 o2 prov"),
    ("Patient?_id=eve&_revinclude=Observation:subject&_revinclude=Provenance:target", "o1 o2"),
    ("Patient?_id=eve&_revinclude=Observation:*", "o1 o2"),
    ("Practitioner?_id=doc&_revinclude=*", "eve o1 prov"),
    ("Patient?_id=nobody&_revinclude=Observation:subject", ""),
]


@pytest.mark.parametrize(("url", "expected"), [pytest.param(*case, id=case[0]) for case in CASES])
async def test_what_comes_along(desk, url, expected):
    bundle = await desk.search(url)
    assert sorted(ids(bundle, "include")) == sorted(expected.split())


async def test_the_total_and_the_pages_count_matches_alone(desk):
    bundle = await desk.search("Observation?_sort=_id&_count=2&_include=Observation:subject&_total=accurate")
    assert (bundle["total"], ids(bundle), ids(bundle, "include")) == (5, ["o1", "o2"], ["eve"])


async def test_over_the_limit_the_search_is_refused_not_cut(desk):
    parts = desk.context.parts
    narrow = replace(parts, settings=parts.settings.model_copy(update={"max_included": 1}))
    small = SearchDesk(replace(desk.context, parts=narrow))
    assert ids(await small.search("Patient?_id=adam&_revinclude=Observation:subject"), "include") == ["o5"]
    for url in ("Patient?_id=eve&_revinclude=Observation:subject", "Observation?_id=o1&_include=*"):
        with pytest.raises(TooCostly, match="more than 1 resources"):
            await small.search(url)


async def test_a_round_takes_a_fixed_number_of_round_trips(desk):
    store = desk.context.parts.store
    counts = []
    for url in ("Observation?_id=o1", "Observation?_id=o1,o2,o5"):
        before = store.round_trips
        await desk.search(f"{url}&_include=Observation:subject&_revinclude=Provenance:target")
        counts.append(store.round_trips - before)
    assert counts[0] == counts[1] == 3
