"""Parameters that others make up are answered as if they had entries of their own; they have none."""

from __future__ import annotations

import pytest

from tests.search.search_desk import desk_with

pytestmark = pytest.mark.asyncio(loop_scope="module")


def observation(id_, code=None, **rest):
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": code or {"text": "only a text"},
        **rest,
    }


def coded(code, **rest):
    return {"coding": [{"system": "http://s.example", "code": code, **rest}]}


def mg(value):
    return {"value": value, "unit": "mg"}


def sampled(data):
    return {"origin": {"value": 0, "unit": "mg"}, "period": 1, "dimensions": 1, "data": data}


CLINIC = [
    observation("a5", coded("a"), valueQuantity=mg(5)),
    observation("b6", coded("b"), valueQuantity=mg(6)),
    observation("parts", coded("p"), component=[
        {"code": coded("a", display="Systole"), "valueQuantity": mg(6)}, {"code": coded("b"), "valueQuantity": mg(5)},
    ]),
    observation("text5", valueQuantity=mg(5)),
    observation("a-series", coded("a"), valueSampledData=sampled("4 6")),
    observation("a-concept", coded("a", display="Systolic"), valueCodeableConcept=coded("x") | {"text": "Word"}),
    observation("a-string", coded("a"), valueString="Word"),
    observation("a-when", coded("a"), valueDateTime="2020-02-03"),
    observation("none"),
    {"resourceType": "Patient", "id": "eve", "name": [{"family": "Evening"}]},
    {"resourceType": "CodeSystem", "id": "cs", "url": "http://c.example/one", "status": "draft", "content": "complete"},
]  # fmt: skip

desk = desk_with(CLINIC)

EVERYONE = {r["id"] for r in CLINIC if r["resourceType"] == "Observation"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("combo-code=a", "a5 parts a-series a-concept a-string a-when"),
        ("combo-code=p,b", "b6 parts"),
        ("combo-code:not=a", "b6 text5 none"),
        ("combo-code:not=a,b", "text5 none"),
        ("combo-code:text=syst", "parts a-concept"),
        ("combo-code:missing=true", ""),
        ("combo-value-quantity=gt5", "b6 parts a-series"),
        ("combo-value-quantity:missing=true", "a-concept a-string a-when none"),
        ("combo-value-quantity:missing=false", "a5 b6 parts text5 a-series"),
        ("combo-value-concept=x", "a-concept"),
        ("code-value-quantity=a$5", "a5"),
        ("code-value-quantity=a$6,b$6", "b6"),
        ("code-value-quantity=a$5,b$6,p$1", "a5 b6"),
        ("code-value-quantity=http://s.example|$gt4", "a5 b6"),
        ("code-value-quantity:missing=false", "a5 b6"),
        ("code-value-concept=a$x", "a-concept"),
        ("code-value-concept=a$|x", ""),
        ("code-value-string=a$wor", "a-string"),
        ("code-value-string:missing=false", "a-string"),
        ("code-value-date=a$2020-02", "a-when"),
        ("code-value-date=a$ne2020-02", ""),
        ("combo-code-value-quantity=a$5", "a5"),
        ("combo-code-value-quantity=a$6", "parts"),
        ("combo-code-value-quantity=a$5,b$5", "a5 parts"),
        ("combo-code-value-quantity:missing=false", "a5 b6 parts"),
        ("component-code-value-quantity=a$6", "parts"),
        ("component-code-value-quantity=|a$6", ""),
        ("component-code-value-quantity=http://s.example|$5", "parts"),
        ("component-code-value-quantity=http://s.example|a$5,b$5", "parts"),
    ],
)
async def test_a_derived_parameter_finds_what_its_expression_selects(desk, query, expected):
    assert set(await desk.all_ids(f"Observation?{query}")) == set(expected.split())


@pytest.mark.parametrize(
    "code", ["combo-code", "code-value-quantity", "combo-code-value-quantity", "combo-value-quantity"]
)
async def test_missing_true_and_false_divide_everyone(desk, code):
    without, with_ = [set(await desk.all_ids(f"Observation?{code}:missing={value}")) for value in ("true", "false")]
    assert without | with_ == EVERYONE
    assert not without & with_
    assert set(await desk.all_ids(f"Observation?{code}:missing=true,false")) == EVERYONE


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("combo-value-quantity", "a-series a5 parts text5 b6"),
        ("-combo-value-quantity", "parts b6 text5 a5 a-series"),
        ("combo-code,_id", "a-series a5 parts b6 text5"),
    ],
)
async def test_a_union_sorts_by_the_least_or_greatest_of_all_its_parts(desk, sort, expected):
    assert await desk.ids(f"Observation?_sort={sort}&combo-value-quantity:missing=false") == expected.split()


async def test_chains_and_has_reach_derived_parameters(desk):
    await desk.put(observation("of-eve", coded("z"), subject={"reference": "Patient/eve"}, valueQuantity=mg(9)))
    try:
        assert await desk.ids("Observation?subject:Patient.phonetic=even") == ["of-eve"]
        assert await desk.ids("Patient?_has:Observation:subject:combo-code=z") == ["eve"]
        assert await desk.ids("Patient?_has:Observation:subject:code-value-quantity=z$9") == ["eve"]
        assert await desk.ids("Patient?_has:Observation:subject:code-value-quantity=z$8") == []
    finally:
        await desk.delete("Observation", "of-eve")


@pytest.mark.parametrize(
    "query", ["url=http://c.example/one", "system=http://c.example/one", "url:below=http://c.example"]
)
async def test_of_two_parameters_with_one_expression_both_answer(desk, query):
    assert await desk.ids(f"CodeSystem?{query}") == ["cs"]
