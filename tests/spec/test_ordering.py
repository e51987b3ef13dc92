"""Keys are ordered as their numbers are."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.spec.ordering import sortable

DECIMALS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False),
    st.integers(-(10**40), 10**40).map(Decimal),
    st.builds(
        lambda sign, digits, exponent: Decimal((sign, digits, exponent)),
        st.sampled_from([0, 1]),
        st.lists(st.integers(0, 9), min_size=1, max_size=6).map(tuple),
        st.integers(-30, 30) | st.integers(-(10**6), 10**6),
    ),
)


@given(DECIMALS, DECIMALS)
def test_keys_compare_as_numbers_do(a, b):
    key_a, key_b = sortable(a).encode(), sortable(b).encode()

    assert (key_a < key_b) == (a < b)
    assert (key_a == key_b) == (a == b)


@given(DECIMALS)
def test_keys_are_printable_ascii_between_the_open_ends(number):
    key = sortable(number)

    assert key.isascii()
    assert key.isprintable()
    assert "" < key < "~"


def test_one_number_has_one_key_however_it_is_written():
    assert len({sortable(n) for n in (1, Decimal(1), Decimal("1.0"), Decimal("1.00"), Decimal("10E-1"))}) == 1
    assert len({sortable(n) for n in (0, Decimal("-0.00"), Decimal("0E+5"))}) == 1
    assert len({sortable(n) for n in (10**30, Decimal("1E+30"))}) == 1


def test_keys_are_short():
    assert len(sortable(Decimal("120.5"))) == 7
    assert len(sortable(Decimal("-0.001"))) == 5


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_has_no_key(number):
    with pytest.raises(ValueError, match="no place"):
        sortable(Decimal(number))
