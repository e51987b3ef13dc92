"""What is right at first sight is right when looked at closely, whatever is knocked about in it."""

from __future__ import annotations

import copy
import os
import random
from pathlib import Path

import pytest

from fhir_server.spec.json_format import decode
from fhir_server.spec.packages import load_definitions
from fhir_server.validator.validate import Validator
from tests.validator.test_mutated import VALUES, slots

VALIDATOR = Validator(load_definitions())
EXAMPLES = sorted((Path(os.environ.get("FHIR_SHARED", "../shared")) / "samples" / "r4-examples").glob("*.json"))[4::9]
NAMES = ("valueString", "valueCode", "extension", "id", "_id", "status", "type", "reference", "contained", "coding")


def knocked_about(resource, luck):
    broken = copy.deepcopy(resource)
    container, key = luck.choice(slots(broken))
    if luck.random() < 0.4 and isinstance(container, dict):
        container[luck.choice(NAMES)] = container.pop(key)
    elif luck.random() < 0.5:
        container[key] = luck.choice(VALUES)
    else:
        del container[key]
    return broken


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_first_sight_never_passes_what_a_closer_look_refuses(path):
    luck = random.Random(path.stem)
    resource = decode(path.read_bytes())
    for one in (resource, *(knocked_about(resource, luck) for _ in range(60))):
        assert VALIDATOR.check(one) == VALIDATOR.check_closely(one)


def test_a_plain_resource_is_not_looked_at_twice(monkeypatch):
    monkeypatch.setattr(VALIDATOR, "check_closely", lambda _: pytest.fail("looked at closely"))
    patient = {
        "resourceType": "Patient",
        "name": [{"family": "Kovács", "given": ["Réka", "Ilona"]}],
        "extension": [{"url": "http://example.org/e", "valueCode": "x"}],
        "managingOrganization": {"reference": "Organization/1"},
        "deceasedBoolean": False,
        "multipleBirthInteger": 2,
    }
    assert VALIDATOR.check(patient) == []
