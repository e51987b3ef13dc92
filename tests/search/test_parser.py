"""A query string means what R4 says, or is refused with the place and the reason."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from search.reading import NOW, ReadQuery, cases

from fhir_server.kernel.errors import BadRequest, TooCostly
from fhir_server.kernel.settings import Settings
from fhir_server.search.types.values import CompositeValue, ReferenceValue
from fhir_server.spec.ordering import sortable

if TYPE_CHECKING:
    from fhir_server.search.query import Query


def as_row(value):
    """A value dataclass as the case files write it: `-` for None."""
    fields = [getattr(value, name) for name in type(value).__slots__]
    if isinstance(value, CompositeValue):
        return [type(value).__name__, [as_row(part) for part in value.parts]]
    if isinstance(value, ReferenceValue):
        return [type(value).__name__, list(value.references)]
    return [type(value).__name__, *(written(field) for field in fields)]


def written(field):
    if field is None:
        return "-"
    return Decimal(str(field)) if isinstance(field, float) else field


def steps(query: Query) -> list[list[str]]:
    criterion = query.criteria[0]
    return [[("<" if link.reverse else ">") + link.parameter.code, link.resource_type] for link in criterion.links] + [
        [criterion.parameter.code, criterion.resource_type]
    ]


@pytest.mark.parametrize("case", cases("parsed.toml", "parsed"))
def test_values_are_read_by_their_type(case, read_query: ReadQuery):
    (criterion,) = read_query(case["query"]).criteria
    rows = [as_row(value) for value in criterion.values]
    if case.get("unordered"):
        assert [[name, sorted(texts)] for name, texts in rows] == [[n, sorted(t)] for n, t in case["values"]]
    else:
        assert rows == case["values"]


@pytest.mark.parametrize("case", cases("parsed.toml", "number"))
def test_numbers_ask_for_a_range(case, read_query: ReadQuery):
    (value,) = read_query(case["query"]).criteria[0].values
    prefix, low, high = case["range"]
    assert (value.prefix, value.low, value.high) == (prefix, sortable(Decimal(low)), sortable(Decimal(high)))


@pytest.mark.parametrize("case", cases("parsed.toml", "quantity"))
def test_quantities_name_a_unit_or_none(case, read_query: ReadQuery):
    (value,) = read_query(case["query"]).criteria[0].values
    assert [value.system or "-", value.code or "-"] == case["unit"]


@pytest.mark.parametrize("case", cases("parsed.toml", "date"))
def test_dates_ask_for_a_range(case, read_query: ReadQuery):
    (value,) = read_query(case["query"]).criteria[0].values
    prefix, *ends = case["range"]
    low, high = (int(datetime.fromisoformat(end).timestamp()) * 1_000_000 for end in ends)
    assert (value.prefix, value.low, value.high) == (prefix, low, high)


@pytest.mark.parametrize("case", cases("refused.toml", "refused"))
def test_what_is_not_understood_is_refused_with_the_reason(case, read_query: ReadQuery):
    with pytest.raises(BadRequest) as refused:
        read_query(case["query"])
    assert case["says"] in refused.value.diagnostics
    assert refused.value.http_status == 400


def test_a_refused_value_names_its_place(read_query: ReadQuery):
    with pytest.raises(BadRequest) as refused:
        read_query("Patient?birthdate=2021-02-30")
    assert refused.value.issues[0].expression == "Patient?birthdate"


@pytest.mark.parametrize(
    ("query", "path"),
    [
        pytest.param("Observation?subject:Patient.name=a", [[">subject", "Patient"], ["name", "Patient"]], id="a chain"),
        pytest.param("Observation?patient.name=a", [[">patient", "Patient"], ["name", "Patient"]], id="one target"),
        pytest.param("Observation?subject.birthdate=2000", [[">subject", "Patient"], ["birthdate", "Patient"]], id="one fits"),
        pytest.param(
            "Observation?patient.organization.name=a",
            [[">patient", "Patient"], [">organization", "Organization"], ["name", "Organization"]],
            id="two steps",
        ),
        pytest.param(
            "Patient?_has:Observation:patient:code=1", [["<patient", "Observation"], ["code", "Observation"]], id="_has"
        ),
        pytest.param(
            "Patient?_has:Observation:patient:_has:AuditEvent:entity:agent=Device/1",
            [["<patient", "Observation"], ["<entity", "AuditEvent"], ["agent", "AuditEvent"]],
            id="_has in _has",
        ),
        pytest.param(
            "Encounter?patient._has:Group:member:code=1",
            [[">patient", "Patient"], ["<member", "Group"], ["code", "Group"]],
            id="_has behind a chain",
        ),
        pytest.param(
            "Patient?_has:Observation:patient:encounter.status=planned",
            [["<patient", "Observation"], [">encounter", "Encounter"], ["status", "Encounter"]],
            id="a chain behind _has",
        ),
    ],
)  # fmt: skip
def test_chains_lead_through_links(query, path, read_query: ReadQuery):
    assert steps(read_query(query)) == path


def test_a_chain_that_fits_several_types_holds_for_any_of_them(read_query: ReadQuery):
    (criterion,) = read_query("Observation?subject.identifier=a").criteria
    types = {one.resource_type for one in (criterion, *criterion.alternatives)}
    assert types == {"Patient", "Group", "Device", "Location"}


def test_a_chain_leaves_out_the_types_that_cannot_read_the_value(read_query: ReadQuery):
    (criterion,) = read_query("Task?focus:Observation.date=2020").criteria
    assert not criterion.alternatives


def test_the_modifier_belongs_to_the_end_of_a_chain(read_query: ReadQuery):
    (criterion,) = read_query("Observation?patient.name:exact=Eve").criteria
    assert criterion.modifier == "exact"


def test_applied_is_exactly_what_was_applied_in_order(read_query: ReadQuery):
    query = read_query("Patient?name=a&_count=5000&_format=json&gender=male&_sort=-birthdate")
    assert query.applied == (("name", "a"), ("_count", "1000"), ("gender", "male"), ("_sort", "-birthdate"))
    assert query.count == 1000


def test_lenient_leaves_out_what_it_does_not_know_and_says_so(read_query: ReadQuery):
    query = read_query("Patient?nam=a&gender=male&name:exactly=b&_text=c&family=", lenient=True)
    assert query.applied == (("gender", "male"),)
    assert len(query.criteria) == 1
    assert [warning.split(" ")[-2:] for warning in query.warnings] == [["(left", "out)"]] * 4


def test_lenient_does_not_forgive_a_bad_value(read_query: ReadQuery):
    with pytest.raises(BadRequest):
        read_query("Patient?birthdate=soon", lenient=True)


def test_result_parameters_are_read(read_query: ReadQuery):
    query = read_query(
        "Observation?_sort=-date,status&_sort=code&_count=0&_total=accurate&_summary=data&_elements=id,status,id"
        "&_include=Observation:subject:Patient&_include:iterate=Patient:organization&_include:recurse=Patient:link"
        "&_revinclude=Provenance:target&_include=*"
    )
    assert [(key.parameter.code, key.descending) for key in query.sort] == [
        ("date", True), ("status", False), ("code", False),
    ]  # fmt: skip
    assert (query.count, query.total, query.summary, query.elements) == (0, "accurate", "data", ("id", "status"))
    shown = [(i.source, i.parameter and i.parameter.code, i.target, i.reverse, i.iterate) for i in query.includes]
    assert shown == [
        ("Observation", "subject", "Patient", False, False),
        ("Patient", "organization", "", False, True),
        ("Patient", "link", "", False, True),
        ("Provenance", "target", "", True, False),
        ("Observation", None, "", False, False),
    ]


def test_without_a_count_the_page_is_the_servers(read_query: ReadQuery):
    assert read_query("Patient?").count == Settings().default_count


@pytest.mark.parametrize(
    ("query", "settings"),
    [
        pytest.param("Patient?name=a&name=b&name=c", Settings(max_parameters=2), id="parameters"),
        pytest.param("Patient?name=a,b,c", Settings(max_or_values=2), id="or values"),
    ],
)
def test_limits_refuse_and_never_cut(query, settings, read_query: ReadQuery):
    with pytest.raises(TooCostly):
        read_query(query, settings=settings)


def test_a_compartment_limits_by_its_linking_parameters(read_query: ReadQuery):
    limit = read_query("Observation?", compartment=("Patient", "1")).compartment
    assert limit is not None
    assert {parameter.code for parameter in limit.parameters} == {"subject", "performer"}
    assert not limit.is_self


def test_a_type_outside_a_compartment_has_nothing_in_it(read_query: ReadQuery):
    limit = read_query("Questionnaire?", compartment=("Patient", "1")).compartment
    assert limit is not None
    assert not limit.parameters
    assert not limit.is_self


def test_ap_is_measured_from_the_now_that_is_handed_in(read_query: ReadQuery):
    ten_days = 10 * 86_400_000_000
    (near,) = read_query("Observation?date=ap2025-12-31").criteria[0].values
    (far,) = read_query("Observation?date=ap2025-12-31", now=NOW + ten_days).criteria[0].values
    assert near.low - far.low == ten_days // 10
    assert datetime.fromtimestamp(NOW / 1_000_000, UTC).year == 2026
