"""The `quantity` search parameter type: a number with a unit.

https://hl7.org/fhir/R4/search.html#quantity

Written for each quantity: v[code] has [low, high, system, code, unit]; low and high as in `types/number.py`
(`<`, `<=`, `>`, `>=` comparators and a Range open an end), the others text, "" where absent. Money has
system `urn:iso:std:iso:4217` and its currency as code.
The prefixes mean what they mean for a number. The unit: `5.4|system|code` wants system and code equal;
`5.4||code` wants the code or the unit equal; `5.4` any unit. Units are not converted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fhir_server.search.types.escapes import split, unescape
from fhir_server.search.types.number import search_range, split_prefix
from fhir_server.search.types.values import QuantityValue

if TYPE_CHECKING:
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
