"""Loads the definition pack: everything the server knows of R4, ready in a few milliseconds.

Structures are unpacked when they are first asked for; the rest is small.

https://hl7.org/fhir/R4/definitions.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from fhir_server.kernel.bundled import bundled
from fhir_server.spec.definitions import Compartment, OperationSignature, SearchParameter, Structure
from fhir_server.spec.pack_format import PackedStructure, Terminology, ValueSetPart, base_names, unpacked
from fhir_server.spec.search_expressions import part_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_T = TypeVar("_T")


class Definitions:
    """The definitions of one FHIR release. Reading one never changes what another reader sees."""

    def __init__(
        self,
        structures: Mapping[str, PackedStructure],
        search_parameters: tuple[SearchParameter, ...],
        compartments: Mapping[str, Compartment],
        operations: tuple[OperationSignature, ...],
        terminology: Terminology,
    ) -> None:
        self._packed = structures
        self._unpacked: dict[str, Structure] = {}
        self._ancestors: dict[str, frozenset[str]] = {}
        self._expressions: dict[tuple[str, str], str] = {}
        self._value_sets: dict[str, frozenset[tuple[str, str]] | None] = {}
        self._terminology = terminology
        self.search_parameters = search_parameters
        self.compartments = compartments
        self.operations = operations
        self.resource_types: tuple[str, ...] = tuple(
            sorted(name for name, s in structures.items() if s.kind == "resource" and not s.abstract)
        )
        self.resource_type_set = frozenset(self.resource_types)
        self.type_names: tuple[str, ...] = tuple(sorted(structures))

    def structure(self, name: str) -> Structure:
        """Return the structure of a type (`Patient`, `string`) or of a backbone element (`Patient.contact`).

        Raises KeyError where there is none.
        """
        if name not in self._unpacked:
            self._unpack(name.partition(".")[0])
        return self._unpacked[name]

    def has_structure(self, name: str) -> bool:
        """Whether `structure(name)` knows the name."""
        if name in self._unpacked:
            return True
        top = name.partition(".")[0]
        if top in self._packed:
            self._unpack(top)
        return name in self._unpacked

    def is_subtype(self, name: str, of: str) -> bool:
        """Whether `name` is the type `of` or builds on it: `Age` of `Quantity`, `Patient` of `Resource`."""
        ancestors = self._ancestors.get(name)
        if ancestors is None:
            ancestors = self._ancestors[name] = frozenset(self._line_of(name))
        return of in ancestors

    def expression_for(self, search_parameter: SearchParameter, resource_type: str) -> str:
        """Return the parts of a parameter's expression that apply to `resource_type`, "" where none does."""
        key = (search_parameter.expression, resource_type)
        found = self._expressions.get(key)
        if found is None:
            found = self._expressions[key] = part_for(
                search_parameter.expression,
                is_a=lambda head: self.is_subtype(resource_type, head),
                is_type=self._packed.__contains__,
            )
        return found

    def value_set_codes(self, url: str) -> frozenset[tuple[str, str]] | None:
        """Return (system, code) of a value set that a required binding names; None if it cannot be listed here."""
        url = url.partition("|")[0]
        if url not in self._value_sets:
            parts = self._terminology.value_sets.get(url)
            self._value_sets[url] = None if parts is None else frozenset(p for part in parts for p in self._codes(part))
        return self._value_sets[url]

    def code_display(self, system: str, code: str) -> str | None:
        """Return the display of a code of the systems that required bindings need."""
        return self._terminology.code_systems.get(system, {}).get(code) or None

    def _codes(self, part: ValueSetPart) -> set[tuple[str, str]]:
        codes = self._terminology.code_systems[part.system] if part.codes is None else part.codes
        return {(part.system, code) for code in codes}

    def _unpack(self, name: str) -> None:
        """Unpack a type and its backbone elements, once; all of them appear in one step."""
        if name not in self._unpacked:
            packed = self._packed[name]
            bases = {base: self.structure(base) for base in base_names(packed)}
            self._unpacked.update({s.name: s for s in unpacked(name, packed, bases)})

    def _line_of(self, name: str) -> list[str]:
        line = []
        while name and self.has_structure(name):
            line.append(name)
            name = self.structure(name).base
        return line


def load_definitions(folder: Path | None = None) -> Definitions:
    """Read the pack in `folder`; without one, the R4 pack that ships with the server."""
    folder = folder or bundled("profiles", "r4")

    return Definitions(
        _read(folder / "structures.json", dict[str, PackedStructure]),
        _read(folder / "search_parameters.json", tuple[SearchParameter, ...]),
        _read(folder / "compartments.json", dict[str, Compartment]),
        _read(folder / "operations.json", tuple[OperationSignature, ...]),
        Terminology(
            _read(folder / "code_systems.json", dict[str, dict[str, str]]),
            _read(folder / "value_sets.json", dict[str, tuple[ValueSetPart, ...]]),
        ),
    )


def _read(path: Path, kind: type[_T]) -> _T:
    return msgspec.json.decode(path.read_bytes(), type=kind)
