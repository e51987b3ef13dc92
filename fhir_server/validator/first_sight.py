"""Whether a resource is right at first sight: yes, or "look closely", never no.

Nearly all that comes is right, so it is asked first without places and reports: 13.5 us for a resource of 1.3 KB where the
closer look takes 18. Whatever is rare is left to the closer look: `_name` beside a primitive,
contained and inner resources, `#id`, two names of one choice element.

https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_server.spec.reference import parse_reference
from fhir_server.validator.rules.binding import is_coding_in, is_concept_in
from fhir_server.validator.rules.narrative import narrative_fault
from fhir_server.validator.rules.primitive import bound_check, value_check

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fhir_server.spec.definitions import Element, JsonName, Structure
    from fhir_server.spec.packages import Definitions


class FirstSight:
    """Gives for each structure the question whether a value of it is right; each is made once."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._resource_types = frozenset(definitions.resource_types)
        self._objects: dict[str, _Object] = {}

    def of(self, name: str) -> Callable[[Any], bool]:
        """Return the question for a resource type, data type or backbone element."""
        found = self._objects.get(name)
        if found is None:
            found = self._objects[name] = _Object(self._definitions.structure(name), self._properties)
        return found.is_right

    def _properties(self, structure: Structure) -> dict[str, Callable[[Any], bool]]:
        questions = {}
        for name, meaning in structure.json_names.items():
            question = self._item(meaning)
            if question is not None:
                questions[name] = _all(meaning.element, question) if meaning.element.is_list else question
        if structure.kind == "resource":
            questions["resourceType"] = _is_known
        return questions

    def _item(self, meaning: JsonName) -> Callable[[Any], bool] | None:
        element, type_code = meaning.element, meaning.type_code
        if type_code == "Resource":
            return None
        name = meaning.structure or type_code
        structure = self._definitions.structure(name)
        codes = self._codes(element)
        if structure.kind == "primitive-type":
            return _primitive(element, type_code, structure.regex, codes)
        if type_code == "Reference":
            targets = next(t.targets for t in element.types if t.code == type_code)
            anything = not targets or "Resource" in targets
            return _both(self.of(name), _reference(self._resource_types if anything else frozenset(targets)))
        if codes is not None and type_code == "Coding":
            return _both(self.of(name), lambda value: is_coding_in(value, codes))
        if codes is not None and type_code == "CodeableConcept":
            return _both(self.of(name), lambda value: is_concept_in(value, codes))
        return self.of(name)

    def _codes(self, element: Element) -> frozenset[tuple[str, str]] | None:
        if element.binding is None or element.binding.strength != "required":
            return None
        return self._definitions.value_set_codes(element.binding.value_set)


class _Object:
    """Asks an object of one structure. Made ready when it is first needed, so that types may hold themselves."""

    __slots__ = ("_choices", "_make", "_properties", "_required", "_structure")

    def __init__(self, structure: Structure, make: Callable[[Structure], dict[str, Callable[[Any], bool]]]) -> None:
        self._structure, self._make = structure, make
        self._properties: Mapping[str, Callable[[Any], bool]] | None = None
        self._required: tuple[frozenset[str], ...] = ()
        self._choices: dict[str, str] = {}

    def is_right(self, value: Any) -> bool:
        properties = self._properties
        if properties is None:
            properties = self._prepare()
        if type(value) is not dict or not value:
            return False
        for key, item in value.items():
            question = properties.get(key)
            if question is None or not question(item):
                return False
        for names in self._required:
            if names.isdisjoint(value):
                return False
        choices = self._choices
        if not choices:
            return True
        chosen = [choices[key] for key in value if key in choices]
        return len(chosen) <= 1 or len(set(chosen)) == len(chosen)

    def _prepare(self) -> Mapping[str, Callable[[Any], bool]]:
        structure = self._structure
        names = structure.json_names.items()
        self._required = tuple(
            frozenset(n for n, meaning in names if meaning.element is e) for e in structure.elements if e.minimum > 0
        )
        self._choices = {n: meaning.element.name for n, meaning in names if meaning.element.is_choice}
        if structure.name == "Extension":  # ext-1: exactly one of a value and extensions
            self._choices["extension"] = "value"
            self._required += (frozenset(self._choices),)
        self._properties = self._make(structure)
        return self._properties


def _is_known(_: Any) -> bool:
    return True


def _both(first: Callable[[Any], bool], second: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: first(value) and second(value)


def _all(element: Element, question: Callable[[Any], bool]) -> Callable[[Any], bool]:
    least, most = max(element.minimum, 1), element.maximum if element.maximum is not None else float("inf")

    def is_right(value: Any) -> bool:
        if type(value) is not list or not least <= len(value) <= most:
            return False
        for item in value:  # noqa: SIM110 - `all` with a generator costs twice as much
            if not question(item):
                return False
        return True

    return is_right


def _primitive(
    element: Element, type_code: str, regex: str, codes: frozenset[tuple[str, str]] | None
) -> Callable[[Any], bool]:
    if codes is not None and element.binding is not None:
        return bound_check(type_code, regex, element.binding.value_set, frozenset(code for _, code in codes))[0]
    is_right = value_check(type_code, regex)
    if type_code == "xhtml":
        return lambda value: is_right(value) and not narrative_fault(value)
    if type_code == "canonical":
        return lambda value: is_right(value) and not value.startswith("#")
    return is_right


def _reference(allowed: frozenset[str]) -> Callable[[Any], bool]:
    def is_right(value: dict[str, Any]) -> bool:
        text = value.get("reference")
        if text is None:
            return True
        reference = parse_reference(text)
        return "type" not in value and (
            reference.kind == "urn" or (reference.kind == "local" and reference.resource_type in allowed)
        )

    return is_right
