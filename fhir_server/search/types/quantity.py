"""The `quantity` search parameter type: a number with a unit.

https://hl7.org/fhir/R4/search.html#quantity

Written for each quantity: v[code] has [low, high, system, code, unit]; low and high as in `types/number.py`
(`<`, `<=`, `>`, `>=` comparators and a Range open an end), the others text, "" where absent; a unit that is
the same text as the code is left out. Money has system `urn:iso:std:iso:4217` and its currency as code.
The prefixes mean what they mean for a number. The unit: `5.4|system|code` wants system and code equal;
`5.4||code` wants the code or the unit equal; `5.4` any unit. Units are not converted.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

from fhir_server.search.types.escapes import split, unescape
from fhir_server.search.types.number import OPEN_HIGH, OPEN_LOW, key_or, search_range, split_prefix
from fhir_server.search.types.values import QuantityValue
from fhir_server.spec.ordering import sortable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fhir_server.search.types.entries import Entries
    from fhir_server.search.types.reading import Reading

CURRENCIES = "urn:iso:std:iso:4217"
"""The system of Money.currency."""


def parse(reading: Reading, text: str) -> QuantityValue:
    """Read `number`, `number|system|code` or `number||code`, with an optional prefix."""
    parts = [unescape(part) for part in split(text, "|")]
    prefix, number = split_prefix(reading, parts[0])
    match parts[1:]:
        case []:
            system, code = None, None
        case [namespace, unit] if unit:
            system, code = namespace or None, unit
        case _:
            raise reading.refusal(text, "a quantity is written number, number|system|code or number||code")
    low, high = search_range(reading, prefix, number)
    return QuantityValue(prefix, low, high, system, code)


def found(type_name: str, value: Any) -> Iterable[list[str]]:
    """Return [low, high, system, code, unit] of an element's value."""
    if type_name == "Range":
        return _range(value)
    if type_name == "SampledData":
        return _sampled(value)
    if not isinstance(value, dict) or not isinstance(value.get("value"), int | Decimal):
        return ()
    key = sortable(value["value"])
    if type_name == "Money":
        currency = value.get("currency", "")
        return ([key, key, CURRENCIES if currency else "", currency, ""],)
    comparator = value.get("comparator", "")
    low = OPEN_LOW if comparator in {"<", "<="} else key
    high = OPEN_HIGH if comparator in {">", ">="} else key
    return ([low, high, *_unit(value)],)


def write(entries: Entries, code: str, quantities: Iterable[list[str]]) -> None:
    """Write the entries of parameter `code`."""
    for one in quantities:
        entries.keep(code, one)
    entries.mark_present(code)


def _unit(value: dict[str, Any]) -> list[str]:
    code, unit = value.get("code", ""), value.get("unit", "")
    return [value.get("system", ""), code, "" if unit == code else unit]


def _range(value: dict[str, Any]) -> list[list[str]]:
    low, high = value.get("low") or {}, value.get("high") or {}
    bounds = [key_or(low.get("value"), OPEN_LOW), key_or(high.get("value"), OPEN_HIGH)]
    return [] if bounds == [OPEN_LOW, OPEN_HIGH] else [[*bounds, *_unit(low or high)]]


def _sampled(value: dict[str, Any]) -> list[list[str]]:
    """The least and the greatest sample (R4: "just search on the bounds of the values in sampled data")."""
    origin = value.get("origin") or {}
    start, factor = origin.get("value"), Decimal(value.get("factor", 1))
    samples = [Decimal(sample) for sample in str(value.get("data", "")).split() if _SAMPLE.fullmatch(sample)]
    if not samples or not isinstance(start, int | Decimal):
        return []
    ends = sorted(_EXACT.fma(sample, factor, Decimal(start)) for sample in (min(samples), max(samples)))
    return [[sortable(ends[0]), sortable(ends[1]), *_unit(origin)]]


_EXACT = Context(prec=300)
"""Wide enough that no sample of the length below is rounded."""

_SAMPLE = re.compile(r"-?\d{1,50}(\.\d{1,50})?")
