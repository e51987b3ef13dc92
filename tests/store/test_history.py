"""History of an instance, a type and everything: newest first, limited by time, page by page.

https://hl7.org/fhir/R4/http.html#history
"""

from __future__ import annotations

import pytest

from tests.store.making import MILLISECOND, START, deletion, write

SCOPES = {
    "instance": {"resource_type": "Patient", "id": "a"},
    "type": {"resource_type": "Patient"},
    "system": {},
}
OF_SCOPE = {"instance": {("Patient", "a")}, "type": {("Patient", "a"), ("Patient", "b")}}


def at(milliseconds: int) -> int:
    return START + milliseconds * MILLISECOND


STORY = [
    write("Patient", "a", at=at(10)),
    write("Group", "a", at=at(20)),
    write("Patient", "b", at=at(30)),
    write("Patient", "a", 2, at=at(40)),
    deletion("Group", "a", 2, at=at(50)),
    write("Patient", "a", 3, at=at(60)),
    deletion("Patient", "b", 2, at=at(70)),
    write("Group", "a", 3, at=at(80)),
    deletion("Patient", "a", 4, at=at(90)),
    write("Patient", "a", 5, at=at(100)),
]


@pytest.fixture
async def told(store):
    """The tenant's store after the story, with another tenant's noise around it."""
    other = store.tenant(await store.create_tenant("other"))
    for step in STORY:
        await other.write([step])
        await store.tenant(1).write([step])
    return store.tenant(1)


def expected(scope: str) -> list:
    wanted = OF_SCOPE.get(scope)
    return [w.version for w in reversed(STORY) if wanted is None or (w.version.resource_type, w.version.id) in wanted]


@pytest.mark.parametrize("scope", SCOPES)
async def test_history_is_every_version_newest_first(told, scope):
    assert await told.history(**SCOPES[scope]) == expected(scope)
    assert await told.history_count(**SCOPES[scope]) == len(expected(scope))


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("since", [0, 39, 40, 41, 100, 101])
async def test_since_includes_its_instant(told, scope, since):
    wanted = [v for v in expected(scope) if v.updated >= at(since)]
    assert await told.history(**SCOPES[scope], since=at(since)) == wanted
    assert await told.history_count(**SCOPES[scope], since=at(since)) == len(wanted)


def was_current(version, low: int, high: int) -> bool:
    later = [
        w.version.updated
        for w in STORY
        if (w.version.resource_type, w.version.id) == (version.resource_type, version.id)
        and w.version.version == version.version + 1
    ]
    return version.updated < high and (not later or later[0] > low)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(
    ("low", "high"), [(0, 10), (0, 11), (45, 46), (40, 41), (39, 41), (55, 85), (0, 1000), (100, 101), (500, 501)]
)
async def test_at_gives_what_was_current_at_some_time_in_the_period(told, scope, low, high):
    period = (at(low), at(high))
    wanted = [v for v in expected(scope) if was_current(v, *period) or at(low) <= v.updated < at(high)]
    assert await told.history(**SCOPES[scope], at=period) == wanted
    assert await told.history_count(**SCOPES[scope], at=period) == len(wanted)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("size", [1, 2, 3])
async def test_pages_are_the_whole_while_others_write(told, scope, size):
    pages, before = [], None
    while page := await told.history(**SCOPES[scope], before=before, limit=size):
        pages += page
        before = (page[-1].updated, page[-1].position)
        number = 6 + len(pages)
        await told.write([write("Patient", f"new-{number}", at=at(1000 + number))])
    assert pages == expected(scope)


async def test_versions_of_one_instant_stay_in_the_order_they_came(store):
    patients = store.tenant(1)
    await patients.write([write("Patient", f"{n}", at=at(5)) for n in range(20)])
    ids = [f"{n}" for n in reversed(range(20))]
    assert [v.id for v in await patients.history(resource_type="Patient")] == ids
    first = await patients.history(limit=7)
    rest = await patients.history(before=(first[-1].updated, first[-1].position))
    assert [v.id for v in first + rest] == ids
