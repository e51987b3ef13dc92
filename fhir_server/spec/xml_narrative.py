"""Takes the narrative out of an XML document as it was sent, byte for byte.

https://hl7.org/fhir/R4/narrative.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.parsers import expat

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Mapping

XHTML = "http://www.w3.org/1999/xhtml"
_START_TAG = re.compile(rb"""<[^<>"']*+(?:"[^"]*+"[^<>"']*+|'[^']*+'[^<>"']*+)*+>""")


def narrative_text(data: bytes, start: int, end: int, prefixes: Mapping[str, str]) -> str:
    """Return the div that begins at byte `start` and whose end expat tells at `end`.

    `prefixes` are the namespaces declared outside of it; those it needs are declared inside.
    Raises ValueError where it cannot be read.
    """
    tag = _START_TAG.match(data, start)
    if tag is None or not tag.group().endswith(b"/>"):
        tag = _START_TAG.match(data, end)
    text = data[start : tag.end() if tag else end].decode().replace("\r\n", "\n").replace("\r", "\n")
    return text if _stands_alone(text) else _with_namespaces(text, prefixes)


def _stands_alone(text: str) -> bool:
    """Whether the div declares its namespace itself, as all that FHIR's own tools write do."""
    parser = expat.ParserCreate("utf-8", " ")
    found: list[str] = []
    parser.StartElementHandler = lambda name, _: found.append(name) if not found else None
    try:
        parser.Parse(text.encode(), True)  # noqa: FBT003 - this is how expat says "the end"
    except expat.ExpatError:
        return False
    return found == [f"{XHTML} div"]


def _with_namespaces(text: str, prefixes: Mapping[str, str]) -> str:
    declared = "".join(f' xmlns:{p}="{_quoted(uri)}"' for p, uri in prefixes.items())
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        div = etree.fromstring(f'<w xmlns="{XHTML}"{declared}>{text}</w>'.encode(), parser)[0]
    except etree.XMLSyntaxError as failure:
        raise ValueError("the narrative is not well formed") from failure
    etree.cleanup_namespaces(div)
    return str(etree.tostring(div, encoding="unicode", with_tail=False))


def _quoted(uri: str) -> str:
    return uri.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
