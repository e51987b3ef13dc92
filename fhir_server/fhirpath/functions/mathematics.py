"""Mathematics: abs, round, power and the rest, in Decimal throughout.

http://hl7.org/fhirpath/N1/#math
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal, DecimalException, localcontext
from types import MappingProxyType
from typing import TYPE_CHECKING

from fhir_server.fhirpath.arithmetic import DIGITS
from fhir_server.fhirpath.functions.definition import NUMBER, Function, on_value
from fhir_server.fhirpath.quantities import Quantity
from fhir_server.fhirpath.scope import FhirPathEvaluationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fhir_server.fhirpath.values import SystemValue

Number = int | Decimal
_MOST_PLACES = 28


def _careful(call: Callable[..., Decimal]) -> Callable[..., Decimal | None]:
    """`call` with enough digits; empty where the result does not exist or does not fit."""

    def run(*values: Number) -> Decimal | None:
        with localcontext() as context:
            context.prec = DIGITS
            try:
                result = call(*[Decimal(value) for value in values])
            except DecimalException:
                return None
        return result if result.is_finite() and abs(result.adjusted()) <= DIGITS else None

    return run


def _whole(rounding: str) -> Function:
    return on_value(NUMBER, lambda value: int(Decimal(value).to_integral_value(rounding)))


def _abs(value: SystemValue) -> SystemValue | None:
    if isinstance(value, Quantity):
        return Quantity(abs(value.value), value.unit, value.is_calendar)
    if isinstance(value, int):
        return abs(value)
    return abs(value) if isinstance(value, Decimal) else None


def _round(value: Number, places: int = 0) -> Decimal:
    if not 0 <= places <= _MOST_PLACES:
        raise FhirPathEvaluationError("round() needs a number of places from 0 to 28")
    with localcontext() as context:
        context.prec = 80
        return Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _power(base: Number, exponent: Number) -> SystemValue | None:
    if exponent == 0:
        return 1 if isinstance(base, int) else Decimal(1)
    result = _careful(pow)(base, exponent)
    is_whole = isinstance(base, int) and isinstance(exponent, int) and exponent > 0
    return int(result) if is_whole and result is not None else result


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "abs": on_value((*NUMBER, Quantity), _abs),
        "ceiling": _whole(ROUND_CEILING),
        "floor": _whole(ROUND_FLOOR),
        "truncate": _whole(ROUND_DOWN),
        "round": on_value(NUMBER, _round, 0, 1),
        "exp": on_value(NUMBER, _careful(lambda value: value.exp())),
        "ln": on_value(NUMBER, _careful(lambda value: value.ln())),
        "log": on_value(NUMBER, _careful(lambda value, base: _exact(value.ln() / base.ln())), 1),
        "power": on_value(NUMBER, _power, 1),
        "sqrt": on_value(NUMBER, _careful(lambda value: value.sqrt())),
    }
)


def _exact(value: Decimal) -> Decimal:
    """The whole number a logarithm is but for its last digits."""
    nearest = value.to_integral_value()
    return nearest if abs(value - nearest) < Decimal(1).scaleb(4 - DIGITS) else value
