"""Hashes are signed 64-bit numbers that hold the tenant, and references can be joined by them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.search.hashing import hash64, identity, reference_entry, reference_mask, token_text

TENANTS = st.integers(min_value=0, max_value=2**31 - 1)


@given(tenant=TENANTS, parts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_a_hash_fits_a_signed_64_bit_column(tenant, parts):
    assert -(2**63) <= hash64(tenant, *parts) < 2**63


def test_a_hash_is_the_same_in_every_process():
    assert hash64(1, "code", "t", "http://loinc.org|8480-6") == 7_891_988_536_036_615_461


@given(tenant=TENANTS)
def test_a_reference_entry_and_the_mask_give_the_identity_back(tenant):
    entry = reference_entry(tenant, "subject", "Patient/1")
    assert entry ^ reference_mask(tenant, "subject") == identity(tenant, "Patient/1")
    assert -(2**63) <= entry < 2**63


@pytest.mark.parametrize(
    ("system", "value", "text"),
    [
        pytest.param(None, "a", "a", id="any system"),
        pytest.param("s", "a", "s|a", id="a system"),
        pytest.param("", "a", "|a", id="no system"),
        pytest.param("s", None, "s|", id="all of a system"),
        pytest.param(None, "a|b", "a\\|b", id="a bar in the value"),
    ],
)
def test_tokens_have_one_text_each(system, value, text):
    assert token_text(system, value) == text
