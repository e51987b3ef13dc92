"""The `quantity` search parameter type: a number with a unit.

https://hl7.org/fhir/R4/search.html#quantity

Written for each quantity: v[code] has [low, high, system, code, unit]; low and high as in `types/number.py`
(`<`, `<=`, `>`, `>=` comparators and a Range open an end), the others text, "" where absent. Money has
system `urn:iso:std:iso:4217` and its currency as code.
The prefixes mean what they mean for a number. The unit: `5.4|system|code` wants system and code equal;
`5.4||code` wants the code or the unit equal; `5.4` any unit. Units are not converted.
"""

from __future__ import annotations

CURRENCIES = "urn:iso:std:iso:4217"
"""The system of Money.currency."""
