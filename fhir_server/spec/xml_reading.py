"""Reads a resource from XML, as a stream of events, without ever resolving an entity.

expat tells the byte where each event begins, so a narrative is kept exactly as it was sent, and what
is refused is refused with line, column and FHIR path.

https://hl7.org/fhir/R4/xml.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from fhir_server.kernel.errors import Malformed
from fhir_server.spec.json_faults import number_fault
from fhir_server.spec.xml_narrative import XHTML, narrative_text

if TYPE_CHECKING:
    from fhir_server.spec.definitions import Element, Structure
    from fhir_server.spec.packages import Definitions

_FHIR = "http://hl7.org/fhir"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_WHOLE = frozenset({"integer", "positiveInt", "unsignedInt"})
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*+)(\.[0-9]++)?([eE][+-]?[0-9]++)?")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*+)")
_LONGEST_NAME = 64
_RESOURCE = "Resource"


@dataclass(slots=True)
class _Frame:
    """An element that is open. `structure` is None for one that holds a resource, and for the document.

    `depth` is how many objects and arrays of the JSON are open with it, so that both formats have one limit.
    """

    name: str
    element: Element | None
    structure: Structure | None
    type_code: str = ""
    value: Any = None
    members: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    index: int = -1
    depth: int = 0

    @property
    def is_primitive(self) -> bool:
        """Whether it holds a value; what else it holds stands in an object of its own in JSON."""
        return self.structure is not None and self.structure.kind == "primitive-type"

    @property
    def inner_depth(self) -> int:
        """The depth of what stands in it."""
        return self.depth + 1 if self.is_primitive else self.depth


class Reading:
    """One reading of one document."""

    def __init__(self, data: bytes, definitions: Definitions, max_depth: int) -> None:
        self._data = data
        self._definitions = definitions
        self._max_depth = max_depth
        self._frames = [_Frame("", None, None)]
        self._prefixes: dict[str, str] = {}
        self._narrative_depth = 0
        self._narrative_start = 0
        self._parser = self._make_parser()

    def resource(self) -> dict[str, Any]:
        """Return the resource."""
        if b"\x00" in self._data or not _is_utf8(self._data):
            raise Malformed("The XML is not UTF-8, or holds the character NUL")
        try:
            self._parser.Parse(self._data, True)  # noqa: FBT003 - this is how expat says "the end"
        except expat.ExpatError as failure:
            raise self._fault(expat.errors.messages[failure.code]) from None
        found: dict[str, Any] = self._frames[0].value
        return found

    def _make_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartNamespaceDeclHandler = self._namespace
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        return parser

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.upper() != "UTF-8":
            raise self._fault("it must be in UTF-8")

    def _doctype(self, *_: Any) -> None:
        raise self._fault("a DOCTYPE is not allowed")

    def _namespace(self, prefix: str | None, uri: str | None) -> None:
        if not self._narrative_depth and prefix:
            self._prefixes[prefix] = uri or ""

    def _text(self, text: str) -> None:
        if not self._narrative_depth and text.strip():
            raise self._fault("text is not allowed here; values stand in the attribute value")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._narrative_depth:
            self._narrative_depth += 1
            return
        namespace, _, local = name.rpartition(" ")
        parent = self._frames[-1]
        if parent.structure is None:
            frame = self._resource_frame(parent, namespace, local)
        elif namespace == XHTML and local == "div" and self._takes_narrative(parent):
            self._narrative_depth, self._narrative_start = 1, self._parser.CurrentByteIndex
            return
        else:
            frame = self._element_frame(parent, namespace, local)
        self._frames.append(frame)
        self._take_attributes(frame, attributes)
        if (frame.inner_depth if frame.members else frame.depth) > self._max_depth:
            raise self._fault(f"it is nested more than {self._max_depth} levels deep")

    def _resource_frame(self, parent: _Frame, namespace: str, local: str) -> _Frame:
        if parent.value is not None:
            raise self._fault("only one resource is allowed here")
        self._refuse_unless_fhir(namespace, local)
        if local not in self._definitions.resource_type_set:
            raise self._fault(
                f"{_shown(local)} is not a type of resource{_hint(local, self._definitions.resource_types)}"
            )
        return _Frame(
            local,
            None,
            self._definitions.structure(local),
            _RESOURCE,
            members={"resourceType": local},
            depth=parent.depth + 1,
        )

    def _element_frame(self, parent: _Frame, namespace: str, local: str) -> _Frame:
        self._refuse_unless_fhir(namespace, local)
        structure = parent.structure
        names = structure.json_names if structure else {}
        meaning = names.get(local)
        if meaning is not None and meaning.type_code == "xhtml":
            raise self._fault(f"the div of a narrative is in the namespace {XHTML}")
        if meaning is None or meaning.element.xml_attribute:
            known = structure.name if structure else ""
            raise self._fault(f"{_shown(local)} is no element of {known}{_hint(local, names)}")
        index = parent.counts.get(local, 0)
        parent.counts[local] = index + 1
        if not meaning.element.is_list:
            if index:
                raise self._fault(f"{local} stands twice, and may not repeat")
            index = -1
        depth = parent.inner_depth + (index >= 0)
        if meaning.type_code == _RESOURCE:
            return _Frame(local, meaning.element, None, index=index, depth=depth)
        children = self._definitions.structure(meaning.structure or meaning.type_code)
        depth += children.kind != "primitive-type"
        return _Frame(local, meaning.element, children, meaning.type_code, index=index, depth=depth)

    def _take_attributes(self, frame: _Frame, attributes: dict[str, str]) -> None:
        for name, text in attributes.items():
            if name.startswith(f"{_INSTANCE} "):
                continue
            if frame.is_primitive and name == "value":
                frame.value = self._primitive(frame.type_code, text)
            elif self._is_attribute(frame, name):
                frame.members[name] = text
            else:
                raise self._fault(f"the attribute {_shown(name)} is not allowed here")

    def _is_attribute(self, frame: _Frame, name: str) -> bool:
        meaning = frame.structure.json_names.get(name) if frame.structure else None
        return meaning is not None and meaning.element.xml_attribute

    def _primitive(self, type_code: str, text: str) -> Any:
        if type_code == "boolean":
            if text not in {"true", "false"}:
                raise self._fault("this is not a boolean: true or false")
            return text == "true"
        if type_code in _WHOLE or type_code == "decimal":
            return self._number(type_code, text)
        return text

    def _number(self, type_code: str, text: str) -> Decimal | int:
        pattern = _DECIMAL if type_code == "decimal" else _INTEGER
        if not pattern.fullmatch(text):
            raise self._fault(f"this is not a number of the type {type_code}")
        if why := number_fault(text):
            raise self._fault(why)
        return int(text) if text.lstrip("-").isdigit() else Decimal(text)

    def _end(self, _name: str) -> None:
        if self._narrative_depth:
            self._narrative_depth -= 1
            if not self._narrative_depth:
                self._frames[-1].members["div"] = self._narrative()
            return
        frame = self._frames[-1]
        if frame.is_primitive and frame.value is None and not frame.members:
            raise self._fault("the element has neither a value nor an extension")
        if frame.structure is None and frame.value is None:
            raise self._fault("a resource is missing here")
        self._frames.pop()
        _close_lists(frame)
        parent = self._frames[-1]
        if frame.element is None:
            parent.value = frame.members
        elif frame.is_primitive:
            _put_primitive(parent, frame)
        else:
            _put(parent, frame, frame.value if frame.structure is None else frame.members)

    def _takes_narrative(self, parent: _Frame) -> bool:
        meaning = parent.structure.json_names.get("div") if parent.structure else None
        return meaning is not None and meaning.type_code == "xhtml" and "div" not in parent.members

    def _narrative(self) -> str:
        try:
            return narrative_text(self._data, self._narrative_start, self._parser.CurrentByteIndex, self._prefixes)
        except ValueError:
            raise self._fault("the narrative cannot be read") from None

    def _refuse_unless_fhir(self, namespace: str, local: str) -> None:
        if namespace != _FHIR:
            where = f"the namespace {_shown(namespace)}" if namespace else "no namespace"
            raise self._fault(f"{_shown(local)} is in {where}; FHIR's is {_FHIR}")

    def _fault(self, why: str) -> Malformed:
        line, column = self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1
        place = ".".join(f"{f.name}[{f.index}]" if f.index >= 0 else f.name for f in self._shown_frames())
        return Malformed(f"The XML cannot be read at line {line}, column {column}: {why}", expression=place)

    def _shown_frames(self) -> list[_Frame]:
        """Return the frames that make up the FHIR path: a resource in a `resource` element has the name of that."""
        return [f for i, f in enumerate(self._frames) if f.name and (f.element is not None or i == 1)]


def _put(parent: _Frame, frame: _Frame, value: Any) -> None:
    if frame.index >= 0:
        parent.members.setdefault(frame.name, []).append(value)
    else:
        parent.members[frame.name] = value


def _put_primitive(parent: _Frame, frame: _Frame) -> None:
    """Put a value and its `_element`, aligned by None where it repeats; `_close_lists` tidies up."""
    sibling = frame.members or None
    if frame.index >= 0:
        parent.members.setdefault(frame.name, []).append(frame.value)
        parent.members.setdefault(f"_{frame.name}", []).append(sibling)
        return
    if frame.value is not None:
        parent.members[frame.name] = frame.value
    if sibling is not None:
        parent.members[f"_{frame.name}"] = sibling


def _close_lists(frame: _Frame) -> None:
    """Take away arrays that hold nothing but None."""
    empty = [key for key, value in frame.members.items() if type(value) is list and all(v is None for v in value)]
    for key in empty:
        del frame.members[key]


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _shown(text: str) -> str:
    return repr(text if len(text) <= _LONGEST_NAME else text[:_LONGEST_NAME] + "…")


def _hint(word: str, words: Any) -> str:
    close = get_close_matches(word, list(words), 1, 0.6) if len(word) <= _LONGEST_NAME else []
    return f"; did you mean {close[0]!r}?" if close and close[0] != word else ""
