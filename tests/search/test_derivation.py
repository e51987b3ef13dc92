"""Which parameters others make up is derived from the definitions; the index holds nothing of their values."""

from __future__ import annotations

from fhir_server.search.derivation import Parts, Union
from tests.search.test_derived import CLINIC


def names(derived):
    return {code: {p.code for p in one.parameters} for code, one in derived.items()}


def test_what_is_derived_of_an_observation(search_parameters):
    derived = search_parameters.derived("Observation")
    assert names({code: one for code, one in derived.items() if code.startswith("combo")}) == {
        "combo-code": {"code", "component-code"},
        "combo-data-absent-reason": {"data-absent-reason", "component-data-absent-reason"},
        "combo-value-concept": {"value-concept", "component-value-concept"},
        "combo-value-quantity": {"value-quantity", "component-value-quantity"},
        "combo-code-value-concept": {"code-value-concept", "component-code-value-concept"},
        "combo-code-value-quantity": {"code-value-quantity", "component-code-value-quantity"},
    }
    parts = {code: one.is_narrower for code, one in derived.items() if isinstance(one, Parts)}
    assert parts == {
        "code-value-concept": False, "code-value-date": False, "code-value-quantity": True, "code-value-string": True,
    }  # fmt: skip


def test_nothing_is_derived_of_itself_of_references_or_of_a_main_date(search_parameters):
    for name in search_parameters.definitions.resource_types:
        main_date = search_parameters.main_date(name)
        for code, one in search_parameters.derived(name).items():
            parameter = search_parameters.get(name, code)
            assert parameter.type != "reference"
            assert main_date is None or code != main_date.code
            if isinstance(one, Union):
                assert {p.type for p in one.parameters} == {parameter.type}
                assert code not in {p.code for p in one.parameters}


def test_the_index_holds_no_values_of_derived_parameters(indexer, search_parameters):
    for resource in CLINIC:
        derived = set(search_parameters.derived(resource["resourceType"]))
        kept = {key.lstrip("~").partition(":")[0] for key in indexer.index(resource, 1).values}
        assert not kept & derived
