"""The values a search asks for, as the parser makes them and the compiler reads them.

All are frozen and hashable. What matches what is written in the module of each type.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from __future__ import annotations

from dataclasses import dataclass, field

PREFIXES = frozenset({"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"})


@dataclass(frozen=True, slots=True)
class MissingValue:
    """Of `:missing`: whether the parameter must be without a value."""

    missing: bool


@dataclass(frozen=True, slots=True)
class TokenValue:
    """`code` (system None: any), `system|code`, `|code` (system "": has none), `system|` (code None)."""

    system: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class OfTypeValue:
    """Of `:of-type`: the identifier's type (system and code, both given) and its value."""

    system: str
    code: str
    value: str


@dataclass(frozen=True, slots=True)
class StringValue:
    """A text as written and folded (`search.folding.fold`). Also the value of `:text` on a token."""

    text: str
    folded: str


@dataclass(frozen=True, slots=True)
class NumberValue:
    """A number's prefix and range as sortable keys (`spec.ordering.sortable`), half-open [low, high).

    `eq`, `ne`: the implicit-precision range; `ap`: widened by 10 %; the others: low = high = the very number.
    """

    prefix: str
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class QuantityValue:
    """As NumberValue, with a unit: `system` and `code` both given (system and code must be equal), `code`
    alone (system None: the code or the unit must be equal), or both None (any unit).
    """

    prefix: str
    low: str
    high: str
    system: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class DateValue:
    """A date's prefix and range in microseconds since the epoch, half-open [low, high).

    With `ap` the range is widened already. `text` is what the client wrote, without prefix.
    """

    prefix: str
    low: int
    high: int
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ReferenceValue:
    """The references any of which matches: `Patient/1`, `Patient/1/_history/2`, an absolute url, a canonical.

    An id without a type (`subject=1`) becomes one text for each type the parameter may point to.
    """

    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UriValue:
    """A uri as written."""

    uri: str


@dataclass(frozen=True, slots=True)
class CompositeValue:
    """A value for each part, in the order of the parameter's components."""

    parts: tuple[TokenValue | StringValue | NumberValue | QuantityValue | DateValue | ReferenceValue | UriValue, ...]


@dataclass(frozen=True, slots=True)
class NearValue:
    """A place (degrees, WGS 84) and the distance around it in metres."""

    latitude: float
    longitude: float
    distance: float


Value = (
    MissingValue
    | TokenValue
    | OfTypeValue
    | StringValue
    | NumberValue
    | QuantityValue
    | DateValue
    | ReferenceValue
    | UriValue
    | CompositeValue
    | NearValue
)
