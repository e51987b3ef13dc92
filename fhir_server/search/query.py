"""A search as data: what the parser makes, the rewrites change, the compiler turns into SQL.

Everything is frozen and hashable. https://hl7.org/fhir/R4/search.html

What `Criterion.values` holds (dataclasses of `search/types/values.py`), by type and modifier:

    any type   :missing                      one MissingValue
    token      "" :not                       TokenValue       hashes: `types.token.wanted`
               :text                         StringValue      v[code + ":text"], as a string search
               :of-type                      OfTypeValue      hashes: `types.token.wanted_of_type`
    reference  "" or a type name (`Patient`) ReferenceValue   hashes: `types.reference.wanted`
               :identifier                   TokenValue       hashes: `types.token.wanted` with code + ":identifier"
    string     "" :contains                  StringValue      v[code]; hashes that narrow "": `types.string.narrowing`
               :exact                        StringValue      hashes: `types.string.wanted_exact`
    uri        "" :below :above              UriValue         hashes: `types.uri.wanted` with the modifier
    number     ""                            NumberValue      v[code] = [[low, high], …]
    quantity   ""                            QuantityValue    v[code] = [[low, high, system, code, unit], …]
    date       ""                            DateValue        v[code] = [[low, high], …]
    composite  ""                            CompositeValue   `types.composite.is_hashed`: hashes `wanted`;
                                                              otherwise v[code] and the hashes `narrowing`
    special    ""  (near)                    NearValue        v["near"] = [[latitude, longitude], …]

`_id` is a token criterion (TokenValue, system None) on the column `id`, `_lastUpdated` a date criterion
on the column `updated` (an instant in milliseconds: the target range is [updated, updated + 1000)).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fhir_server.search.types.values import Value
    from fhir_server.spec.definitions import SearchParameter


@dataclass(frozen=True, slots=True)
class Link:
    """A step of a chain. Forward (`subject:Patient.name`): `parameter` is the reference parameter on the
    searched type and `resource_type` the type it leads to. Reverse (`_has:Observation:patient:code`):
    `parameter` is the reference parameter on `resource_type`, which points back here.
    """

    parameter: SearchParameter
    resource_type: str
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Every:
    """All of these must hold."""

    parts: tuple[Criterion | Every | AnyOne, ...]


@dataclass(frozen=True, slots=True)
class AnyOne:
    """One of these must hold."""

    parts: tuple[Criterion | Every | AnyOne, ...]


@dataclass(frozen=True, slots=True)
class Criterion:
    """One `name=a,b` of a query: the values are ORed, criteria are ANDed.

    `resource_type` is the type on which `parameter` finally stands (after `links`), `modifier` "" or
    one of R4's (`exact`, `missing`, a type name for `:[type]`), `values` the parsed values (see the
    module); `text` what the client wrote, name and value, for the self link.
    `alternatives`: a chain that names no type and fits several (`subject.name`) holds where this
    criterion or any of its alternatives holds; alternatives have none of their own.
    `made_of`: what a criterion on a derived parameter says in those that have entries (`rewrites/derived.py`);
    none of them has links.
    """

    parameter: SearchParameter
    resource_type: str
    modifier: str
    values: tuple[Value, ...]
    links: tuple[Link, ...] = ()
    text: tuple[str, str] = ("", "")
    alternatives: tuple[Criterion, ...] = ()
    made_of: Every | AnyOne | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of `_sort`: `-date` is descending. `made_of`: the codes whose entries a derived parameter sorts by."""

    parameter: SearchParameter
    descending: bool = False
    made_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Include:
    """`_include=source:parameter[:target]` or `_revinclude`; `parameter` None for `*`.

    `source` is `*` for any type: `_revinclude=*`, `_include:iterate=*`; `_include=*` names the searched type.
    """

    source: str
    parameter: SearchParameter | None
    target: str = ""
    reverse: bool = False
    iterate: bool = False


@dataclass(frozen=True, slots=True)
class CompartmentLimit:
    """Search only what belongs to the compartment `code`/`id` (`Patient`, `123`).

    `parameters` are the linking reference parameters of the searched type; when empty and
    `is_self` is False nothing belongs, so nothing is found.
    """

    code: str
    id: str
    parameters: tuple[SearchParameter, ...] = ()
    is_self: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A whole search on one resource type (a system search is one Query a type).

    `count` is the page size (0 means `_summary=count`-like: no entries), `total` none, estimate or
    accurate; `summary` true, text, data, count, false or ""; `applied` the `(name, value)` pairs for
    the self link, exactly what was applied; `warnings` say what lenient handling left out, the pairs `left_out`.
    """

    resource_type: str
    criteria: tuple[Criterion, ...] = ()
    compartment: CompartmentLimit | None = None
    sort: tuple[SortKey, ...] = ()
    includes: tuple[Include, ...] = ()
    count: int = 20
    total: str = ""
    summary: str = ""
    elements: tuple[str, ...] = ()
    applied: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
