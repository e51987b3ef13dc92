"""An extension has either a value or extensions, never both, never neither.

https://hl7.org/fhir/R4/extensibility.html#Extension (ext-1)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fhir_server.validator.report import Place, Report


def check_extension(value: Any, place: Place, report: Report) -> None:
    """Report an extension with a value and extensions, or with neither."""
    has_value = any(key.startswith(("value", "_value")) for key in value)
    if has_value == ("extension" in value):
        both = "both a value and extensions" if has_value else "neither a value nor extensions"
        report.add("structure", f"the extension has {both}; it must have one of them", place)
