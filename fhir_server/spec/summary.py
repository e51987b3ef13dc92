"""Leaves out what `_summary` or `_elements` did not ask for, and says so in the resource.

https://hl7.org/fhir/R4/search.html#summary and https://hl7.org/fhir/R4/search.html#elements
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from fhir_server.spec.definitions import Element, JsonName, Structure
    from fhir_server.spec.packages import Definitions

SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "subsetted",
}
"""The tag of a resource that is not whole, so that nobody writes it back as if it were."""

_ALWAYS = frozenset({"resourceType", "id", "meta"})
_WHOLE = frozenset({"Extension", "Meta", "Narrative"})
"""Types that mean something else when a part is missing."""


def summarise(resource: dict[str, Any], mode: str, definitions: Definitions) -> dict[str, Any]:
    """Return what `_summary=mode` shows of `resource`, which is left as it is.

    `true`: elements marked as summary, at every level. `text`: the narrative. `data`: all but the
    narrative. `count`: only what must be there (a search shows no resources at all). `false`: all.
    Mandatory elements and modifier extensions always stay. Raises ValueError for another mode.
    """
    if mode == "false":
        return resource
    if mode == "true":
        return _subsetted(_summary(resource, definitions))
    if mode == "data":
        return _subsetted(_kept(resource, definitions, lambda e: e.name != "text"))
    if mode == "text":
        return _subsetted(_kept(resource, definitions, lambda e: e.name == "text" or _must_stay(e)))
    if mode == "count":
        return _subsetted(_kept(resource, definitions, _must_stay))
    raise ValueError(f"_summary has no mode {mode!r}")


def select_elements(resource: dict[str, Any], names: Collection[str], definitions: Definitions) -> dict[str, Any]:
    """Return the elements of the top level that `names` names, and those that always stay.

    A name is an element's (`value` for `valueQuantity`), a JSON property's (`valueQuantity`), or
    either after the type (`Observation.value`); one for another type than this is not meant here.
    """
    resource_type = resource["resourceType"]
    wanted = {name.removeprefix(f"{resource_type}.").removesuffix("[x]") for name in names}
    kept = _kept(resource, definitions, lambda e: e.name in wanted or _must_stay(e), wanted)
    return _subsetted(kept)


def _must_stay(element: Element) -> bool:
    """Whether the rest would be wrong without it: it is mandatory, or may turn the meaning around.

    Modifier extensions of a resource are not marked as summary in R4, yet nobody may overlook one.
    """
    return element.minimum > 0 or element.name == "modifierExtension"


def _subsetted(resource: dict[str, Any]) -> dict[str, Any]:
    meta = resource.get("meta", {})
    tags = meta.get("tag", [])
    if any(t.get("code") == SUBSETTED["code"] and t.get("system") == SUBSETTED["system"] for t in tags):
        return resource
    marked = {**meta, "tag": [*tags, dict(SUBSETTED)]}
    return _in_place_of_meta(resource, marked)


def _in_place_of_meta(resource: dict[str, Any], meta: dict[str, Any]) -> dict[str, Any]:
    """Return the resource with `meta` where it belongs: after resourceType and id."""
    first = {name: resource[name] for name in ("resourceType", "id") if name in resource}
    return first | {"meta": meta} | {name: v for name, v in resource.items() if name not in _ALWAYS}


def _kept(
    resource: dict[str, Any],
    definitions: Definitions,
    is_wanted: Callable[[Element], bool],
    json_names: Collection[str] = (),
) -> dict[str, Any]:
    """Return the properties of the top level whose element is wanted, each of them whole."""
    known = definitions.structure(resource["resourceType"]).json_names
    return {
        name: value
        for name, value in resource.items()
        if name in _ALWAYS
        or name.removeprefix("_") in json_names
        or ((meaning := known.get(name.removeprefix("_"))) and is_wanted(meaning.element))
    }


def _summary(content: dict[str, Any], definitions: Definitions) -> dict[str, Any]:
    """Return the summary of a resource: its marked elements, each with its own marked elements only."""
    structure = definitions.structure(content["resourceType"])
    found = {name: content[name] for name in ("resourceType", "id", "meta") if name in content}
    return found | {name: v for name, v in _marked(content, structure, definitions).items() if name not in _ALWAYS}


def _marked(content: Mapping[str, Any], structure: Structure, definitions: Definitions) -> dict[str, Any]:
    found = {}
    for name, value in content.items():
        meaning = structure.json_names.get(name.removeprefix("_"))
        if meaning and (meaning.element.is_summary or _must_stay(meaning.element)):
            part = value if name.startswith("_") else _part(value, meaning, definitions)
            if part is not None:
                found[name] = part
    return found


def _part(value: Any, meaning: JsonName, definitions: Definitions) -> Any:
    """Return the summary of an element's value; None where nothing of an optional one is left."""
    if meaning.structure in _WHOLE or definitions.structure(meaning.structure).kind == "primitive-type":
        return value
    if isinstance(value, list):
        parts = [part for item in value if (part := _part(item, meaning, definitions)) is not None]
        return parts or None
    if meaning.structure == "Resource":
        return _summary(value, definitions)
    part = _marked(value, definitions.structure(meaning.structure), definitions)
    return part or (value if meaning.element.minimum > 0 else None)
