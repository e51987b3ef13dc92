"""Puts issues into an OperationOutcome.

https://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_server.kernel.errors import Issue

if TYPE_CHECKING:
    from collections.abc import Iterable

NOTHING_WRONG = Issue("information", "informational", "No issues.")
"""What an outcome says that has nothing to say: R4 wants at least one issue."""


def operation_outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """Return the OperationOutcome that holds `issues` in their order, each place in `expression`."""
    lines = [_line(issue) for issue in issues]
    return {"resourceType": "OperationOutcome", "issue": lines or [_line(NOTHING_WRONG)]}


def _line(issue: Issue) -> dict[str, Any]:
    line: dict[str, Any] = {"severity": issue.severity, "code": issue.code}
    if issue.diagnostics.strip():
        line["diagnostics"] = issue.diagnostics
    if issue.expression:
        line["expression"] = [issue.expression]
    return line
