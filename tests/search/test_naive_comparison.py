"""Random searches over random clinics: the server and the naive evaluator find the same, on both databases.

FHIR_TEST_QUERIES says how many a clinic (default 250), FHIR_TEST_SEED where to start.
"""

from __future__ import annotations

import os
from urllib.parse import quote

import pytest

from tests.search.naive.evaluator import Evaluator
from tests.search.naive.generator import Generator
from tests.search.search_desk import desk_with

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUERIES = int(os.environ.get("FHIR_TEST_QUERIES", "250"))
SEED = int(os.environ.get("FHIR_TEST_SEED", "1"))
SIZE = 24
CORPUS = Generator(SEED).corpus(SIZE)

desk = desk_with(CORPUS)


@pytest.mark.parametrize("part", range(4))
async def test_the_server_finds_what_a_reading_of_every_resource_finds(desk, part):
    evaluator, generator = Evaluator(CORPUS), Generator(SEED * 1000 + part)
    found_something = 0
    for _ in range(QUERIES):
        resource_type, criteria = generator.search(SIZE)
        expected = evaluator.search(resource_type, criteria)
        query = "&".join(f"{name}={quote(value)}" for name, value in criteria)
        bundle = await desk.search(f"{resource_type}?{query}&_count=1000&_total=accurate")
        found = {entry["resource"]["id"] for entry in bundle.get("entry", ())}
        assert found == expected, f"{resource_type}?" + "&".join(f"{n}={v}" for n, v in criteria)
        assert bundle["total"] == len(expected)
        found_something += bool(expected)
    assert found_something > QUERIES / 5
