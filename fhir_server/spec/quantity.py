"""What the comparator of a Quantity says of the range its value stands for.

https://hl7.org/fhir/R4/datatypes.html#Quantity
"""

from __future__ import annotations

from decimal import Decimal

Bound = Decimal | int | None


def bounds(value: Decimal | int, comparator: str = "") -> tuple[Bound, Bound]:
    """Return the least and the greatest number that `comparator value` may mean; None where it is open."""
    if comparator in {"<", "<="}:
        return None, value
    if comparator in {">", ">="}:
        return value, None
    return value, value
