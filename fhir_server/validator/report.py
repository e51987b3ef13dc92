"""Collects what is wrong while a resource is checked, and turns places into FHIRPath.

A place is a chain of (parent, step, index), so that checking builds no text until something is wrong.

https://hl7.org/fhir/R4/operationoutcome-definitions.html#OperationOutcome.issue.expression
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fhir_server.kernel.errors import Issue

MAX_ISSUES = 100
"""No more are told of one resource; a last line says so."""

Place = tuple[Any, str, int]
"""The parent's place (None at the root), the step, and the index in a list (-1 where there is none)."""

ItemCheck = Callable[[Any, Place, "Report"], None]
"""Checks one value at its place."""

PropertyCheck = Callable[[Any, Mapping[str, Any], Place, "Report"], None]
"""Checks a JSON property's value, given the object around it and the object's place."""

SINGLE = -1
_SHOWN = 40


class EnoughError(Exception):
    """So much is wrong that looking further is no use."""


class Report:
    """What was found in one resource so far, and the ids that `#id` may name where the check stands."""

    __slots__ = ("contained", "issues")

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self.contained: Mapping[str, str] = {}

    def add(self, code: str, diagnostics: str, place: Place) -> None:
        """Add an error at a place. Raises EnoughError where there are too many."""
        if len(self.issues) >= MAX_ISSUES:
            raise EnoughError
        self.issues.append(Issue("error", code, diagnostics, fhirpath(place)))


def fhirpath(place: Place) -> str:
    """Return the place as FHIRPath: `Patient.contact[0].name.given[1]`."""
    steps: list[str] = []
    at: Place | None = place
    while at is not None:
        parent, step, index = at
        steps.append(f"{step}[{index}]" if index >= 0 else step)
        at = parent
    return ".".join(reversed(steps))


def shown(text: str) -> str:
    """Return a text of the client in quotes, cut short."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def json_kind(value: Any) -> str:
    """Return what a value is in JSON, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    return "an object" if isinstance(value, dict) else "an array" if isinstance(value, list) else "a number"
