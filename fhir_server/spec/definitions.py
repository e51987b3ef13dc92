"""What R4 says of its types: elements, bindings, constraints, search parameters, compartments, operations.

These are the shapes in which every other room reads the definition pack (`spec/packages.py` loads it).

https://hl7.org/fhir/R4/structuredefinition.html
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the pack is decoded by these annotations
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TypeReference:
    """One type an element may have: `code` is `Reference`, `string`, `CodeableConcept` and so on.

    `targets` are resource type names a Reference or canonical may point to (`Resource` for any).
    FHIRPath system types (of `Element.id`, `Extension.url`) appear as the FHIR type they stand for.
    """

    code: str
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binding:
    """The value set a coded element is bound to. `strength`: required, extensible, preferred, example.

    `maximum_value_set` is the outer limit of an extensible or preferred binding, where there is one.
    """

    strength: str
    value_set: str
    maximum_value_set: str = ""


@dataclass(frozen=True, slots=True)
class Constraint:
    """An invariant. `severity`: error or warning; `expression` is FHIRPath."""

    key: str
    severity: str
    expression: str
    human: str = ""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a structure.

    `path` as in the StructureDefinition (`Observation.component.value[x]`), `name` its last part
    without `[x]`; `maximum` is None for `*`. A choice element has `is_choice` and one
    TypeReference a type; its JSON names are in `Structure.json_names`.
    `content_reference` is the path whose children it shares (`Bundle.link`), or ""; such an element
    is a BackboneElement by type. `constraints` are those of this place; a backbone element's stand
    at its structure, so that content told elsewhere has them too: a value must satisfy the
    constraints of its element and those of its structure, and none is in both.
    """

    path: str
    name: str
    minimum: int
    maximum: int | None
    types: tuple[TypeReference, ...]
    is_choice: bool = False
    content_reference: str = ""
    binding: Binding | None = None
    constraints: tuple[Constraint, ...] = ()
    is_summary: bool = False
    is_modifier: bool = False
    is_list: bool = False
    xml_attribute: bool = False


@dataclass(frozen=True, slots=True)
class JsonName:
    """What a JSON property name means: its element and the one type it says (`valueQuantity` -> Quantity).

    `structure` is the name of the structure that tells the children: the type, or the path of the
    backbone element (of the one referred to, where the content is told elsewhere: `Bundle.entry.link`
    -> `Bundle.link`).
    """

    element: Element
    type_code: str
    structure: str = ""


@dataclass(frozen=True, slots=True)
class Structure:
    """A resource type, data type or backbone element's own content.

    `name` is `Patient`, `HumanName`, `string`, or for the children of a backbone element its path
    (`Patient.contact`). `kind`: resource, complex-type, primitive-type, backbone.
    `elements` are its direct children in the order of the definition (XML order), inherited ones
    included. `json_names` maps each JSON property (choice types spelled out, without `_`) to its
    meaning. `regex` is a primitive's pattern, "" otherwise. `base` is the parent type's name.
    `constraints` are those of the type itself.
    """

    name: str
    kind: str
    base: str
    abstract: bool
    elements: tuple[Element, ...] = ()
    json_names: Mapping[str, JsonName] = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()
    regex: str = ""


@dataclass(frozen=True, slots=True)
class SearchComponent:
    """A part of a composite: the code of the parameter it stands for, and its expression on the context."""

    definition: str
    expression: str


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """A search parameter as it applies to one or more resource types.

    `type` is number, date, string, token, reference, composite, quantity, uri or special;
    `expression` FHIRPath (may hold `|`-parts for other types), "" for the few without one;
    `base` the resource types (`Resource`, `DomainResource` for all); `targets` the types a
    reference may point to; `components` those of a composite.
    """

    url: str
    code: str
    type: str
    base: tuple[str, ...]
    expression: str
    targets: tuple[str, ...] = ()
    components: tuple[SearchComponent, ...] = ()


@dataclass(frozen=True, slots=True)
class Compartment:
    """`code` is Patient, Encounter, Practitioner, RelatedPerson or Device; `parameters` maps a resource
    type in the compartment to the search parameters that link it (`{def}` for the type itself).
    """

    code: str
    parameters: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class OperationParameter:
    """A parameter of an operation. `use` is in or out; `parts` those of a nested one; `search_type`
    the kind of search parameter a string stands for, where it does.
    """

    name: str
    use: str
    minimum: int
    maximum: int | None
    type: str
    parts: tuple[OperationParameter, ...] = ()
    search_type: str = ""


@dataclass(frozen=True, slots=True)
class OperationSignature:
    """What an OperationDefinition says of a `$name`."""

    url: str
    code: str
    system: bool
    type: bool
    instance: bool
    affects_state: bool
    resource_types: tuple[str, ...]
    parameters: tuple[OperationParameter, ...]
