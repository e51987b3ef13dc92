"""The FHIR type model as FHIRPath walks it: which JSON names a member has, and what each one's type is.

https://hl7.org/fhir/R4/fhirpath.html#polymorphism
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fhir_server.fhirpath.values import SYSTEM_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_server.spec.definitions import Element, Structure
    from fhir_server.spec.packages import Definitions

_ANY_RESOURCE = frozenset({"Resource", "DomainResource"})
_SYSTEM_NAMES = frozenset(
    {"Any", "Boolean", "Integer", "Decimal", "String", "Date", "DateTime", "Time", "Quantity", "Long"}
)


class Child(NamedTuple):
    """One JSON name of a member. `type_name` is "" where only the data tells (a contained resource)."""

    key: str
    type_name: str
    is_primitive: bool


class TypeModel:
    """Answers about types; holds nothing but what the definitions say."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    def children(self, type_name: str, member: str) -> tuple[Child, ...]:
        """The JSON names that `member` of `type_name` may stand under: one, or one for each choice."""
        structure = self._structure(type_name)
        if structure is None:
            is_description = type_name == "System.TypeInfo" and member in ("namespace", "name")
            return (Child(member, "System.String", is_primitive=True),) if is_description else ()
        return tuple(
            self._child(key, name.element, name.type_code)
            for key, name in structure.json_names.items()
            if name.element.name == member
        )

    def all_children(self, type_name: str) -> tuple[Child, ...]:
        """Every JSON name of `type_name`."""
        structure = self._structure(type_name)
        if structure is None:
            return ()
        return tuple(self._child(key, name.element, name.type_code) for key, name in structure.json_names.items())

    def has_member(self, type_name: str, member: str) -> bool:
        """Whether the definitions know `member` of `type_name`."""
        structure = self._structure(type_name)
        return structure is not None and any(element.name == member for element in structure.elements)

    def _structure(self, type_name: str) -> Structure | None:
        if not self._definitions.has_structure(type_name):
            return None
        return self._definitions.structure(type_name)

    def _child(self, key: str, element: Element, type_code: str) -> Child:
        if element.content_reference:
            return Child(key, element.content_reference.lstrip("#"), is_primitive=False)
        if type_code in ("BackboneElement", "Element", "") and self._definitions.has_structure(element.path):
            return Child(key, element.path, is_primitive=False)
        if type_code in _ANY_RESOURCE:
            return Child(key, "", is_primitive=False)
        return Child(key, type_code, type_code in SYSTEM_TYPES)

    def qualified(self, name: str) -> str | None:
        """`name` as node type names are spelled (`Patient`, `System.String`); None if there is no such type.

        `System.` with anything behind it is taken for a type that no node has.
        """
        namespace, _, bare = name.rpartition(".")
        if namespace == "System":
            return name
        if namespace not in ("", "FHIR"):
            return None
        if self._definitions.has_structure(bare) and "." not in bare:
            return bare
        return f"System.{bare}" if not namespace and bare in _SYSTEM_NAMES else None

    def is_a(self, type_name: str, wanted: str) -> bool:
        """Whether a node of `type_name` is of the qualified type `wanted`, or of one derived from it."""
        if wanted in (type_name, "System.Any"):
            return True
        if type_name.startswith("System."):
            return False
        return self._definitions.has_structure(type_name) and self._definitions.is_subtype(type_name, wanted)

    def described(self, type_name: str) -> tuple[str, str]:
        """Namespace and name of a type as `type()` tells them; a backbone element is a BackboneElement."""
        if type_name.startswith("System."):
            return "System", type_name.removeprefix("System.")
        if "." in type_name and self._definitions.has_structure(type_name):
            return "FHIR", self._definitions.structure(type_name).base
        return "FHIR", type_name

    def is_resource(self, type_name: str) -> bool:
        """Whether `type_name` is a resource type."""
        return type_name in _ANY_RESOURCE or self.is_a(type_name, "Resource")

    def suggestions(self) -> Iterable[str]:
        """The names of all resource types."""
        return self._definitions.resource_types
