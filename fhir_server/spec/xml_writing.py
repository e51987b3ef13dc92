"""Writes a resource as XML.

https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

import msgspec

from fhir_server.spec import json_format

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fhir_server.spec.definitions import JsonName, Structure
    from fhir_server.spec.packages import Definitions

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_NAMESPACE = ' xmlns="http://hl7.org/fhir"'
_SPECIAL = re.compile('[&<>"\t\n\r\x00-\x1f\ud800-\udfff\ufffe\uffff]')
_ESCAPED = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\t": "&#9;",
    "\n": "&#10;",
    "\r": "&#13;",
}
_NO_XML_CHARACTER = "\ufffd"
_RESOURCE = "Resource"


class Writing:
    """One writing of one document."""

    def __init__(self, definitions: Definitions, *, pretty: bool) -> None:
        self._definitions = definitions
        self._pretty = pretty
        self._out: list[str] = []

    def document(self, resource: Mapping[str, Any]) -> bytes:
        """Return the whole document."""
        self._out.append(_DECLARATION)
        self._resource(resource, _NAMESPACE, 0)
        if self._pretty:
            self._out.append("\n")
        return "".join(self._out).encode()

    def _resource(self, resource: Any, namespace: str, depth: int) -> None:
        if isinstance(resource, msgspec.Raw):
            resource = json_format.decode(bytes(resource), max_depth=10_000)
        name = resource["resourceType"]
        members = {key: value for key, value in resource.items() if key != "resourceType"}
        self._object(name, namespace, members, self._definitions.structure(name), depth)

    def _object(self, name: str, attributes: str, value: Mapping[str, Any], structure: Structure, depth: int) -> None:
        """Write an object of `structure`: its attributes, then its children in the order of the definition."""
        children: list[tuple[str, JsonName]] = []
        for json_name, meaning in _in_order(structure, value):
            if meaning.element.xml_attribute:
                attributes += f' {json_name}="{_escape(value[json_name])}"'
            else:
                children.append((json_name, meaning))
        if not children:
            self._tag(f"<{name}{attributes}/>", depth)
            return
        self._tag(f"<{name}{attributes}>", depth)
        for json_name, meaning in children:
            self._property(json_name, meaning, value, depth + 1)
        self._tag(f"</{name}>", depth)

    def _property(self, name: str, meaning: JsonName, owner: Mapping[str, Any], depth: int) -> None:
        """Write one element, or as many as the array of a repeating one holds."""
        structure = self._definitions.structure(meaning.structure or meaning.type_code)
        if structure.kind == "primitive-type":
            for value, sibling in _pairs(owner.get(name), owner.get(f"_{name}")):
                self._primitive(name, meaning.type_code, value, sibling, depth)
            return
        values = owner[name]
        for value in values if isinstance(values, list) else [values]:
            if meaning.type_code == _RESOURCE:
                self._tag(f"<{name}>", depth)
                self._resource(value, "", depth + 1)
                self._tag(f"</{name}>", depth)
            else:
                self._object(name, "", value, structure, depth)

    def _primitive(self, name: str, type_code: str, value: Any, sibling: Any, depth: int) -> None:
        if type_code == "xhtml":
            self._tag(_narrative(value), depth)
            return
        attributes = "" if value is None else f' value="{_escape(_text(value))}"'
        self._object(name, attributes, sibling or {}, self._definitions.structure("Element"), depth)

    def _tag(self, text: str, depth: int) -> None:
        if self._pretty:
            self._out.append("\n" + "  " * depth)
        self._out.append(text)


def _in_order(structure: Structure, value: Mapping[str, Any]) -> Iterator[tuple[str, JsonName]]:
    """Return the members of `value` in the order of the definition; `_name` counts as `name`."""
    names = structure.json_names
    present = {key[1:] if key[:1] == "_" else key for key in value}
    if not present <= names.keys():
        raise ValueError(f"{structure.name} has elements its definition does not know")
    return ((name, meaning) for name, meaning in names.items() if name in present)


def _pairs(values: Any, siblings: Any) -> Iterator[tuple[Any, Any]]:
    """Return each primitive value with its `_element`, None for either where it is not there."""
    if not isinstance(values, list) and not isinstance(siblings, list):
        yield values, siblings
        return
    values, siblings = values or [], siblings or []
    for index in range(max(len(values), len(siblings))):
        yield (
            values[index] if index < len(values) else None,
            siblings[index] if index < len(siblings) else None,
        )


def _text(value: Any) -> str:
    if value is True or value is False:
        return "true" if value else "false"
    return str(value)


def _escape(text: str) -> str:
    return _SPECIAL.sub(lambda m: _ESCAPED.get(m[0], _NO_XML_CHARACTER), text)


def _narrative(text: str) -> str:
    """Return the div as it is; as text in a div where it is not well formed, so that the document is."""
    try:
        expat.ParserCreate("utf-8").Parse(text.encode(), True)  # noqa: FBT003 - this is how expat says "the end"
        is_element = text.lstrip()[1:2].isalpha()
    except (expat.ExpatError, UnicodeEncodeError):
        is_element = False
    if not is_element:
        return f'<div xmlns="http://www.w3.org/1999/xhtml">{_escape(text)}</div>'
    return text.replace("\r", "&#13;")
