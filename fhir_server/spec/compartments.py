"""Says which resource types belong to a compartment, and through which search parameters.

https://hl7.org/fhir/R4/compartmentdefinition.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fhir_server.spec.packages import Definitions

ITSELF = "_id"
"""The parameter that finds the resource at the centre, which belongs to its own compartment."""

_DEFINITION_ITSELF = "{def}"


def parameters_into(definitions: Definitions, compartment: str, resource_type: str) -> tuple[str, ...]:
    """Return the codes of the search parameters that put a `resource_type` into the compartment.

    An instance belongs where any one of them points to the centre (`Patient/1`); `_id` stands for
    being the centre. Empty: the type is never in it. Raises KeyError for an unknown compartment.
    """
    codes = definitions.compartments[compartment].parameters.get(resource_type, ())
    linked = tuple(code for code in codes if code != _DEFINITION_ITSELF)
    return (ITSELF, *linked) if resource_type == compartment else linked


def may_hold(definitions: Definitions, compartment: str, resource_type: str) -> bool:
    """Whether instances of `resource_type` can belong to the compartment."""
    return bool(parameters_into(definitions, compartment, resource_type))


def types_in(definitions: Definitions, compartment: str) -> tuple[str, ...]:
    """Return the resource types that can belong to the compartment, the centre's own among them."""
    return tuple(t for t in definitions.resource_types if may_hold(definitions, compartment, t))


def compartments_of(definitions: Definitions, resource_type: str) -> tuple[str, ...]:
    """Return the compartments that instances of `resource_type` can belong to."""
    return tuple(c for c in definitions.compartments if may_hold(definitions, c, resource_type))
