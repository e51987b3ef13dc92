"""What a resource leaves in the index is what searches look for."""

from __future__ import annotations

import json
import os
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from search.reading import BASE_URL, ReadQuery, cases

from fhir_server.search.columns import MAIN_DATES, PATIENTS
from fhir_server.search.elements import selected_by
from fhir_server.search.hashing import identity, presence
from fhir_server.search.types import composite, date, number, reference, string, token, uri
from fhir_server.search.types.values import OfTypeValue
from fhir_server.spec.json_format import decode
from fhir_server.spec.ordering import sortable
from fhir_server.spec.search_expressions import union_parts

if TYPE_CHECKING:
    from fhir_server.search.indexing import Indexer
    from fhir_server.search.parameters import SearchParameters

TENANT = 7
SHARED = Path(os.environ.get("FHIR_SHARED", Path(__file__).parents[3] / "shared"))
EXAMPLES = SHARED / "samples" / "r4-examples"


def resource_of(case: dict[str, Any]) -> dict[str, Any]:
    return {"id": "x", **json.loads(case["resource"], parse_float=Decimal)}


def wanted(criterion, part_types=()) -> set[int]:
    """The hashes any of which a resource that matches has."""
    code, modifier = criterion.parameter.code, criterion.modifier
    found: set[int] = set()
    for value in criterion.values:
        if modifier == "missing":
            found.add(presence(TENANT, code))
        elif isinstance(value, OfTypeValue):
            found.update(token.wanted_of_type(TENANT, code, value))
        elif modifier == "identifier":
            found.update(token.wanted(TENANT, f"{code}:identifier", value))
        elif criterion.parameter.type == "string":
            found.update(string.wanted_exact(TENANT, code, value))
        elif criterion.parameter.type == "uri":
            found.update(uri.wanted(TENANT, code, value, modifier))
        else:
            rooms = {"token": token, "reference": reference, "composite": composite}
            found.update(rooms[criterion.parameter.type].wanted(TENANT, code, value))
    return found


@pytest.mark.parametrize("case", cases("written.toml", "found"))
def test_hashes_answer_equality(case, indexer: Indexer, read_query: ReadQuery):
    resource = resource_of(case)
    hashes = set(indexer.index(resource, TENANT, BASE_URL).hashes)
    for expected, queries in ((True, case["yes"]), (False, case["no"])):
        for query in queries:
            (criterion,) = read_query(f"{resource['resourceType']}?{query}").criteria
            assert bool(hashes & wanted(criterion)) is expected, query


@pytest.mark.parametrize("case", cases("written.toml", "kept"))
def test_texts_and_places_are_kept(case, indexer: Indexer):
    kept = indexer.index(resource_of(case), TENANT).values[case["code"]]
    expected = [[float(n) for n in one] if isinstance(one, list) else one for one in case["keeps"]]
    assert kept == expected


@pytest.mark.parametrize("case", cases("written.toml", "ranged"))
def test_times_are_kept_as_ranges(case, indexer: Indexer):
    def instant(text: str, open_end: int) -> int:
        return open_end if text == "ever" else int(datetime.fromisoformat(text).timestamp()) * 1_000_000

    expected = [[instant(low, date.OPEN_LOW), instant(high, date.OPEN_HIGH)] for low, high in case["keeps"]]
    indexed = indexer.index(resource_of(case), TENANT)
    if case["code"] == MAIN_DATES.get(resource_of(case)["resourceType"], "date"):
        assert [[indexed.date_low, indexed.date_high]] == expected
        assert case["code"] not in indexed.values
    else:
        assert indexed.values[case["code"]] == expected


@pytest.mark.parametrize("case", cases("written.toml", "measured"))
def test_numbers_are_kept_as_keys(case, indexer: Indexer):
    ends = {"lowest": number.OPEN_LOW, "highest": number.OPEN_HIGH}

    def key(text: str) -> str:
        return ends[text] if text in ends else sortable(Decimal(text))

    expected = [[key(low), key(high), *unit] for low, high, *unit in case["keeps"]]
    assert indexer.index(resource_of(case), TENANT).values[case["code"]] == expected


def test_a_string_narrows_by_its_first_three_characters(indexer: Indexer, read_query: ReadQuery):
    hashes = set(indexer.index({"resourceType": "Patient", "id": "x", "name": [{"family": "Évelyn"}]}, TENANT).hashes)
    for query, is_narrowed in (("evel", True), ("EVE", True), ("eva", False)):
        (value,) = read_query(f"Patient?name={query}").criteria[0].values
        assert bool(hashes & set(string.narrowing(TENANT, "name", value))) is is_narrowed
    (short,) = read_query("Patient?name=ev").criteria[0].values
    assert string.narrowing(TENANT, "name", short) == ()


def test_a_composite_with_a_quantity_keeps_the_entries_of_its_parts(indexer: Indexer, read_query: ReadQuery):
    component = {"code": {"coding": [{"system": "s", "code": "a"}]}, "valueQuantity": {"value": 5, "unit": "mg"}}
    indexed = indexer.index({"resourceType": "Observation", "id": "x", "component": [component]}, TENANT)
    five = sortable(5)
    entry = [[["s", "a"]], [[five, five, "", "", "mg"]]]
    assert indexed.values["component-code-value-quantity"] == [entry]
    (value,) = read_query("Observation?component-code-value-quantity=s|a$5").criteria[0].values
    narrowing = composite.narrowing(TENANT, "component-code-value-quantity", value)
    assert set(narrowing) <= set(indexed.hashes)


def test_an_element_without_one_of_the_parts_is_no_composite(indexer: Indexer):
    indexed = indexer.index({"resourceType": "Observation", "id": "x", "code": {"coding": [{"code": "a"}]}}, TENANT)
    assert presence(TENANT, "code-value-quantity") not in indexed.hashes


