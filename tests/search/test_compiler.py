"""Statements: few shapes, always within the tenant, and the driver is what the rules say."""

from __future__ import annotations

import re
from functools import cache

import pytest

from fhir_server.kernel.settings import Settings
from fhir_server.search.compiler import compile_count, compile_matches, compile_search
from fhir_server.search.elements import selected_by
from fhir_server.search.parameters import SearchParameters
from fhir_server.search.parser import parse_search
from fhir_server.spec.packages import load_definitions
from fhir_server.spec.search_expressions import union_parts
from fhir_server.store.compiled import sql_of

SETTINGS = Settings(_env_file=None)


@cache
def parameters():
    return SearchParameters(load_definitions())


def query(url, **compartment):
    resource_type, _, text = url.partition("?")
    pairs = [tuple(pair.split("=", 1)) for pair in text.split("&") if pair]
    return parse_search(
        resource_type, pairs, parameters=parameters(), definitions=parameters().definitions, settings=SETTINGS,
        lenient=False, now=0, **compartment,
    )  # fmt: skip


def statement(url, dialect="postgresql", **rest):
    return compile_search(query(url), 1, dialect, limit=21, **rest)


def text(url, dialect="postgresql", **rest):
    return re.sub(r"\s+", " ", sql_of(statement(url, dialect, **rest).build(), dialect).text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Patient?family=eve", "Patient?family=adam"),
        ("Observation?code=a,b", "Observation?code=a,b,c,d,e"),
        ("Observation?subject=Patient/a", "Observation?subject=Patient/b"),
        ("Patient?_id=a,b", "Patient?_id=a,b,c"),
        ("Patient?family:contains=a,b,c", "Patient?family:contains=a,b,c,d"),
        ("Observation?date=gt2020,lt2019", "Observation?date=lt2010,gt2011"),
        ("Observation?value-quantity=gt5,lt3,7", "Observation?value-quantity=1,lt3,gt9"),
    ],
)
@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_searches_that_differ_in_values_alone_share_a_shape(one, other, dialect):
    assert statement(one, dialect).shape == statement(other, dialect).shape


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Patient?family=eve", "Patient?family:exact=eve"),
        ("Patient?family=eve", "Patient?given=eve"),
        ("Observation?date=gt2020", "Observation?date=lt2020"),
        ("Observation?_sort=date", "Observation?_sort=-date"),
        ("Observation?status=final", "Observation?status:not=final"),
    ],
)
def test_searches_that_differ_in_meaning_have_shapes_of_their_own(one, other):
    assert statement(one).shape != statement(other).shape
    assert text(one) != text(other)


def test_the_shapes_of_long_lists_are_few():
    shapes = {statement("Patient?family:contains=" + ",".join(map(str, range(n)))).shape for n in range(1, 257)}
    assert len(shapes) == 9


ALL_SORTS_OF = [
    "Patient?family=eve", "Observation?subject:Patient.family=eve", "Patient?_has:Observation:subject:code=a",
    "Patient?_has:Observation:patient:code=a", "Observation?encounter.service-provider.name=x", "Observation?_sort=-date",
    "Observation?patient.family=x&_sort=date",
]  # fmt: skip


@pytest.mark.parametrize("url", ALL_SORTS_OF)
@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_every_table_of_a_statement_is_bound_to_the_tenant_and_skips_the_deleted(url, dialect):
    for compiled in (
        statement(url, dialect),
        compile_count(query(url), 1, dialect),
        compile_matches(query(url), 1, dialect),
    ):
        sql = sql_of(compiled.build(), dialect).text
        rows = re.findall(r"(?:FROM|JOIN) \w+ AS (r\d+)", sql)
        assert rows
        for row in rows:
            assert re.search(rf"\b{row}\.tenant = (\$\d+|\?)", sql)
            assert f"{row}.body IS NOT NULL" in sql


INDEXED = re.compile(r"r0\.h (?:@>|&&)")


@pytest.mark.parametrize(
    ("url", "indexed", "filtered"),
    [
        pytest.param("Observation?status=final", 1, 0, id="a common token alone may drive"),
        pytest.param("Observation?status=final&category=lab", 1, 1, id="of two common tokens one drives"),
        pytest.param("Observation?code=a&status=final", 1, 1, id="a code drives, not the status"),
        pytest.param("Observation?patient=p&category=lab&code=a", 0, 2, id="the hot patient drives alone"),
        pytest.param("Observation?_id=o&code=a", 0, 1, id="the id drives alone"),
        pytest.param("Patient?identifier=a&gender=male", 1, 1, id="an identifier drives"),
        pytest.param("Observation?status:not=final", 0, 1, id="what is not there cannot drive"),
        pytest.param("Observation?date=2024-03-10&status=final", 0, 1, id="a day drives before a common token"),
        pytest.param("Observation?date=ge2024&code=a", 1, 0, id="an open range does not"),
    ],
)
def test_what_drives(url, indexed, filtered):
    sql = text(url)
    assert len(INDEXED.findall(sql)) == indexed
    assert len(re.findall(r"ANY \(r0\.h\)|array_cat\(r0\.h", sql)) == filtered


def test_sqlite_looks_up_what_points_to_a_row_and_does_not_read_the_whole_table_for_each():
    url = "Encounter?_has:Observation:encounter:value-quantity=gt1"
    assert "+r1.tenant = ?" in text(url, "sqlite")
    assert "+r1.tenant" not in text(url)


def test_the_hot_patient_stands_for_every_parameter_that_reads_the_same_element():
    assert "r0.patient = " in text("Observation?patient=p")
    assert "r0.patient = " in text("Observation?subject=Patient/p")
    assert "r0.patient = " not in text("Observation?subject=Group/p")
    assert "r0.patient = " not in text("Observation?performer=Patient/p")
    assert "r0.patient = ANY" in text("Observation?patient=p,q")


def test_the_date_index_gives_the_order_of_a_sort_by_date():
    first, second = text("Observation?_sort=-date", after=(5, "x")).split("UNION ALL")
    assert "r0.date_low IS NOT NULL" in first
    assert "(r0.date_low, r0.id) < (" in first
    assert "ORDER BY r0.date_low DESC, r0.id DESC" in first
    assert "r1.date_low IS NULL" in second
    assert "UNION" not in text("Observation?_sort=-date", after=(None, "x"))
    assert "UNION" not in text("Observation?_sort=-date&date=ge2024,lt2020")
    assert "UNION" in text("Observation?_sort=-date&date:missing=false")


@pytest.mark.parametrize("resource_type", parameters().definitions.resource_types)
def test_a_main_date_is_one_range_at_most_so_its_columns_are_exact(resource_type):
    main = parameters().main_date(resource_type)
    if main is None:
        return
    definitions = parameters().definitions
    parts = union_parts(definitions.expression_for(main, resource_type))
    selected = [selected_by(part, definitions) for part in parts]
    assert all(one is not None and one.is_single for one in selected)
    # A union of elements is one range only where they are the choices of one element.
    assert len({re.sub(r"[()]|\s+as\s+\w+|\.as\(\w+\)|\.ofType\(\w+\)", "", part) for part in parts}) == 1
