"""A type made ready for checking: what to do with each JSON property, and what must be there.

https://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fhir_server.validator.report import SINGLE, json_kind, shown
from fhir_server.validator.rules.primitive import an, hint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fhir_server.spec.definitions import Element, Structure
    from fhir_server.validator.report import ItemCheck, Place, PropertyCheck, Report


@dataclass(frozen=True, slots=True)
class Rules:
    """What a shape holds once it is compiled.

    `properties` maps JSON property names, `_name` too; `required` the elements with a minimum: one
    of the names that satisfies it, and all that do; `choices` the names of choice elements to the
    name without `_` and the element; `whole` checks of the object itself.
    """

    properties: Mapping[str, PropertyCheck]
    required: tuple[tuple[str, frozenset[str], Element], ...]
    choices: Mapping[str, tuple[str, str]]
    whole: tuple[ItemCheck, ...]


class Shape:
    """Checks objects of one structure. Compiled when it is first needed, so that types may hold themselves."""

    __slots__ = ("_compile", "rules", "structure")

    def __init__(self, structure: Structure, compile_rules: Callable[[Structure], Rules]) -> None:
        self.structure = structure
        self.rules: Rules | None = None
        self._compile = compile_rules

    def check(self, value: Any, place: Place, report: Report) -> None:
        """Report all that is wrong with an object."""
        if type(value) is not dict or not value:
            self._report_no_object(value, place, report)
            return
        rules = self.rules
        if rules is None:
            rules = self.rules = self._compile(self.structure)
        properties = rules.properties
        for key, item in value.items():
            check = properties.get(key)
            if check is None:
                self._report_unknown(key, place, report)
            else:
                check(item, value, place, report)
        for name, names, element in rules.required:
            if name not in value and names.isdisjoint(value):
                report.add("required", f"{element.name} is missing", (place, element.name, SINGLE))
        if rules.choices:
            self._check_choices(value, rules.choices, place, report)
        for whole in rules.whole:
            whole(value, place, report)

    def _check_choices(
        self, value: dict[str, Any], choices: Mapping[str, tuple[str, str]], place: Place, report: Report
    ) -> None:
        found = [choices[key] for key in value if key in choices]
        if len(found) < 2:  # noqa: PLR2004 - one name cannot be in conflict
            return
        names: dict[str, set[str]] = {}
        for name, element in found:
            names.setdefault(element, set()).add(name)
        for element, spelled in names.items():
            if len(spelled) > 1:
                told = f"only one of {', '.join(sorted(spelled))} is allowed"
                report.add("structure", told, (place, element, SINGLE))

    def _report_no_object(self, value: Any, place: Place, report: Report) -> None:
        if value == {}:
            report.add("structure", "an empty object is not allowed; leave the element out", place)
        elif type(value) is list:
            report.add("structure", "an array where a single value is expected", place)
        else:
            found = json_kind(value)
            report.add("structure", f"{an(self.structure.name)} is an object in JSON, here is {found}", place)

    def _report_unknown(self, key: str, place: Place, report: Report) -> None:
        plain = key.removeprefix("_")
        at = (place, plain, SINGLE) if plain.isidentifier() and len(key) <= 64 else place  # noqa: PLR2004 - no name is longer
        choice = next((e for e in self.structure.elements if e.is_choice and plain.startswith(e.name)), None)
        if plain in self.structure.json_names:
            told = f"{shown(key)} has no place: {plain} is no primitive"
        elif choice is not None and (plain == choice.name or plain[len(choice.name)].isupper()):
            told = f"{shown(key)} has no place: {choice.name}[x] is one of {_spelled(self.structure, choice)}"
        else:
            known = hint(key, list(self.structure.json_names))
            told = f"{shown(key)} is no element of {self.structure.name}{known}"
        report.add("structure", told, at)


def _spelled(structure: Structure, element: Element) -> str:
    names = [name for name, meaning in structure.json_names.items() if meaning.element is element]
    return ", ".join(names) if len(names) <= 12 else f"{', '.join(names[:12])} …"  # noqa: PLR2004 - enough to see how it goes
