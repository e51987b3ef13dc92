"""Reads the official FHIRPath test suite and its inputs from ../shared.

https://github.com/HL7/FHIRPath/tree/master/tests
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from lxml import etree

from fhir_server.fhirpath.model import TypeModel

SHARED = Path(os.environ.get("FHIR_SHARED", Path(__file__).resolve().parents[3] / "shared"))
_FHIR = "{http://hl7.org/fhir}"
_NUMBERS = {"integer": int, "positiveInt": int, "unsignedInt": int, "decimal": Decimal, "boolean": "true".__eq__}


@dataclass(frozen=True)
class Case:
    """One test. `outputs` are (type or None, text); `invalid` is "", execution or semantic."""

    name: str
    input_file: str
    expression: str
    outputs: tuple[tuple[str | None, str], ...]
    invalid: str
    is_predicate: bool


def read_cases(path):
    """Every test; a name that is used again gets a number."""
    names = {}
    for test in etree.parse(path).getroot().iter("test"):
        expression = test.find("expression")
        name = test.get("name")
        names[name] = names.get(name, 0) + 1
        yield Case(
            name if names[name] == 1 else f"{name}#{names[name]}",
            test.get("inputfile", ""),
            expression.text or "",
            tuple((output.get("type"), output.text or "") for output in test.findall("output")),
            expression.get("invalid", ""),
            test.get("predicate") == "true",
        )


def read_input(path, definitions):
    """A resource from JSON or XML."""
    if path.suffix == ".json":
        return json.loads(path.read_bytes(), parse_float=Decimal)
    root = etree.parse(path).getroot()
    return _resource(root, TypeModel(definitions))


def _resource(element, model):
    name = etree.QName(element).localname
    return {"resourceType": name, **_object(element, name, model)}


def _object(element, type_name, model):
    children = {child.key: child for child in model.all_children(type_name)}
    many = {e.name for e in model._structure(type_name).elements if e.is_list}  # noqa: SLF001
    found = {key: text for key, text in element.attrib.items() if key in ("id", "url")}
    for item in element.iterchildren(tag=etree.Element):
        key = etree.QName(item).localname
        if item.tag.startswith(_FHIR):
            _add(found, key, key in many, *_value(item, children[key], model))
        else:
            found[key] = etree.tostring(item, encoding="unicode")
    return found


def _value(item, child, model):
    """Value and sibling of one element."""
    if not child.type_name:
        return _resource(next(item.iterchildren(tag=etree.Element)), model), None
    if not child.is_primitive:
        return _object(item, child.type_name, model), None
    text = item.get("value")
    extra = _object(item, child.type_name, model)
    return None if text is None else _NUMBERS.get(child.type_name, str)(text), extra or None


def _add(found, key, is_many, value, sibling):
    if not is_many:
        if value is not None:
            found[key] = value
        if sibling:
            found["_" + key] = sibling
        return
    found.setdefault(key, []).append(value)
    if sibling or "_" + key in found:
        siblings = found.setdefault("_" + key, [])
        siblings.extend([None] * (len(found[key]) - 1 - len(siblings)))
        siblings.append(sibling)
