"""Required bindings of Coding and CodeableConcept: a coding must be from the value set.

https://hl7.org/fhir/R4/terminologies.html#required
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_server.validator.report import shown

if TYPE_CHECKING:
    from fhir_server.validator.report import ItemCheck, Place, Report

Codes = frozenset[tuple[str, str]]


def coding_binding(value_set: str, codes: Codes) -> ItemCheck:
    """Return the check of a Coding that must be one of `codes`."""

    def check(value: Any, place: Place, report: Report) -> None:
        if type(value) is dict and not is_coding_in(value, codes):
            report.add("code-invalid", f"{_words(value)} is not in the value set {value_set}", place)

    return check


def concept_binding(value_set: str, codes: Codes) -> ItemCheck:
    """Return the check of a CodeableConcept that must have a coding of `codes`."""

    def check(value: Any, place: Place, report: Report) -> None:
        if is_concept_in(value, codes):
            return
        codings = _codings(value)
        if len(codings) == 1:
            told = f"{_words(codings[0])} is not in the value set {value_set}"
            report.add("code-invalid", told, (place, "coding", 0))
        else:
            told = "none of the codings is in" if codings else "a coding is required of"
            report.add("code-invalid", f"{told} the value set {value_set}", place)

    return check


def is_concept_in(value: Any, codes: Codes) -> bool:
    """Whether a CodeableConcept has a coding of `codes`."""
    return any(is_coding_in(coding, codes) for coding in _codings(value))


def _codings(value: Any) -> list[Any]:
    codings = value.get("coding") if type(value) is dict else None
    return codings if type(codings) is list else []


def is_coding_in(coding: Any, codes: Codes) -> bool:
    """Whether a Coding is one of `codes`."""
    if type(coding) is not dict:
        return False
    system, code = coding.get("system"), coding.get("code")
    return isinstance(system, str) and isinstance(code, str) and (system, code) in codes


def _words(coding: Any) -> str:
    if type(coding) is not dict:
        return "this"
    return f"the code {shown(str(coding.get('code', '')))} of that system"
