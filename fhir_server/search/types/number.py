"""The `number` search parameter type.

https://hl7.org/fhir/R4/search.html#number and #prefix

Written for each number: v[code] has [low, high], sortable keys (`spec.ordering.sortable`) compared as text in
byte order: both the very number, or the bounds of a Range; an open end is OPEN_LOW or OPEN_HIGH.
The precision of a stored number does not count (R4), that of the value asked for does:

    value     `100` asks for [99.5, 100.5), `100.00` for [99.995, 100.005), half a unit of the last digit each way;
              with an exponent the mantissa counts as having a fraction: `1e2` is [95, 105), as R4's example says
    with the target [tl, th] and the value's `low`, `high`:
    eq        low <= tl and th < high
    ne        not eq (of any one of the resource's values)
    gt        th > high       (low = high = the very number, for gt lt ge le sa eb)
    lt        tl < low
    ge        th > high or (low <= tl and th <= high)
    le        tl < low or (low <= tl and th <= high)
    sa        tl > high
    eb        th < low
    ap        tl <= high and th >= low      (the implicit range and 10 % of the number, whichever is wider)

Sorting: the least `low` ascending, the greatest `high` descending.
"""

from __future__ import annotations

OPEN_LOW = ""
"""The key below every number."""

OPEN_HIGH = "~"
"""The key above every number."""
