"""Makes shapes of structures: for each JSON property a closure that checks its value.

https://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from fhir_server.validator.report import SINGLE, ItemCheck, json_kind
from fhir_server.validator.rules.binding import coding_binding, concept_binding
from fhir_server.validator.rules.extension import check_extension
from fhir_server.validator.rules.narrative import narrative_fault
from fhir_server.validator.rules.primitive import bound_check, primitive_check
from fhir_server.validator.rules.reference import canonical_fault, reference_check
from fhir_server.validator.rules.siblings import has_sibling, list_sibling, single_sibling
from fhir_server.validator.shape import Rules, Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fhir_server.spec.definitions import Element, JsonName, Structure
    from fhir_server.spec.packages import Definitions
    from fhir_server.validator.report import Place, PropertyCheck, Report

_BOUND = {"Coding": coding_binding, "CodeableConcept": concept_binding}


class Compiler:
    """Gives the shape of each structure, each made once."""

    def __init__(self, definitions: Definitions, check_resource: ItemCheck, check_contained: ItemCheck) -> None:
        self._definitions = definitions
        self._resource_types = frozenset(definitions.resource_types)
        self._check_resource = check_resource
        self._check_contained = check_contained
        self._shapes: dict[str, Shape] = {}

    def shape(self, name: str) -> Shape:
        """Return the shape of a resource type, data type or backbone element."""
        found = self._shapes.get(name)
        if found is None:
            found = self._shapes[name] = Shape(self._definitions.structure(name), self._rules)
        return found

    def _rules(self, structure: Structure) -> Rules:
        properties: dict[str, PropertyCheck] = {}
        for name, meaning in structure.json_names.items():
            self._add_property(properties, name, meaning)
        if structure.kind == "resource":
            properties["resourceType"] = _anything
        return Rules(
            properties,
            tuple(_required(structure, e, properties) for e in structure.elements if e.minimum > 0),
            {
                key: (name, meaning.element.name)
                for name, meaning in structure.json_names.items()
                for key in (name, f"_{name}")
                if meaning.element.is_choice
            },
            (check_extension,) if structure.name == "Extension" else (),
        )

    def _add_property(self, properties: dict[str, PropertyCheck], name: str, meaning: JsonName) -> None:
        element, type_code = meaning.element, meaning.type_code
        step = f"{element.name}.ofType({type_code})" if element.is_choice else name
        structure = self._definitions.structure(meaning.structure or type_code)
        if structure.kind != "primitive-type":
            check = self._complex(element, meaning)
            properties[name] = _list(name, element, check) if element.is_list else _single(step, check)
            return
        is_right, report_fault = self._primitive(element, type_code, structure.regex)
        if element.is_list:
            properties[name] = _primitive_list(name, element, is_right, report_fault)
        else:
            properties[name] = _primitive(step, is_right, report_fault)
        if type_code == "canonical" and not element.is_list:
            properties[name] = _canonical(step, properties[name])
        if type_code == "xhtml":
            properties[name] = _narrative(step, is_right, report_fault)
        elif not _is_attribute(element):
            sibling = self.shape("Element").check
            properties[f"_{name}"] = (
                list_sibling(name, sibling) if element.is_list else single_sibling(name, step, sibling)
            )

    def _primitive(self, element: Element, type_code: str, regex: str) -> tuple[Callable[[Any], bool], ItemCheck]:
        codes = self._codes(element)
        if codes is None or element.binding is None:
            return primitive_check(type_code, regex)
        return bound_check(type_code, regex, element.binding.value_set, frozenset(code for _, code in codes))

    def _complex(self, element: Element, meaning: JsonName) -> ItemCheck:
        type_code = meaning.type_code
        if type_code == "Resource":
            return self._check_contained if element.name == "contained" else self._check_resource
        check = self.shape(meaning.structure or type_code).check
        if type_code == "Reference":
            targets = next(t.targets for t in element.types if t.code == type_code)
            return _both(check, reference_check(targets, self._resource_types))
        codes = self._codes(element)
        if codes is not None and element.binding is not None and type_code in _BOUND:
            return _both(check, _BOUND[type_code](element.binding.value_set, codes))
        return check

    def _codes(self, element: Element) -> frozenset[tuple[str, str]] | None:
        if element.binding is None or element.binding.strength != "required":
            return None
        return self._definitions.value_set_codes(element.binding.value_set)


def _required(
    structure: Structure, element: Element, properties: Mapping[str, PropertyCheck]
) -> tuple[str, frozenset[str], Element]:
    names = [name for name, meaning in structure.json_names.items() if meaning.element is element]
    return names[0], frozenset(n for name in names for n in (name, f"_{name}") if n in properties), element


def _is_attribute(element: Element) -> bool:
    """Whether the element has no extensions: ids, and the url of an extension."""
    return element.xml_attribute


def _anything(item: Any, owner: Mapping[str, Any], place: Place, report: Report) -> None:
    """Check nothing: who called has looked already."""


def _both(first: ItemCheck, second: ItemCheck) -> ItemCheck:
    def check(value: Any, place: Place, report: Report) -> None:
        first(value, place, report)
        second(value, place, report)

    return check


def _single(step: str, check_item: ItemCheck) -> PropertyCheck:
    def check(item: Any, _owner: Mapping[str, Any], place: Place, report: Report) -> None:
        check_item(item, (place, step, SINGLE), report)

    return check


def _list(name: str, element: Element, check_item: ItemCheck) -> PropertyCheck:
    refuse = partial(_is_refused_list, name, element)
    is_counted = element.minimum > 1 or element.maximum is not None

    def check(item: Any, _owner: Mapping[str, Any], place: Place, report: Report) -> None:
        if (type(item) is not list or not item or is_counted) and refuse(item, place, report):
            return
        for index, one in enumerate(item):
            check_item(one, (place, name, index), report)

    return check


def _primitive(step: str, is_right: Callable[[Any], bool], report_fault: ItemCheck) -> PropertyCheck:
    def check(item: Any, _owner: Mapping[str, Any], place: Place, report: Report) -> None:
        if not is_right(item):
            report_fault(item, (place, step, SINGLE), report)

    return check


def _primitive_list(
    name: str, element: Element, is_right: Callable[[Any], bool], report_fault: ItemCheck
) -> PropertyCheck:
    def check(item: Any, owner: Mapping[str, Any], place: Place, report: Report) -> None:
        if _is_refused_list(name, element, item, place, report):
            return
        for index, one in enumerate(item):
            if not is_right(one) and not (one is None and has_sibling(name, index, owner)):
                report_fault(one, (place, name, index), report)

    return check


def _is_refused_list(name: str, element: Element, item: Any, place: Place, report: Report) -> bool:
    """Whether `item` is no array or an empty one, which is reported; so are too few and too many."""
    at = (place, name, SINGLE)
    if type(item) is not list:
        report.add("structure", f"{name} may repeat, so it must be an array; here is {json_kind(item)}", at)
        return True
    if not item:
        report.add("structure", "an empty array is not allowed; leave the element out", at)
        return True
    if len(item) < element.minimum:
        report.add("required", f"{name} needs at least {element.minimum} items, here are {len(item)}", at)
    if element.maximum is not None and len(item) > element.maximum:
        report.add("structure", f"{name} has at most {element.maximum} items, here are {len(item)}", at)
    return False


def _canonical(step: str, check_format: PropertyCheck) -> PropertyCheck:
    def check(item: Any, owner: Mapping[str, Any], place: Place, report: Report) -> None:
        check_format(item, owner, place, report)
        if type(item) is str and (fault := canonical_fault(item, report)):
            report.add("value", fault, (place, step, SINGLE))

    return check


def _narrative(step: str, is_right: Callable[[Any], bool], report_fault: ItemCheck) -> PropertyCheck:
    def check(item: Any, _owner: Mapping[str, Any], place: Place, report: Report) -> None:
        at = (place, step, SINGLE)
        if not is_right(item):
            report_fault(item, at, report)
        elif fault := narrative_fault(item):
            report.add("value", fault, at)

    return check
