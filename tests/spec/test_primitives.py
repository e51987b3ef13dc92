"""Which JSON values are right values of the primitive types."""

from __future__ import annotations

import re
import time
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fhir_server.spec.packages import load_definitions
from fhir_server.spec.primitives import CHECKS, is_valid

DEFINITIONS = load_definitions()

RIGHT = {
    "base64Binary": ["AAAA", "AA==", "A+/=", "AA AA\n", "abcdEFGH"],
    "boolean": [True, False],
    "canonical": ["http://a|1", "#x"],
    "code": ["a", "a b", "a-b c"],
    "date": ["2024", "2024-02", "2024-02-29", "0001-01-01", "9999-12-31"],
    "dateTime": ["2024", "2024-02", "2024-02-29", "2024-02-29T10:00:00Z", "2024-02-29T23:59:60.12345-14:00"],
    "decimal": [1, 0, -5, Decimal("1.10"), Decimal("1E+2"), 10**50],
    "id": ["a", "A-1.b", "x" * 64],
    "instant": ["2024-02-29T10:00:00Z", "2024-02-29T10:00:00.123+05:30"],
    "integer": [0, -1, 2**31 - 1, -(2**31)],
    "markdown": ["# a\n\nb", " "],
    "oid": ["urn:oid:1.2.3", "urn:oid:2.16.840"],
    "positiveInt": [1, 2**31 - 1],
    "string": ["a", " a ", "a\r\n\tb", "日本", "😀"],
    "time": ["00:00:00", "23:59:60", "10:11:12.123456789"],
    "unsignedInt": [0, 2**31 - 1],
    "uri": ["a", "urn:x", "http://é/"],
    "url": ["http://a"],
    "uuid": ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
    "xhtml": ["<div/>"],
}
WRONG = {
    "base64Binary": ["", "A", "AAA", "AA=A", "A===", "AAAA!", " ", 5, None],
    "boolean": ["true", 1, 0, None],
    "canonical": ["", "a b"],
    "code": ["", " a", "a ", "a  b", 5, "a\x01"],
    "date": ["", "24", "0000", "2023-02-29", "2024-13", "2024-1-1", "2024-04-31", "2024-02-29T10:00:00Z", "٢٠٢٤", 2024],
    "dateTime": ["2024-02-30", "2024-02-29T10:00:00", "2024-02-29T24:00:00Z", "2024-02-29T10:00Z", "2024-02-29 10:00:00Z",
                 "2024-02-29T10:00:00+14:30", "2024-02-29T10:00:00Z\n"],
    "decimal": ["1", True, None, 10**100, [1]],
    "id": ["", "a_b", "x" * 65, "a b", "a\n", 5],
    "instant": ["2024", "2024-02-29", "2023-02-29T10:00:00Z", "2024-02-29T10:00:00"],
    "integer": ["1", True, Decimal("1.0"), Decimal(1), 2**31, -(2**31) - 1],
    "markdown": ["", "a\x00"],
    "oid": ["1.2.3", "urn:oid:3.1", "urn:oid:1.02", "urn:oid:1"],
    "positiveInt": [0, -1, 2**31, "1"],
    "string": ["", "a\x00", "\x0b", 5, True, None, {}, [], "a" * (1024 * 1024 + 1)],
    "time": ["24:00:00", "1:00:00", "10:00", "10:00:00Z"],
    "unsignedInt": [-1, 2**31, True],
    "uri": ["", "a b", " a"],
    "url": ["", "a\tb"],
    "uuid": ["c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520"],
    "xhtml": ["", 5],
}  # fmt: skip


@pytest.mark.parametrize("type_code", sorted(RIGHT))
def test_right_values_are_taken_and_wrong_ones_refused(type_code):
    assert [v for v in RIGHT[type_code] if not is_valid(type_code, v)] == []
    assert [v for v in WRONG[type_code] if is_valid(type_code, v)] == []


def test_every_primitive_type_of_the_pack_has_a_check():
    primitives = {n for n in DEFINITIONS.type_names if DEFINITIONS.structure(n).kind == "primitive-type"}

    assert primitives == CHECKS.keys() == RIGHT.keys()


NOT_BY_PATTERN = {"boolean", "decimal", "integer", "positiveInt", "unsignedInt", "xhtml", "base64Binary"}
BY_PATTERN = sorted(CHECKS.keys() - NOT_BY_PATTERN)
TEXTS = st.text("0123456789-:TZ+.urnoidabcdef \n\té", max_size=40)


@given(st.data(), st.sampled_from(BY_PATTERN))
def test_checks_are_as_strict_as_the_pattern_of_the_pack_and_stricter_only_on_purpose(data, type_code):
    pattern = re.compile(DEFINITIONS.structure(type_code).regex, re.ASCII)
    text = data.draw(TEXTS | st.from_regex(pattern, fullmatch=True))
    assume(not re.search(r"[\x00-\x1f]", text.translate(str.maketrans("", "", "\t\n\r"))))

    if pattern.fullmatch(text) is None:
        assert not is_valid(type_code, text)
    elif text and not re.match(r"\d{4}-\d\d-(29|3)", text):
        assert is_valid(type_code, text)


@pytest.mark.parametrize("type_code", sorted(CHECKS))
def test_hostile_texts_cost_no_time(type_code):
    begin = time.perf_counter()
    for text in ("a " * 50_000, "AAAA " * 50_000, "0" * 100_000, "1." * 50_000, " " * 100_000):
        assert not is_valid(type_code, text + "\x01")
    assert time.perf_counter() - begin < 1
