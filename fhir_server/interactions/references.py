"""The links inside a transaction: found by type in one walk, then put right where they stand.

R4 asks to replace links "in the bundle, whether they are found in the resource ids, resource references,
elements of type uri, url, oid, uuid, and <a href="" & <img src="" in the narrative. Elements of type
canonical are not replaced." A string that merely looks like a link (an Identifier's value) is left
alone, so the walk follows the definitions.

https://hl7.org/fhir/R4/http.html#trules
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fhir_server.interactions.links import parted

if TYPE_CHECKING:
    from fhir_server.spec.definitions import JsonName
    from fhir_server.spec.packages import Definitions

Rewrite = Callable[[str], str]
"""Takes a link, returns what to put in its place (itself where nothing is to be done)."""

LINK_TYPES = frozenset({"uri", "url", "oid", "uuid"})
_NARRATIVE_LINK = re.compile(r"""(?P<before>\b(?:href|src)\s*=\s*)(?P<quote>["'])(?P<link>.*?)(?P=quote)""")
_REFERENCE, _LINK, _NARRATIVE = "reference", "link", "narrative"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a link stands: `holder[key]` held `text` when it was found. `kind`: reference, link or narrative."""

    holder: Any
    key: str | int
    text: str
    kind: str

    def rewrite(self, rewrite: Rewrite) -> None:
        """Put into the place what `rewrite` makes of the text that was found there."""
        self.holder[self.key] = (
            _rewritten_narrative(self.text, rewrite) if self.kind == _NARRATIVE else rewrite(self.text)
        )


def links_in(resource: Mapping[str, Any], definitions: Definitions, full_urls: Container[str]) -> list[Place]:
    """Return the places of every `Reference.reference`, of narratives with links, and of uris among `full_urls`."""
    found: list[Place] = []
    _walk(resource, str(resource.get("resourceType")), definitions, full_urls, found)
    return found


def _walk(
    content: Mapping[str, Any], type_name: str, definitions: Definitions, full_urls: Container[str], found: list[Place]
) -> None:
    plan = _plan(definitions, type_name)
    for key, value in content.items():
        step = plan.get(key)
        if step is None:
            continue
        items = enumerate(value) if isinstance(value, list) else ((key, value),)
        holder = value if isinstance(value, list) else content
        for place, item in items:
            if isinstance(item, dict):
                inner = str(item.get("resourceType")) if step == "Resource" else step
                _walk(item, inner, definitions, full_urls, found)
            elif isinstance(item, str) and _is_wanted(item, step, full_urls):
                found.append(Place(holder, place, item, step))


def _is_wanted(text: str, kind: str, full_urls: Container[str]) -> bool:
    if kind == _LINK:
        return parted(text)[0] in full_urls
    return kind == _REFERENCE or (kind == _NARRATIVE and ("href" in text or "src" in text))


def expression_of(place: Place, content: Mapping[str, Any], path: str) -> str:
    """Return the FHIRPath of `place` inside `content`, which stands at `path`; "" where it is not in there."""
    for key, value in content.items():
        items = enumerate(value) if isinstance(value, list) else ((key, value),)
        for index, item in items:
            inner = f"{path}.{key}[{index}]" if isinstance(value, list) else f"{path}.{key}"
            if place.key == index and place.holder is (value if isinstance(value, list) else content):
                return inner
            if isinstance(item, dict) and (found := expression_of(place, item, inner)):
                return found
    return ""


@lru_cache(maxsize=2048)
def _plan(definitions: Definitions, type_name: str) -> Mapping[str, str]:
    """Return, for each JSON property that may hold links, their kind or the structure that is inside."""
    if not definitions.has_structure(type_name):
        return {}
    names = definitions.structure(type_name).json_names
    return {key: step for key, name in names.items() if (step := _step(name, type_name, definitions))}


def _step(name: JsonName, parent: str, definitions: Definitions) -> str:
    if name.type_code in LINK_TYPES:
        return _LINK
    if name.type_code == "xhtml":
        return _NARRATIVE
    if parent == "Reference" and name.element.name == "reference":
        return _REFERENCE
    return "" if definitions.structure(name.structure).kind == "primitive-type" else name.structure


def _rewritten_narrative(div: str, rewrite: Rewrite) -> str:
    return _NARRATIVE_LINK.sub(
        lambda found: f"{found['before']}{found['quote']}{rewrite(found['link'])}{found['quote']}", div
    )
