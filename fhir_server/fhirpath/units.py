"""Reads UCUM units into a factor and dimensions, for the units that health records hold.

A unit not known here is not an error: quantities in it compare only with the same unit.

https://ucum.org/ucum
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

Dimensions = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """`factor` times the base units in `dimensions`; `offset` for the temperature scales."""

    factor: Decimal
    dimensions: Dimensions
    offset: Decimal = Decimal(0)

    def to_base(self, value: Decimal) -> Decimal:
        """`value` in base units."""
        return (value + self.offset) * self.factor


_PREFIXES = MappingProxyType(
    {
        "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
        "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
    }
)  # fmt: skip

_METRIC = MappingProxyType(
    {
        "m": ("1", {"m": 1}), "s": ("1", {"s": 1}), "g": ("1", {"g": 1}), "rad": ("1", {"rad": 1}),
        "K": ("1", {"K": 1}), "C": ("1", {"C": 1}), "cd": ("1", {"cd": 1}),
        "mol": ("6.0221367e23", {}), "sr": ("1", {"rad": 2}), "Hz": ("1", {"s": -1}), "N": ("1000", {"g": 1, "m": 1, "s": -2}),
        "Pa": ("1000", {"g": 1, "m": -1, "s": -2}), "J": ("1000", {"g": 1, "m": 2, "s": -2}),
        "W": ("1000", {"g": 1, "m": 2, "s": -3}), "A": ("1", {"C": 1, "s": -1}),
        "V": ("1000", {"g": 1, "m": 2, "s": -2, "C": -1}), "F": ("0.001", {"g": -1, "m": -2, "s": 2, "C": 2}),
        "Ohm": ("1000", {"g": 1, "m": 2, "s": -1, "C": -2}), "L": ("0.001", {"m": 3}), "l": ("0.001", {"m": 3}),
        "bar": ("1e8", {"g": 1, "m": -1, "s": -2}), "eq": ("6.0221367e23", {}), "osm": ("6.0221367e23", {}),
        "kat": ("6.0221367e23", {"s": -1}), "U": ("10036894500000000", {"s": -1}), "cal": ("4184", {"g": 1, "m": 2, "s": -2}),
        "[iU]": ("1", {"[iU]": 1}), "[IU]": ("1", {"[iU]": 1}), "t": ("1e6", {"g": 1}), "Bq": ("1", {"s": -1}),
        "Gy": ("1", {"m": 2, "s": -2}), "Sv": ("1", {"m": 2, "s": -2}), "lm": ("1", {"cd": 1, "rad": 2}),
        "m[H2O]": ("9806650", {"g": 1, "m": -1, "s": -2}), "m[Hg]": ("133322000", {"g": 1, "m": -1, "s": -2}),
    }
)  # fmt: skip
"""Atoms that take prefixes."""

_PLAIN = MappingProxyType(
    {
        "1": ("1", {}), "%": ("0.01", {}), "[ppth]": ("0.001", {}), "[ppm]": ("1e-6", {}), "[ppb]": ("1e-9", {}),
        "10*": ("10", {}), "10^": ("10", {}), "[pi]": ("3.1415926535897932384626433832795028841971693993751", {}),
        "min": ("60", {"s": 1}), "h": ("3600", {"s": 1}), "d": ("86400", {"s": 1}), "wk": ("604800", {"s": 1}),
        "mo": ("2629800", {"s": 1}), "a": ("31557600", {"s": 1}),
        "[in_i]": ("0.0254", {"m": 1}), "[in_us]": ("0.025400050800101601", {"m": 1}), "[ft_i]": ("0.3048", {"m": 1}),
        "[yd_i]": ("0.9144", {"m": 1}), "[mi_i]": ("1609.344", {"m": 1}), "[nmi_i]": ("1852", {"m": 1}),
        "[sin_i]": ("0.00064516", {"m": 2}), "[lb_av]": ("453.59237", {"g": 1}), "[oz_av]": ("28.349523125", {"g": 1}),
        "[gr]": ("0.06479891", {"g": 1}), "[stone_av]": ("6350.29318", {"g": 1}),
        "[gal_us]": ("0.003785411784", {"m": 3}), "[qt_us]": ("0.000946352946", {"m": 3}),
        "[pt_us]": ("0.000473176473", {"m": 3}), "[foz_us]": ("0.0000295735295625", {"m": 3}),
        "[cup_us]": ("0.0002365882365", {"m": 3}), "[tbs_us]": ("0.00001478676478125", {"m": 3}),
        "[tsp_us]": ("0.00000492892159375", {"m": 3}), "[drp]": ("5e-8", {"m": 3}),
        "[psi]": ("6894757.293168359", {"g": 1, "m": -1, "s": -2}), "atm": ("101325000", {"g": 1, "m": -1, "s": -2}),
        "deg": ("0.017453292519943295769236907684886127134", {"rad": 1}), "[arb'U]": ("1", {"[arb'U]": 1}),
        "[pH]": ("1", {"[pH]": 1}), "[CFU]": ("1", {"[CFU]": 1}), "[kn_i]": ("0.51444444444444444444", {"m": 1, "s": -1}),
    }
)  # fmt: skip
"""Atoms that take none."""

_SCALES = MappingProxyType({"Cel": ("1", "273.15"), "[degF]": ("0.55555555555555555555555555556", "459.67")})
_COMPONENT = re.compile(
    r"(?P<atom>10[*^]|(?:\[[^\]]*\]|[^\d\s.\/()\[\]{}+-])+|\d+)?(?P<exponent>[+-]?\d+)?(?:\{[^{}]*\})?"
)
_LONGEST = 200


def parse_unit(code: str) -> Unit | None:
    """The unit `code` writes, None if it holds an atom we do not know."""
    if code in _SCALES:
        factor, offset = _SCALES[code]
        return Unit(Decimal(factor), (("K", 1),), Decimal(offset))
    if len(code) > _LONGEST:
        return None
    try:
        factor_, dimensions, rest = _term(code, 0)
    except (ArithmeticError, ValueError):
        return None
    if rest != len(code):
        return None
    return Unit(factor_, tuple(sorted((name, power) for name, power in dimensions.items() if power)))


_Parsed = tuple[Decimal, dict[str, int], int]


def _term(code: str, position: int, depth: int = 0) -> _Parsed:
    """Components joined by `.` and `/`, up to the end or a closing parenthesis."""
    factor = Decimal(1)
    dimensions: dict[str, int] = {}
    sign = 1
    if code.startswith("/", position):
        sign, position = -1, position + 1
    while True:
        part, powers, position = _component(code, position, depth)
        factor = factor * part if sign > 0 else factor / part
        for name, power in powers.items():
            dimensions[name] = dimensions.get(name, 0) + sign * power
        if position >= len(code) or code[position] == ")":
            return factor, dimensions, position
        sign = {".": 1, "/": -1}.get(code[position], 0)
        if not sign:
            raise ValueError(code)
        position += 1


def _component(code: str, position: int, depth: int) -> _Parsed:
    if code.startswith("(", position):
        if depth > 5:  # noqa: PLR2004 (no real unit nests deeper)
            raise ValueError(code)
        factor, dimensions, position = _term(code, position + 1, depth + 1)
        if not code.startswith(")", position):
            raise ValueError(code)
        return factor, dimensions, position + 1
    match = _COMPONENT.match(code, position)
    if match is None or match.end() == position:
        raise ValueError(code)
    atom, exponent = match.group("atom") or "1", int(match.group("exponent") or 1)
    if abs(exponent) > 40:  # noqa: PLR2004 (a unit, not an attack)
        raise ValueError(code)
    factor, powers = _atom(atom)
    return factor**exponent, {name: power * exponent for name, power in powers.items()}, match.end()


def _atom(atom: str) -> tuple[Decimal, dict[str, int]]:
    found = _PLAIN.get(atom) or _METRIC.get(atom)
    if found is not None:
        return Decimal(found[0]), dict(found[1])
    if atom.isdigit():
        return Decimal(atom), {}
    for length in (1, 2):
        prefix, base = atom[:length], _METRIC.get(atom[length:])
        if base is not None and prefix in _PREFIXES:
            return Decimal(base[0]).scaleb(_PREFIXES[prefix]), dict(base[1])
    raise ValueError(atom)
