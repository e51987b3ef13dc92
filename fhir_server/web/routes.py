"""Which interaction a method and a path below the base mean. A new interaction is one row of `ROWS`.

https://hl7.org/fhir/R4/http.html#summary
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from fhir_server.kernel.errors import BadRequest, MethodNotAllowed, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fhir_server.spec.packages import Definitions

Takes = Literal["nothing", "resource", "form"]

ROWS: tuple[tuple[str, str, str, Takes], ...] = (
    # method, path below the base, kind, what its body is
    ("GET", "", "search-system", "nothing"),
    ("POST", "", "bundle", "resource"),
    ("GET", "metadata", "capabilities", "nothing"),
    ("GET", "_history", "history-system", "nothing"),
    ("POST", "_search", "search-system", "form"),
    ("GET", "{type}", "search-type", "nothing"),
    ("POST", "{type}", "create", "resource"),
    ("PUT", "{type}", "update", "resource"),
    ("PATCH", "{type}", "patch", "resource"),
    ("DELETE", "{type}", "delete", "nothing"),
    ("GET", "{type}/_history", "history-type", "nothing"),
    ("POST", "{type}/_search", "search-type", "form"),
    ("GET", "{type}/{id}", "read", "nothing"),
    ("PUT", "{type}/{id}", "update", "resource"),
    ("PATCH", "{type}/{id}", "patch", "resource"),
    ("DELETE", "{type}/{id}", "delete", "nothing"),
    ("GET", "{type}/{id}/_history", "history-instance", "nothing"),
    ("GET", "{type}/{id}/_history/{version}", "vread", "nothing"),
    ("POST", "{type}/{id}/_search", "search-compartment", "form"),
    ("GET", "{type}/{id}/*", "search-compartment", "nothing"),
    ("POST", "{type}/{id}/*/_search", "search-compartment", "form"),
    ("GET", "{type}/{id}/{member}", "search-compartment", "nothing"),
    ("POST", "{type}/{id}/{member}/_search", "search-compartment", "form"),
    ("GET", "{operation}", "operation", "nothing"),
    ("POST", "{operation}", "operation", "resource"),
    ("GET", "{type}/{operation}", "operation", "nothing"),
    ("POST", "{type}/{operation}", "operation", "resource"),
    ("GET", "{type}/{id}/{operation}", "operation", "nothing"),
    ("POST", "{type}/{id}/{operation}", "operation", "resource"),
    ("GET", "{type}/{id}/_history/{version}/{operation}", "operation", "nothing"),
    ("POST", "{type}/{id}/_history/{version}/{operation}", "operation", "resource"),
)

_ID = re.compile(r"(?!\.\.?$)[A-Za-z0-9\-.]{1,64}")  # `.` and `..` would be ids, but no client can ask for them
_NAMES_A_NEW_INSTANCE = frozenset({"PUT", "PATCH"})
_QUOTED = 60


@dataclass(frozen=True, slots=True)
class Route:
    """One row: `template` is its path for logs and metrics, `kind` an `Interaction` kind, `bundle` or `operation`."""

    kind: str
    template: str
    takes: Takes


@dataclass(frozen=True, slots=True)
class Match:
    """A route and the values that the path holds for it."""

    route: Route
    values: Mapping[str, str]


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    variable: tuple[str, _Node] | None = None
    operation: _Node | None = None
    methods: dict[str, Route] = field(default_factory=dict)


class Routes:
    """The routes of the FHIR surface, for the resource types of `definitions`."""

    def __init__(self, definitions: Definitions) -> None:
        self._types = frozenset(definitions.resource_types)
        self._compartments = frozenset(definitions.compartments)
        self._root = _Node()
        for method, template, kind, takes in ROWS:
            self._node_for(template).methods[method] = Route(kind, template, takes)

    def match(self, method: str, segments: Sequence[str]) -> Match:
        """Return the route of `method` (HEAD counts as GET) on a path, given as its decoded segments.

        Raises NotFound for a path or resource type that is not there, BadRequest for an id that cannot
        be one, MethodNotAllowed where the path exists for other methods.
        """
        node, values = self._walk(segments)
        self._refuse_unknown(values)
        _refuse_illegal_id(values.get("id"), method)
        route = node.methods.get("GET" if method == "HEAD" else method)
        if route is None:
            raise MethodNotAllowed(f"{method[:16]} is not for this place; it takes {', '.join(_allowed(node))}")
        if route.kind == "search-compartment" and values["type"] not in self._compartments:
            raise NotFound(f"{values['type']} has no compartment; {', '.join(sorted(self._compartments))} have one")
        return Match(route, values)

    def allowed(self, segments: Sequence[str]) -> tuple[str, ...]:
        """Return the methods for a path, for the `Allow` header; none where there is no such path."""
        try:
            node, values = self._walk(segments)
            self._refuse_unknown(values)
        except NotFound:
            return ()
        return _allowed(node)

    def _walk(self, segments: Sequence[str]) -> tuple[_Node, dict[str, str]]:
        node, values = self._root, {}
        for segment in segments:
            following = node.literals.get(segment)
            if following is None and segment.startswith("$"):
                following = node.operation
                values["operation"] = segment[1:]
            elif following is None and node.variable is not None:
                name, following = node.variable
                values[name] = segment
            if following is None:
                raise NotFound(f"There is nothing at {'/'.join(segments)[:_QUOTED]!r}")
            node = following
        if not node.methods:
            raise NotFound(f"There is nothing at {'/'.join(segments)[:_QUOTED]!r}")
        return node, values

    def _refuse_unknown(self, values: Mapping[str, str]) -> None:
        for name in ("type", "member"):
            resource_type = values.get(name)
            if resource_type is not None and resource_type not in self._types:
                raise NotFound(
                    f"There is no resource type {resource_type[:_QUOTED]!r} in FHIR R4{self._suggestion(resource_type)}"
                )

    def _suggestion(self, wrong: str) -> str:
        folded = {name.lower(): name for name in sorted(self._types)}
        near = get_close_matches(wrong[:_QUOTED].lower(), folded, n=1, cutoff=0.7)
        return f"; did you mean {folded[near[0]]}?" if near else ""

    def _node_for(self, template: str) -> _Node:
        node = self._root
        for part in template.split("/") if template else ():
            if part == "{operation}":
                node.operation = node.operation or _Node()
                node = node.operation
            elif part.startswith("{"):
                node.variable = node.variable or (part[1:-1], _Node())
                node = node.variable[1]
            else:
                node = node.literals.setdefault(part, _Node())
        return node


def _allowed(node: _Node) -> tuple[str, ...]:
    head = ("HEAD",) if "GET" in node.methods else ()
    return (*node.methods, *head, "OPTIONS")


def _refuse_illegal_id(id_: str | None, method: str) -> None:
    if id_ is None or _ID.fullmatch(id_):
        return
    sentence = f"{id_[:_QUOTED]!r} cannot be an id: ids have 1 to 64 letters, digits, '-' and '.'"
    if method in _NAMES_A_NEW_INSTANCE:
        raise BadRequest(sentence)
    raise NotFound(sentence)
