"""The official FHIRPath test suite for R4, as far as it lies in ../shared.

https://github.com/HL7/FHIRPath/tree/master/tests
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fhirpath_suite import SHARED, read_cases, read_input

from fhir_server.fhirpath.compiler import (
    FhirPathEvaluationError,
    FhirPathSemanticError,
    FhirPathSyntaxError,
    Services,
    compile_expression,
)
from fhir_server.fhirpath.quantities import quantity_from_json

SUITE = SHARED / "suites" / "fhirpath" / "tests-fhir-r4.xml"
CASES = list(read_cases(SUITE)) if SUITE.is_file() else []
NOT_YET: dict[str, str] = {}
"""What does not pass, and why. A test that begins to pass must leave this table."""

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def run(case, definitions):
    resource = {"resourceType": "Patient"}
    if case.input_file:
        resource = read_input(SUITE.parent / "input" / case.input_file, definitions)
    strict_for = resource["resourceType"] if case.invalid == "semantic" else None
    expression = compile_expression(case.expression, definitions, strict_for=strict_for)
    return expression.evaluate(resource, services=Services(now=NOW))


def text_of(node):
    if node.type_name == "Quantity":
        return str(quantity_from_json(node.value))
    if isinstance(node.value, bool):
        return str(node.value).lower()
    return str(node.value)


def shown(nodes, outputs):
    """The result as the suite writes it: without a type where the suite gives none."""
    types = [type_name for type_name, _ in outputs] + [""] * len(nodes)
    return [
        (None if type_name is None else node.type_name, text_of(node))
        for node, type_name in zip(nodes, types, strict=False)
    ]


def passes(case, definitions):
    refusals = {"semantic": FhirPathSemanticError, "execution": (FhirPathSyntaxError, FhirPathEvaluationError)}
    if case.invalid:
        with pytest.raises(refusals[case.invalid]):
            run(case, definitions)
        return
    found = run(case, definitions)
    if case.is_predicate:
        assert [bool(found)] == [text == "true" for _, text in case.outputs]
        return
    assert shown(found, case.outputs) == [
        (type_name, text.removeprefix("@").removeprefix("T")) for type_name, text in case.outputs
    ]


@pytest.mark.skipif(not CASES, reason="the FHIRPath suite is not here (../shared/suites/fhirpath)")
@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_the_official_suite(case, definitions):
    if case.name in NOT_YET:
        with pytest.raises((AssertionError, FhirPathSyntaxError, FhirPathEvaluationError, pytest.fail.Exception)):
            passes(case, definitions)
        return
    passes(case, definitions)


@pytest.mark.skipif(not CASES, reason="the FHIRPath suite is not here (../shared/suites/fhirpath)")
def test_the_table_of_what_does_not_pass_names_real_tests():
    assert set(NOT_YET) <= {case.name for case in CASES}
    assert len(CASES) >= 400