def test_the_row_knows_its_patient_and_its_main_date(indexer: Indexer):
    observation = {
        "resourceType": "Observation",
        "id": "x",
        "subject": {"reference": f"{BASE_URL}/Patient/p"},
        "effectivePeriod": {"start": "2020-01-01", "end": "2020-01-02"},
    }
    indexed = indexer.index(observation, TENANT, BASE_URL)
    assert indexed.patient == "p"
    assert (indexed.date_low, indexed.date_high) == (1_577_836_800_000_000, 1_578_009_600_000_000)


@pytest.mark.parametrize(
    "subject", ["Group/1", "http://there.example/fhir/Patient/1", "urn:uuid:1", "#p"], ids=["group", "far", "urn", "contained"]
)  # fmt: skip
def test_a_patient_that_is_not_here_is_no_column(subject, indexer: Indexer):
    observation = {"resourceType": "Observation", "id": "x", "subject": {"reference": subject}}
    assert indexer.index(observation, TENANT, BASE_URL).patient is None


def test_an_instance_holds_its_own_identity_by_which_others_point_to_it(indexer: Indexer):
    patient = indexer.index({"resourceType": "Patient", "id": "p"}, TENANT)
    observation = indexer.index(
        {"resourceType": "Observation", "id": "o", "subject": {"reference": "Patient/p"}}, TENANT
    )
    assert identity(TENANT, "Patient/p") in patient.hashes
    assert reference.reference_entry(TENANT, "subject", "Patient/p") in observation.hashes


def test_tenants_share_no_hash(indexer: Indexer):
    patient = {"resourceType": "Patient", "id": "p", "gender": "male", "name": [{"family": "A"}]}
    assert not set(indexer.index(patient, 1).hashes) & set(indexer.index(patient, 2).hashes)


def test_hashes_are_sorted_and_distinct(indexer: Indexer):
    hashes = indexer.index({"resourceType": "Patient", "id": "p", "name": [{"text": "A A"}, {"text": "A A"}]}, 1).hashes
    assert list(hashes) == sorted(set(hashes))


def test_indexing_leaves_the_resource_as_it_is(indexer: Indexer):
    case = cases("written.toml", "found")[0].values[0]
    resource = resource_of(case)
    indexer.index(resource, TENANT)
    assert resource == resource_of(case)


def test_columns_for_patients_are_single_valued_and_say_the_same(search_parameters: SearchParameters):
    """The table `PATIENTS` derived anew from expressions and cardinalities."""
    definitions = search_parameters.definitions
    derived: dict[str, set[str]] = {}
    for name in definitions.resource_types:
        known = search_parameters.of(name)
        first = known.get("patient") or known.get("subject")
        if first is None or first.type != "reference" or "Patient" not in search_parameters.targets(first, name):
            continue
        parts = union_parts(definitions.expression_for(first, name))
        selected = selected_by(parts[0], definitions)
        if len(parts) == 1 and selected and selected.is_single:
            elements = {
                code: definitions.expression_for(one, name).split(".where(resolve()")[0]
                for code, one in known.items()
                if one.type == "reference"
            }
            derived[name] = {code for code, element in elements.items() if element == elements[first.code]}
    assert {name: set(codes) for name, codes in PATIENTS.items()} == derived


def test_main_dates_exist_and_have_one_range_at_most(search_parameters: SearchParameters):
    definitions = search_parameters.definitions
    for name in definitions.resource_types:
        parameter = search_parameters.main_date(name)
        assert parameter is not None or name not in MAIN_DATES, name
        if parameter is not None:
            parts = union_parts(definitions.expression_for(parameter, name))
            selected = [selected_by(part, definitions) for part in parts]
            assert all(one and one.is_single for one in selected), name
            elements = {part.strip("()").split(" as ")[0].split(".as(")[0] for part in parts}
            assert len(elements) == 1, name


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the R4 examples are not on this machine")
def test_every_r4_example_is_indexed(indexer: Indexer):
    files = sorted(EXAMPLES.rglob("*.json"))
    kinds = set()
    for file in files:
        resource = decode(file.read_bytes())
        resource.setdefault("id", "x")
        indexed = indexer.index(resource, TENANT, BASE_URL)
        json.dumps(indexed.values)
        assert indexed.hashes
        kinds.add(resource["resourceType"])
    assert len(files) > 600
    assert len(kinds) >= 130


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the R4 examples are not on this machine")
@pytest.mark.parametrize(
    ("file", "queries"),
    [
        pytest.param(
            "Patient-example.json",
            ["identifier=urn:oid:1.2.36.146.595.217.0.1|12345", "family:exact=Chalmers", "organization=Organization/1"],
            id="Patient",
        ),
        pytest.param(
            "Observation-f001.json",
            ["code=http://loinc.org|15074-8", "patient=Patient/f001", "status=final", "performer=Practitioner/f005"],
            id="Observation",
        ),
        pytest.param("Encounter-f001.json", ["class=AMB", "subject=Patient/f001"], id="Encounter"),
        pytest.param("Questionnaire-3141.json", ["url:below=http://hl7.org/fhir/Questionnaire"], id="Questionnaire"),
    ],
)
def test_facts_of_r4_examples_are_found(file, queries, indexer: Indexer, read_query: ReadQuery):
    resource = decode((EXAMPLES / file).read_bytes())
    hashes = set(indexer.index(resource, TENANT, BASE_URL).hashes)
    for query in queries:
        (criterion,) = read_query(f"{resource['resourceType']}?{query}").criteria
        assert hashes & wanted(criterion), query
