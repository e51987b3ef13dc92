"""Writes numbers as text keys whose byte order is the order of the numbers.

A key is the sign, the exponent and the digits without trailing zeros: 120.5 = 0.1205 * 10^3 is "6a31205".
Negative numbers have all of it turned round. 1.0 and 1.00 have one key; exponents of any size are taken.

https://hl7.org/fhir/R4/search.html#number
"""

from __future__ import annotations

from decimal import Decimal

ZERO = "5"
_NEGATIVE, _POSITIVE = "4", "6"
_NINES = str.maketrans("0123456789", "9876543210")
_AFTER_DIGITS = "~"


def sortable(number: Decimal | int) -> str:
    """Return the ASCII key of `number`: keys compare byte by byte as their numbers do.

    Raises ValueError for NaN and the infinities.
    """
    if not number:
        return ZERO
    sign, digits, exponent = (number if isinstance(number, Decimal) else Decimal(number)).as_tuple()
    if isinstance(exponent, str):
        raise ValueError("NaN and the infinities have no place among the numbers")  # noqa: TRY004 - a Decimal all the same
    text = "".join(map(str, digits)).lstrip("0")
    exponent += len(text)
    text = text.rstrip("0")
    if sign:
        return f"{_NEGATIVE}{_exponent_key(-exponent)}{text.translate(_NINES)}{_AFTER_DIGITS}"
    return f"{_POSITIVE}{_exponent_key(exponent)}{text}"


def _exponent_key(exponent: int) -> str:
    """Return the exponent with its length before it, so that texts of any length compare as numbers."""
    digits = str(abs(exponent))
    if exponent < 0:
        return chr(ord("Z") - len(digits)) + digits.translate(_NINES)
    return chr(ord("`") + len(digits)) + digits
