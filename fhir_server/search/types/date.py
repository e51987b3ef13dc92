"""The `date` search parameter type: dates, times, periods and schedules as ranges of time.

https://hl7.org/fhir/R4/search.html#date and #prefix

Written for each value: v[code] has [low, high], microseconds since the epoch (UTC), `high` exclusive:
a date covers its day (month, year), a second its second; a Period from the start of its start to the end of its
end, an absent end OPEN_LOW or OPEN_HIGH; a Timing from its earliest to its latest event or bound (R4: only the
outer limits matter). Values without a zone are UTC.

    with the target [tl, th) and the value [low, high), as R4 words them:
    eq   low <= tl and th <= high          the value's range fully contains the target's
    ne   not eq (of any one of the resource's values)
    gt   th > high                         the range above the value's overlaps the target's
    lt   tl < low
    ge   gt or eq
    le   lt or eq
    sa   tl >= high                        strictly after
    eb   th <= low
    ap   tl < high and th > low            overlaps the value's range, widened each way by 10 % of
                                           the gap between it and now

Sorting: the least `low` ascending, the greatest `high` descending.
"""

from __future__ import annotations

OPEN_LOW = -(10**18)
"""Before every date FHIR can say (the year 1 is about -6 * 10**16)."""

OPEN_HIGH = 10**18
"""After every date FHIR can say (the end of 9999 is about 2.5 * 10**17)."""
