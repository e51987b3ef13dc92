"""The small rules of the search types: escapes, folding, prefixes of uris, narrowing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.search.folding import fold
from fhir_server.search.types import uri
from fhir_server.search.types.escapes import split, unescape

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("a,b", ["a", "b"], id="two"),
        pytest.param(r"a\,b", [r"a\,b"], id="escaped"),
        pytest.param(r"a\\,b", [r"a\\", "b"], id="escaped backslash"),
        pytest.param(r"a\\\,b", [r"a\\\,b"], id="both"),
        pytest.param("", [""], id="nothing"),
        pytest.param("a,", ["a", ""], id="empty last"),
        pytest.param("a\\", ["a\\"], id="a backslash at the end"),
    ],
)
def test_values_are_split_at_what_is_not_escaped(text, parts):
    assert split(text, ",") == parts


@given(texts=st.lists(TEXT, min_size=1))
def test_escaped_texts_come_back_as_they_were(texts):
    def escape(text: str) -> str:
        for special in "\\,|$":
            text = text.replace(special, "\\" + special)
        return text

    assert [unescape(part) for part in split(",".join(map(escape, texts)), ",")] == texts


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        pytest.param("Éve", "eve", id="accent"),
        pytest.param("E\u0301ve", "eve", id="combining accent"),
        pytest.param("STRASSE", "strasse", id="upper case"),
        pytest.param("Straße", "strasse", id="sharp s"),
        pytest.param("  van   der\tBerg ", "van der berg", id="white space"),
        pytest.param("O'Neil-Smith", "o'neil-smith", id="apostrophe and hyphen stay"),
        pytest.param("Łódź", "lodz", id="stroke"),
        pytest.param("Ærø", "aero", id="ligature"),
        pytest.param("İstanbul", "istanbul", id="dotted I"),
        pytest.param("Σίσυφος", "σισυφοσ", id="Greek final sigma"),
        pytest.param("\uff26\uff55\uff4c\uff4c", "full", id="full width"),
        pytest.param("山田", "山田", id="no case at all"),
        pytest.param("\u1100\u1175\u11b7", "김", id="syllables of Hangul are whole: 기 does not begin 김"),
    ],
)  # fmt: skip
def test_texts_are_folded(text, folded):
    assert fold(text) == folded


@given(text=TEXT)
def test_folding_twice_is_folding_once(text):
    assert fold(fold(text)) == fold(text)


@given(text=TEXT)
def test_case_does_not_change_what_is_folded(text):
    assert fold(text.casefold()) == fold(text)


@pytest.mark.parametrize(
    ("text", "above"),
    [
        pytest.param("http://a.b/c/d", ("http://a.b/c/d", "http://a.b/c", "http://a.b"), id="path"),
        pytest.param("http://a.b/c/", ("http://a.b/c", "http://a.b"), id="slash at the end"),
        pytest.param("http://a.b/c|1.0", ("http://a.b/c", "http://a.b"), id="canonical with version"),
        pytest.param("urn:oid:1.2.3", ("urn:oid:1.2.3",), id="urn"),
    ],
)
def test_uris_lie_below_their_segments(text, above):
    assert uri.prefixes(text) == above
