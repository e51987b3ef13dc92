"""Searches between two dates: exact whatever the width of the dates, in order across pages, and from an index."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from fhir_server.search.compiler import compile_count, compile_search
from fhir_server.search.rewrites.window import WIDTH
from fhir_server.store.compiled import sql_of
from fhir_server.store.tables import schema
from tests.search.search_desk import desk_with

pytestmark = pytest.mark.asyncio(loop_scope="module")

START = datetime(2024, 1, 1, tzinfo=UTC)
RANDOM = Random(5)
WIDTHS = [
    timedelta(minutes=20), timedelta(hours=23), timedelta(days=1) - timedelta(seconds=1), timedelta(days=1),
    timedelta(days=1, seconds=1), timedelta(days=9), timedelta(days=60), None,
]  # fmt: skip


def text(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def encounter(n):
    begins = START + timedelta(hours=RANDOM.randrange(24 * 40))
    width = RANDOM.choice(WIDTHS)
    period = {"start": text(begins), **({"end": text(begins + width)} if width else {})}
    return {
        "resourceType": "Encounter",
        "id": f"e{n:03}",
        "status": "finished",
        "class": {"code": "AMB"},
        "period": period,
    }


BACKWARDS = {
    "resourceType": "Encounter", "id": "backwards", "status": "finished", "class": {"code": "AMB"},
    "period": {"start": "2024-01-10", "end": "2023-01-01"},
}  # fmt: skip
UNDATED = {"resourceType": "Encounter", "id": "undated", "status": "planned", "class": {"code": "AMB"}}
CLINIC = [encounter(n) for n in range(90)]

desk = desk_with([*CLINIC, UNDATED, BACKWARDS])


def moment(text_):
    return datetime.strptime(text_, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def bounds(resource):
    period = resource["period"]
    end = moment(period["end"]) + timedelta(seconds=1) if "end" in period else datetime.max.replace(tzinfo=UTC)
    return moment(period["start"]), end


def day(text_):
    low = datetime.strptime(text_, "%Y-%m-%d").replace(tzinfo=UTC)
    return low, low + timedelta(days=1)


def holds(resource, criterion):
    (from_, to), (low, high) = bounds(resource), day(criterion[2:])
    within = low <= from_ and to <= high
    return {
        "gt": to > high,
        "ge": to > high or within,
        "lt": from_ < low,
        "le": from_ < low or within,
        "eb": to <= low,
        "sa": from_ >= high,
    }[criterion[:2]]


WINDOWS = [
    ("ge2024-01-10", "lt2024-01-11"), ("ge2024-01-10", "le2024-01-12"), ("gt2024-01-09", "lt2024-01-20"),
    ("gt2024-01-20",), ("ge2024-02-08",), ("le2024-01-03",), ("eb2024-01-05",), ("gt2024-01-05", "eb2024-01-09"),
    ("sa2024-01-05", "gt2024-01-07", "lt2024-01-12"), ("ge2023-01-01", "lt2030-01-01"),
]  # fmt: skip


@pytest.mark.parametrize("window", WINDOWS, ids="&".join)
@pytest.mark.parametrize("sort", ["", "_sort=date", "_sort=-date"], ids=["unsorted", "rising", "falling"])
async def test_a_window_finds_what_lies_in_it_once_and_in_order(desk, window, sort):
    matching = [r for r in CLINIC if all(holds(r, criterion) for criterion in window)]
    expected = sorted((bounds(r)[0], r["id"]) for r in matching)
    query = "&".join([*(f"date={one}" for one in window), *([sort] if sort else []), "_count=7", "_total=accurate"])
    found = [id_ for id_ in await desk.all_ids(f"Encounter?{query}") if id_ != "backwards"]
    if sort:
        assert found == [id_ for _, id_ in (expected if sort == "_sort=date" else expected[::-1])]
    else:
        assert sorted(found) == sorted(id_ for _, id_ in expected)


async def test_an_end_before_the_start_is_the_start(desk):
    assert "backwards" in await desk.all_ids("Encounter?date=2024-01-10")
    assert "backwards" in await desk.all_ids("Encounter?date=ge2024-01-10&date=le2024-01-10")
    assert "backwards" not in await desk.all_ids("Encounter?date=lt2024-01-10")


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
async def test_the_index_of_wide_dates_has_the_condition_searches_state(dialect):
    (index,) = [i for i in schema(dialect, ["Encounter"]).tables["encounter"].indexes if i.name == "encounter_wide"]
    condition = index.dialect_options[dialect]["where"]
    assert str(condition) == f"encounter.date_high - encounter.date_low > {WIDTH}"


@pytest.mark.parametrize(
    ("query", "is_window"),
    [
        ("Encounter?date=ge2024&date=lt2025", True),
        ("Encounter?date=gt2024&status=finished", True),
        ("Encounter?date=2024", False),
        ("Encounter?date=ge2024&date=2024-05", False),
        ("Encounter?date=ge2024&patient=Patient/1", False),
        ("Encounter?date=ge2024&_id=a", False),
        ("Encounter?date=lt2024", False),
    ],
)
async def test_a_window_is_taken_apart_unless_there_is_a_better_start(read_query, query, is_window):
    statement = compile_count(read_query(query), 1, "postgresql")
    assert (str(WIDTH) in sql_of(statement.build(), "postgresql").text) is is_window


async def test_in_order_of_the_date_each_half_has_its_own_run(read_query):
    query = read_query("Encounter?date=ge2024&date=lt2025&_sort=-date")
    halves = sql_of(compile_search(query, 1, "postgresql", limit=5).build(), "postgresql").text.split("UNION ALL")
    assert len(halves) == 2
    assert all("ORDER BY" in half and "date_low <" in half for half in halves)
