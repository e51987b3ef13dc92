"""The FHIRPath language: operators, literals, functions, types and refusals.

http://hl7.org/fhirpath/N1/
"""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from fhir_server.fhirpath.compiler import (
    FhirPathEvaluationError,
    FhirPathSemanticError,
    FhirPathSyntaxError,
    Services,
    compile_expression,
)
from fhir_server.fhirpath.quantities import quantity_from_json
from fhir_server.fhirpath.values import Node

CASES = tomllib.loads((Path(__file__).parent / "cases_language.toml").read_text())
PATIENT = {
    "resourceType": "Patient",
    "id": "a",
    "extension": [{"url": "http://x/weight", "valueQuantity": {"value": Decimal("1.50"), "unit": "g"}}],
    "active": True,
    "name": [
        {
            "use": "official",
            "given": ["Eve", "Ann"],
            "_family": {"extension": [{"url": "http://x/prefix", "valueString": "van"}]},
        },
        {"use": "usual", "given": ["Al"], "family": "Ny"},
    ],
    "gender": "female",
    "birthDate": "1970-01-01",
    "contact": [{"gender": "male"}],
    "communication": [{"language": {"text": "x"}}],
    "link": [],
}
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def text_of(node):
    if node.type_name == "Quantity":
        return str(quantity_from_json(node.value))
    return str(node.value).lower() if isinstance(node.value, bool) else str(node.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [pytest.param(text, told, id=f"{group}: {text}") for group, cases in CASES.items() for text, told in cases.items()],
)
def test_an_expression_gives(definitions, text, expected):
    def run():
        expression = compile_expression(text, definitions, as_filters=False)
        return expression.evaluate(PATIENT, services=Services(now=NOW), variables={"handed": 41})

    if expected == "fails":
        with pytest.raises((FhirPathSyntaxError, FhirPathEvaluationError)):
            run()
        return
    assert " | ".join(text_of(node) for node in run()) == expected


@pytest.mark.parametrize(
    "text",
    ["", "name.", "name..given", "(name", "name)", "name[", "name[0", "1 +", "'open", "@", "@T", "a b", "%", "$that",
     "name.where(", "name.where()", "{ 1 }", "1 is", "and", "true false", "/* open", "name.given(1", "#", "`open",
     "is(1)", "ofType(1 + 1)", "(" * 200 + "1" + ")" * 200, "-" * 300 + "1", ".a" * 3, "a" + ".a" * 300,
     "1" + " + 1" * 300, "a" * 70_000],
)  # fmt: skip
def test_what_is_not_fhirpath_is_refused(definitions, text):
    with pytest.raises(FhirPathSyntaxError):
        compile_expression(text, definitions)


def test_a_refusal_says_where(definitions):
    with pytest.raises(FhirPathSyntaxError, match=r"Unexpected '\)' at position 6"):
        compile_expression("name.)", definitions)


def test_now_needs_a_clock_that_is_handed_in(definitions):
    with pytest.raises(FhirPathEvaluationError, match="clock"):
        compile_expression("now()", definitions).evaluate(PATIENT)


def test_errors_do_not_hold_data(definitions):
    with pytest.raises(FhirPathEvaluationError) as error:
        compile_expression("name.given + 1", definitions).evaluate(PATIENT)
    assert "Eve" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        ("name.given", True),
        ("name.given1", False),
        ("Patient.contact.name.family", True),
        ("Observation.value", False),
        ("deceased", True),
        ("deceasedBoolean", False),
        ("name.contains('x')", False),
        ("name.family.contains('x')", True),
        ("children().first()", False),
        ("name.where(use = 'x').given1", False),
        ("contained.unheard", True),
    ],
)
def test_strict_for_a_type_refuses_what_the_type_rules_out(definitions, text, is_valid):
    if is_valid:
        compile_expression(text, definitions, strict_for="Patient")
    else:
        with pytest.raises(FhirPathSemanticError):
            compile_expression(text, definitions, strict_for="Patient")


def test_trace_member_of_and_conforms_are_handed_in(definitions):
    traced = []
    services = Services(
        trace=lambda name, nodes: traced.append((name, len(nodes))),
        member_of=lambda node, url: (node.value, url) == ("female", "http://x/vs"),
        conforms=lambda _node, profile: profile == "http://x/profile",
    )
    text = "name.trace('n').exists() and gender.memberOf('http://x/vs') and conformsTo('http://x/profile')"
    found = compile_expression(text, definitions).evaluate(PATIENT, services=services)
    assert [node.value for node in found] == [True]
    assert traced == [("n", 2)]


def test_evaluating_leaves_the_resource_and_later_evaluations_alone(definitions):
    expression = compile_expression("name.given | name.family", definitions)
    first = [node.value for node in expression.evaluate(PATIENT)]
    expression.evaluate(PATIENT).clear()
    assert [node.value for node in expression.evaluate(PATIENT)] == first


def test_variables_may_be_nodes_resources_and_lists(definitions):
    variables = {"one": Node("x", "code"), "other": {"resourceType": "Group", "id": "g"}, "many": [1, 2]}
    text = "(%one is code) and %other.id = 'g' and %many.count() = 2"
    found = compile_expression(text, definitions).evaluate(PATIENT, variables=variables)
    assert [node.value for node in found] == [True]


def test_computed_values_carry_fhir_types(definitions):
    found = compile_expression("(1 | 'a' | 1.5 | true | @2012 | 2 'g')", definitions).evaluate(PATIENT)
    assert [node.type_name for node in found] == ["integer", "string", "decimal", "boolean", "date", "Quantity"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("1.repeat($this + 1)", id="repeat without end"),
        pytest.param("'a'" + ".select($this & $this)" * 60, id="text that doubles"),
        pytest.param(
            "1.combine(1)" + "".join(f".defineVariable('v{n}').combine(%v{n})" for n in range(40)),
            id="items that double",
        ),
        pytest.param(
            "descendants().select(%resource.descendants().select(%resource.descendants()))", id="nested loops"
        ),
    ],
)
def test_an_expression_without_measure_ends_with_an_error(definitions, text):
    resource = {"resourceType": "Patient", "name": [{"given": ["a"] * 300} for _ in range(30)]}
    with pytest.raises(FhirPathEvaluationError, match="too"):
        compile_expression(text, definitions).evaluate(resource)
