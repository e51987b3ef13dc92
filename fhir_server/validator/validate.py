"""Says what is wrong with a resource, by the definitions of its type.

An unbroken resource costs little: types are compiled to closures once, and no text is made for
what is right. Profiles and FHIRPath constraints are not looked at here.

https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fhir_server.kernel.errors import Issue
from fhir_server.validator.compile import Compiler
from fhir_server.validator.report import MAX_ISSUES, SINGLE, EnoughError, Place, Report, json_kind, shown
from fhir_server.validator.rules.primitive import hint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fhir_server.spec.packages import Definitions

_NOTHING_CONTAINED: Mapping[str, str] = {}


class Validator:
    """Checks resources of one FHIR release. Holds no state of a check; may be shared."""

    def __init__(self, definitions: Definitions) -> None:
        self._resource_types = frozenset(definitions.resource_types)
        self._compiler = Compiler(definitions, self._check_resource, self._check_contained)

    def check(self, resource: Any) -> list[Issue]:
        """Return what is wrong, nothing where the resource is right.

        At most MAX_ISSUES errors are told; where there are more, a last line says so.
        """
        report = Report()
        try:
            self._check_resource(resource, (None, _root_of(resource), SINGLE), report)
        except EnoughError:
            told = f"There is more wrong; only the first {MAX_ISSUES} are told"
            report.issues.append(Issue("information", "incomplete", told))
        except RecursionError:
            report.issues.append(Issue("error", "too-costly", "The resource is nested too deeply"))
        return report.issues

    def _check_resource(self, value: Any, place: Place, report: Report) -> None:
        """Check a resource that stands for itself: at the root, in a Bundle or in Parameters."""
        resource_type = self._type_of(value, place, report)
        if not resource_type:
            return
        around = report.contained
        report.contained = _ids(value["contained"]) if "contained" in value else _NOTHING_CONTAINED
        if report.contained:
            _refuse_repeated_ids(value["contained"], place, report)
        self._compiler.shape(resource_type).check(value, place, report)
        report.contained = around

    def _check_contained(self, value: Any, place: Place, report: Report) -> None:
        resource_type = self._type_of(value, place, report)
        if not resource_type:
            return
        if "contained" in value:
            report.add("structure", "a contained resource contains no others", (place, "contained", SINGLE))
            value = {key: item for key, item in value.items() if key != "contained"}
        self._compiler.shape(resource_type).check(value, place, report)

    def _type_of(self, value: Any, place: Place, report: Report) -> str:
        """Return the type of a resource, "" where it has none that is known, which is reported."""
        if type(value) is not dict:
            report.add("structure", f"a resource is an object in JSON, here is {json_kind(value)}", place)
            return ""
        resource_type = value.get("resourceType")
        if type(resource_type) is not str:
            report.add("structure", "resourceType is missing or is no string", place)
            return ""
        if resource_type not in self._resource_types:
            near = hint(resource_type, self._resource_types)
            report.add("structure", f"{shown(resource_type)} is not a type of resource{near}", place)
            return ""
        return resource_type


def _ids(contained: Any) -> dict[str, str]:
    """Return the types of contained resources by their ids."""
    found: dict[str, str] = {}
    for resource in contained if type(contained) is list else ():
        if type(resource) is dict:
            key, resource_type = resource.get("id"), resource.get("resourceType")
            if type(key) is str and type(resource_type) is str:
                found[key] = resource_type
    return found


def _refuse_repeated_ids(contained: list[Any], place: Place, report: Report) -> None:
    seen: set[str] = set()
    for index, resource in enumerate(contained):
        key = resource.get("id") if type(resource) is dict else None
        if type(key) is str:
            if key in seen:
                report.add(
                    "value", "another contained resource has this id", ((place, "contained", index), "id", SINGLE)
                )
            seen.add(key)


def _root_of(resource: Any) -> str:
    resource_type = resource.get("resourceType") if type(resource) is dict else None
    is_name = type(resource_type) is str and resource_type.isalnum() and len(resource_type) <= 64  # noqa: PLR2004 - no type's name is longer
    return resource_type if is_name and isinstance(resource_type, str) else "Resource"
