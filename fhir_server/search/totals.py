"""`Bundle.total`: when it is counted, and how far.

    _total=none       never
    _total=accurate   counted
    _total=estimate   counted as well, for now: an estimate may be exact
    not asked for     what is known for free (all matches are on the page), or counted up to UNASKED;
                      left out where there are more, for a count of many costs more than the page

A total is counted with the first page and carried by the cursors of the next: it is the first page's.

https://hl7.org/fhir/R4/search.html#total
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fhir_server.search.query import Query

UNASKED = 1000
"""How far a total nobody asked for is counted."""


def is_count_only(query: Query) -> bool:
    """Whether the search asks for the number of matches and no match."""
    return query.count == 0 or query.summary == "count"


def counts_up_to(query: Query) -> int | None:
    """Return how far to count; None to the end, 0 not at all."""
    if is_count_only(query) or query.total in {"accurate", "estimate"}:
        return None
    return 0 if query.total == "none" else UNASKED


def total_of(counted: int, up_to: int | None) -> int | None:
    """Return the total to show; None where the count was given up before its end."""
    return counted if up_to is None or counted <= up_to else None
