"""Settings that would make a broken server are refused where they are read."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from fhir_server.kernel.settings import Settings


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("", "", id="none: it is taken from each request"),
        pytest.param("https://example.org/fhir", "https://example.org/fhir", id="a URL"),
        pytest.param("https://example.org/fhir/", "https://example.org/fhir", id="a slash at the end is taken off"),
        pytest.param("http://127.0.0.1:8000/a/b", "http://127.0.0.1:8000/a/b", id="with port and path"),
    ],
)
def test_a_base_url_may_be(given, kept):
    assert Settings(base_url=given, _env_file=None).base_url == kept


@pytest.mark.parametrize(
    "given", ["example.org", "ftp://example.org/fhir", "https://", "https://example.org/fhir?x=1", "a b"]
)
def test_a_base_url_may_not_be(given):
    with pytest.raises(ValidationError, match="base_url"):
        Settings(base_url=given, _env_file=None)
