"""Pages show every match once, whatever is written between them, and their links cannot be made up."""

from __future__ import annotations

import pytest

from fhir_server.kernel.errors import BadRequest
from fhir_server.search.paging import open_cursor, seal_cursor
from tests.search.search_desk import desk_with, ids, link

PATIENTS = [
    {
        "resourceType": "Patient",
        "id": f"p{n:02}",
        "gender": ["male", "female", None][n % 3],
        "birthDate": [None, "1980", "1980-02", f"19{50 + n}-01-01"][n % 4],
        "name": [{"family": f"Name{n % 5}"}] if n % 6 else [],
    }
    for n in range(23)
]
for one in PATIENTS:
    for key in [key for key, value in one.items() if not value]:
        del one[key]
PRACTITIONERS = [{"resourceType": "Practitioner", "id": f"p{n:02}", "name": [{"family": f"Name{n}"}]} for n in range(4)]

desk = desk_with([*PATIENTS, *PRACTITIONERS])

SORTS = [
    "", "_sort=family", "_sort=-family", "_sort=birthdate", "_sort=-birthdate", "_sort=gender,-birthdate",
    "_sort=-gender,family,birthdate", "_sort=_lastUpdated", "_sort=-_lastUpdated", "_sort=-_id", "_sort=-birthdate,_id",
    "_sort=-birthdate&gender=male", "_sort=name,-_id",
]  # fmt: skip


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("count", [1, 4, 22, 23, 100])
@pytest.mark.asyncio(loop_scope="module")
async def test_the_pages_together_are_the_whole_in_order(desk, sort, count):
    whole = await desk.ids(f"Patient?{sort}&_count=200")
    paged = await desk.all_ids(f"Patient?{sort}&_count={count}")
    assert paged == whole
    assert len(set(paged)) == len(paged)


@pytest.mark.parametrize("sort", ["", "_sort=_lastUpdated", "_sort=-_lastUpdated", "_sort=-_id", "_sort=_id"])
@pytest.mark.parametrize("count", [1, 3, 10])
@pytest.mark.asyncio(loop_scope="module")
async def test_pages_across_types_show_all_once(desk, sort, count):
    url = f"?_type=Practitioner,Patient&{sort}&_count={count}"
    found, following = [], url
    while following:
        bundle = await desk.search(following)
        assert bundle["total"] == 27
        found += [(e["resource"]["resourceType"], e["resource"]["id"]) for e in bundle["entry"]]
        following = link(bundle, "next")
    assert len(found) == 27
    assert set(found) == {(r["resourceType"], r["id"]) for r in [*PATIENTS, *PRACTITIONERS]}


@pytest.mark.parametrize("sort", ["", "_sort=-birthdate", "_sort=family"])
@pytest.mark.asyncio(loop_scope="module")
async def test_what_was_there_all_along_is_seen_once_while_others_write(desk, sort):
    whole = await desk.ids(f"Patient?{sort}&_count=200")
    bundle = await desk.search(f"Patient?{sort}&_count=5")
    seen = ids(bundle)
    written = 0
    while following := link(bundle, "next"):
        for id_ in (f"a{written}", f"p{written:02}x", f"z{written}"):
            await desk.put(
                {
                    "resourceType": "Patient",
                    "id": id_,
                    "birthDate": f"19{written % 90 + 10}",
                    "name": [{"family": "Name2"}],
                }
            )
        written += 1
        bundle = await desk.search(following)
        seen += ids(bundle)
    added = {id_ for n in range(written) for id_ in (f"a{n}", f"p{n:02}x", f"z{n}")}
    for id_ in added:
        await desk.delete("Patient", id_)
    assert [id_ for id_ in seen if id_ not in added] == whole
    assert len(seen) == len(set(seen))


@pytest.mark.asyncio(loop_scope="module")
async def test_a_cursor_of_another_search_is_refused(desk):
    following = link(await desk.search("Patient?gender=male&_count=2"), "next")
    with pytest.raises(BadRequest, match="not valid"):
        await desk.search(following.replace("gender=male", "gender=female"))
    with pytest.raises(BadRequest, match="not valid"):
        await desk.search(following[:-2] + ("AA" if following[-2:] != "AA" else "BB"))


def test_a_cursor_opens_only_with_its_own_tenant_scope_and_secret():
    cursor = seal_cursor([None, 0, ["é", 5, None]], "search/Patient", 1, "secret")
    assert open_cursor(cursor, "search/Patient", 1, "secret") == [None, 0, ["é", 5, None]]
    for scope, tenant, secret in [
        ("search/Other", 1, "secret"),
        ("search/Patient", 2, "secret"),
        ("search/Patient", 1, ""),
    ]:
        with pytest.raises(BadRequest):
            open_cursor(cursor, scope, tenant, secret)


@pytest.mark.parametrize("cursor", ["", "x", "é", "AAAA", "A" * 5000, "====", "not base64!"])
def test_a_text_that_is_no_cursor_is_refused(cursor):
    with pytest.raises(BadRequest):
        open_cursor(cursor, "s", 1, "secret")
