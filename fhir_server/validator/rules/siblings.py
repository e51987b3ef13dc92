"""The `_element` siblings of primitives: objects of id and extension, arrays aligned by null.

https://hl7.org/fhir/R4/json.html#primitive
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_server.validator.report import SINGLE, json_kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_server.validator.report import ItemCheck, Place, PropertyCheck, Report


def single_sibling(name: str, step: str, check_element: ItemCheck) -> PropertyCheck:
    """Return the check of `_name` beside a single primitive."""

    def check(item: Any, owner: Mapping[str, Any], place: Place, report: Report) -> None:
        at = (place, step, SINGLE)
        check_element(item, at, report)
        if name not in owner and type(item) is dict and item and "extension" not in item:
            report.add("required", f"{name} has neither a value nor an extension", at)

    return check


def list_sibling(name: str, check_element: ItemCheck) -> PropertyCheck:
    """Return the check of `_name` beside an array of primitives."""

    def check(item: Any, owner: Mapping[str, Any], place: Place, report: Report) -> None:
        if type(item) is not list or not item:
            what = "an empty array" if item == [] else json_kind(item)
            report.add("structure", f"_{name} must be an array with something in it, here is {what}", _at(place, name))
            return
        values = owner.get(name, [])
        if name in owner and type(values) is list and len(values) != len(item):
            told = f"{name} has {len(values)} items and _{name} {len(item)}; fill both with null"
            report.add("structure", told, _at(place, name))
        for index, one in enumerate(item):
            value = values[index] if type(values) is list and index < len(values) else None
            if one is not None:
                check_element(one, (place, name, index), report)
                if value is None and type(one) is dict and one and "extension" not in one:
                    report.add("required", "neither a value nor an extension", (place, name, index))
            elif value is None:
                report.add("structure", "null in both arrays", (place, name, index))

    return check


def has_sibling(name: str, index: int, owner: Mapping[str, Any]) -> bool:
    """Whether `_name` has something at `index`, so that the value there may be null."""
    siblings = owner.get(f"_{name}")
    return type(siblings) is list and index < len(siblings) and siblings[index] is not None


def _at(place: Place, name: str) -> Place:
    return (place, name, SINGLE)
