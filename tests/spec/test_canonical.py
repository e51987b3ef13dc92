"""How canonical URLs are taken apart."""

from __future__ import annotations

import pytest

from fhir_server.spec.canonical import fragment, split


@pytest.mark.parametrize(
    ("canonical", "url", "version", "inside"),
    [
        ("http://a/ValueSet/x", "http://a/ValueSet/x", "", ""),
        ("http://a/ValueSet/x|1.2", "http://a/ValueSet/x", "1.2", ""),
        ("http://a/ValueSet/x|1.2#part", "http://a/ValueSet/x", "1.2", "part"),
        ("http://a/ValueSet/x#part", "http://a/ValueSet/x", "", "part"),
        ("http://a/x|1|2", "http://a/x", "1|2", ""),
        ("#contained", "#contained", "", "contained"),
        ("", "", "", ""),
    ],
)
def test_a_canonical_is_url_version_and_fragment(canonical, url, version, inside):
    assert split(canonical) == (url, version)
    assert fragment(canonical) == inside
