"""The syntax tree of a FHIRPath expression.

http://hl7.org/fhirpath/N1/grammar.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. `type_name` is its System type; dates and times stay text, quantities are a QuantityLiteral."""

    type_name: str
    value: bool | int | Decimal | str


@dataclass(frozen=True, slots=True)
class QuantityLiteral:
    """`4 'mg'` or `3 days`. `is_calendar` tells the word `year` from the UCUM code `'a'`."""

    value: int | Decimal
    unit: str
    is_calendar: bool


@dataclass(frozen=True, slots=True)
class Empty:
    """`{}`."""


@dataclass(frozen=True, slots=True)
class Name:
    """A member, or at the start of a path perhaps the type of the focus."""

    text: str


@dataclass(frozen=True, slots=True)
class Special:
    """One of `$this`, `$index`, `$total`."""

    name: str


@dataclass(frozen=True, slots=True)
class External:
    """`%name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments, not yet evaluated."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Invocation:
    """`target.step`."""

    target: Expression
    step: Name | Call | Special


@dataclass(frozen=True, slots=True)
class Indexer:
    """`target[index]`."""

    target: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Polarity:
    """`+operand` or `-operand`."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Union:
    """`a | b | c`, kept flat because search expressions join dozens."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Binary:
    """Any other operator with two operands."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class TypeOperation:
    """`operand is Type` or `operand as Type`; `type_name` may be qualified."""

    operator: str
    operand: Expression
    type_name: str


Expression = (
    Literal
    | QuantityLiteral
    | Empty
    | Name
    | Special
    | External
    | Call
    | Invocation
    | Indexer
    | Polarity
    | Union
    | Binary
    | TypeOperation
)
