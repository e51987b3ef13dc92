"""The invariants of R4's own types, which the validator will evaluate.

https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from __future__ import annotations

import pytest

from fhir_server.fhirpath.compiler import compile_expression
from fhir_server.fhirpath.model import TypeModel
from fhir_server.fhirpath.navigation import member_step
from fhir_server.fhirpath.values import Node

DEFECTS_OF_R4 = {"que-7": "writes `answer is Boolean`, the System type, and means FHIR's boolean"}


@pytest.fixture(scope="module")
def constraints_of(definitions):
    """Compiled constraints of a type and of each of its elements."""
    model, compiled, steps, types = TypeModel(definitions), {}, {}, {}

    def ready(constraints):
        for constraint in constraints:
            if constraint.expression not in compiled:
                compiled[constraint.expression] = compile_expression(constraint.expression, definitions)
        return [(c.key, compiled[c.expression]) for c in constraints if c.severity == "error"]

    def of(type_name):
        if type_name not in types:
            structure = definitions.structure(type_name)
            for element in structure.elements:
                steps.setdefault(element.name, member_step(element.name, model))
            elements = [(steps[e.name], ready(e.constraints)) for e in structure.elements]
            types[type_name] = ready(structure.constraints), elements
        return types[type_name]

    return of


def broken(node, constraints_of, resource, root):
    own, elements = constraints_of(node.type_name)
    yield from failed(own, node, resource, root)
    for step, constraints in elements if isinstance(node.value, dict) else ():
        for child in step([node], None):
            inner = child.value if isinstance(child.value, dict) and "resourceType" in child.value else resource
            yield from failed(constraints, child, resource, root)
            yield from broken(child, constraints_of, inner, root)


def failed(constraints, node, resource, root):
    for key, expression in constraints:
        if any(found.value is not True for found in expression.evaluate_node(node, resource=resource, root=root)):
            yield key


def test_every_constraint_of_every_type_compiles(definitions, constraints_of):
    for name in definitions.type_names:
        constraints_of(name)


def test_the_examples_of_the_specification_keep_its_constraints(constraints_of, r4_examples):
    for resource in [r for r in r4_examples if len(str(r)) < 20_000][::2]:
        node = Node(resource, resource["resourceType"])
        assert set(broken(node, constraints_of, resource, resource)) <= set(DEFECTS_OF_R4), resource["id"]


@pytest.mark.parametrize(
    ("key", "resource"),
    [
        ("pat-1", {"resourceType": "Patient", "contact": [{"gender": "male"}]}),
        ("obs-6", {"resourceType": "Observation", "valueInteger": 1, "dataAbsentReason": {"text": "x"}}),
        ("obs-7", {"resourceType": "Observation", "code": {"coding": [{"code": "c"}]}, "valueInteger": 1,
                   "component": [{"code": {"coding": [{"code": "c"}]}, "valueInteger": 1}]}),
        ("per-1", {"resourceType": "Encounter", "period": {"start": "2020-02-02", "end": "2020-02-01"}}),
        ("dom-3", {"resourceType": "Patient", "contained": [{"resourceType": "Group", "id": "g"}]}),
        ("ref-1", {"resourceType": "Patient", "managingOrganization": {"reference": "#none"}}),
        ("ele-1", {"resourceType": "Patient", "name": [{}]}),
        ("ext-1", {"resourceType": "Patient", "extension": [{"url": "x"}]}),
        ("bdl-7", {"resourceType": "Bundle", "type": "collection", "entry": [
            {"fullUrl": "urn:x", "resource": {"resourceType": "Patient"}},
            {"fullUrl": "urn:x", "resource": {"resourceType": "Patient"}}]}),
        ("qty-3", {"resourceType": "Observation", "valueQuantity": {"value": 1, "code": "g"}}),
    ],
)  # fmt: skip
def test_a_broken_constraint_is_found(constraints_of, key, resource):
    assert key in set(broken(Node(resource, resource["resourceType"]), constraints_of, resource, resource))
