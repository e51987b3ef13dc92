"""The references inside a transaction: found by type, rewritten once.

R4 asks to replace links "in the bundle, whether they are found in the resource ids, resource references,
elements of type uri, url, oid, uuid, and <a href="" & <img src="" in the narrative". A string that
merely looks like one (an Identifier's value) is left alone, so the walk follows the definitions.

https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fhir_server.spec.definitions import JsonName
    from fhir_server.spec.packages import Definitions

Rewrite = Callable[[str], str]
"""Takes a link, returns what to put in its place (itself where nothing is to be done)."""

LINK_TYPES = frozenset({"uri", "url", "oid", "uuid", "canonical"})
_NARRATIVE_LINK = re.compile(r"""(?P<before>\b(?:href|src)\s*=\s*)(?P<quote>["'])(?P<link>.*?)(?P=quote)""")
_PLAIN = frozenset(
    [
        "string",
        "code",
        "id",
        "markdown",
        "boolean",
        "integer",
        "decimal",
        "positiveInt",
        "unsignedInt",
        "date",
        "dateTime",
        "instant",
        "time",
        "base64Binary",
    ]
)


def rewritten(resource: Mapping[str, Any], definitions: Definitions, rewrite: Rewrite) -> dict[str, Any]:
    """Return a copy of `resource` with every link replaced by `rewrite(link)`; `resource` is left as it is."""
    return _content(resource, str(resource.get("resourceType")), definitions, rewrite)


def _content(content: Mapping[str, Any], type_name: str, definitions: Definitions, rewrite: Rewrite) -> dict[str, Any]:
    if not definitions.has_structure(type_name):
        return dict(content)
    names = definitions.structure(type_name).json_names
    return {
        key: value if (name := names.get(key)) is None else _value(value, name, type_name, definitions, rewrite)
        for key, value in content.items()
    }


def _value(value: Any, name: JsonName, parent: str, definitions: Definitions, rewrite: Rewrite) -> Any:
    code = name.type_code
    if code in _PLAIN:
        is_reference = parent == "Reference" and name.element.name == "reference" and isinstance(value, str)
        return rewrite(value) if is_reference else value
    if isinstance(value, list):
        return [_value(item, name, parent, definitions, rewrite) for item in value]
    if code in LINK_TYPES:
        return rewrite(value) if isinstance(value, str) else value
    if code == "xhtml":
        return _narrative(value, rewrite) if isinstance(value, str) else value
    if not isinstance(value, dict):
        return value
    return _content(value, _type_of(value, name), definitions, rewrite)


def _type_of(value: Mapping[str, Any], name: JsonName) -> str:
    """Return the structure that tells the children: a resource's own type, else the element's."""
    return str(value.get("resourceType")) if name.structure == "Resource" else name.structure


def _narrative(div: str, rewrite: Rewrite) -> str:
    if "href" not in div and "src" not in div:
        return div
    return _NARRATIVE_LINK.sub(
        lambda found: f"{found['before']}{found['quote']}{rewrite(found['link'])}{found['quote']}", div
    )
