"""fhirpathpy, another engine, agrees on paths and filters over the specification's examples."""

from __future__ import annotations

import json
import warnings

import pytest

from fhir_server.fhirpath.compiler import compile_expression

fhirpathpy = pytest.importorskip("fhirpathpy")

EXPRESSIONS = [
    "identifier.value",
    "identifier.where(system.exists()).value",
    "code.coding.code | code.text",
    "name.given.count()",
    "subject.reference",
    "meta.lastUpdated",
    "text.status",
    "contact.telecom.value.distinct()",
    "descendants().where(reference.exists()).reference.count()",
    "status = 'active' or status = 'final'",
    "identifier.exists() and code.empty()",
    "identifier.first().system.startsWith('http')",
    "iif(status.exists(), status, 'none')",
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_another_engine_finds_the_same(definitions, r4_examples, text):
    ours = compile_expression(text, definitions)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = fhirpathpy.compile(text)
    agreed = 0
    for resource in r4_examples[::15]:
        plain = json.loads(json.dumps(resource, default=float))
        expected = theirs(plain)
        found = [node.value for node in ours.evaluate(plain) if node.value is not None]
        assert found == expected, resource["id"]
        agreed += bool(found)
    assert agreed
