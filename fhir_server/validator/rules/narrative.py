"""The XHTML of a narrative: well formed, a `div`, and nothing in it that could act.

https://hl7.org/fhir/R4/narrative.html#xhtml
"""

from __future__ import annotations

import re

from lxml import etree

_XHTML = "{http://www.w3.org/1999/xhtml}"
_ELEMENTS = frozenset(
    "a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4 h5 h6 hr i "  # noqa: SIM905 - read as a list of words
    "img li ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var".split()
)
_ALLOWED = frozenset(_XHTML + name for name in _ELEMENTS)
_ACTIVE = re.compile(r"(javascript|vbscript|livescript):|expression\(|data:(?!image/)|@import|-moz-binding")
_IGNORED = re.compile(r"[\x00-\x20\x7f-\xa0]+|/\*.*?\*/")
_BEGINS_WITH_ELEMENT = re.compile(r"\s*+<[A-Za-z]").match
_URLS = frozenset({"href", "src", "cite", "longdesc", "background", "style"})
_parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def narrative_fault(text: str) -> str:
    """Return why `text` is no safe narrative, "" where it is one."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text or not _BEGINS_WITH_ELEMENT(text):
        return "a narrative begins with its div and has no DOCTYPE"
    try:
        root = etree.fromstring(text.encode(), _parser)
    except (etree.XMLSyntaxError, ValueError) as failure:
        return f"this is not well-formed XHTML: {_reason(failure)}"
    if root.tag != f"{_XHTML}div":
        return "the root must be a div in the namespace http://www.w3.org/1999/xhtml"
    for element in root.iter():
        if element.tag not in _ALLOWED:
            fault = _element_fault(element.tag)
            if fault:
                return fault
        if element.attrib:
            for name, value in element.attrib.items():
                if name[:2].lower() == "on" or (name in _URLS and _is_active(value)):
                    return f"the attribute {name} may act, which is not allowed in a narrative"
    return ""


def _element_fault(tag: object) -> str:
    if isinstance(tag, str):
        return f"the element {tag.rpartition('}')[2][:40]} is not allowed in a narrative"
    return "" if tag is etree.Comment else "a narrative has neither processing instructions nor entities"


def _is_active(value: str) -> bool:
    return _ACTIVE.search(_IGNORED.sub("", value).lower()) is not None


def _reason(failure: Exception) -> str:
    """Return the parser's sentence up to the position, without the text around it."""
    return str(failure).partition(" (")[0][:120]
