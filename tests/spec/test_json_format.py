"""What JSON is read, what is refused and where, and that decimals keep their digits."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.kernel.errors import Malformed
from fhir_server.spec.json_format import decode, encode

REFUSED = [
    pytest.param(b"", "line 1, column 1: there is nothing", "", id="an empty body"),
    pytest.param(b" \n ", "line 2, column 2: there is nothing", "", id="white space alone"),
    pytest.param(b"[1]", "not an object", "", id="an array at the top"),
    pytest.param(b'"text"', "not an object", "", id="a string at the top"),
    pytest.param(b"\xef\xbb\xbf{}", "byte order mark", "", id="a UTF-8 byte order mark"),
    pytest.param('{"a":1}'.encode("utf-16"), "byte order mark", "", id="UTF-16"),
    pytest.param(b'{"a":"\xff"}', "not UTF-8 at line 1, column 7 (byte 6)", "", id="invalid UTF-8 in a value"),
    pytest.param(b'{"\xff":1}', "not UTF-8 at line 1, column 3", "", id="invalid UTF-8 in a name"),
    pytest.param(b'{"a":"\xed\xa0\x80"}', "not UTF-8", "", id="a surrogate written in UTF-8"),
    pytest.param(b'{"a":NaN}', "NaN is no JSON number", "", id="NaN"),
    pytest.param(b'{"a":Infinity}', "Infinity is no JSON number", "", id="Infinity"),
    pytest.param(b'{"a":-Infinity}', "-Infinity is no JSON number", "", id="-Infinity"),
    pytest.param(b'{"a":1}x', "line 1, column 8: 'x' cannot stand here", "", id="trailing text"),
    pytest.param(b'{"a":1}{}', "more text after the end", "", id="a second object"),
    pytest.param(b'{"a":1,}', "line 1, column 8", "", id="a trailing comma in an object"),
    pytest.param(b'{"a":[1,]}', "a value is missing before ']'", "", id="a trailing comma in an array"),
    pytest.param(b'{"a" 1}', "a colon is missing", "", id="no colon"),
    pytest.param(b"{1:2}", "the name of a property in double quotes", "", id="a number as a name"),
    pytest.param(b'{"a":1 "b":2}', "a comma or } is missing", "", id="no comma"),
    pytest.param(b'{"a":\n [1,\n  tru]}', "line 3, column 3", "", id="a broken word, its line and column"),
    pytest.param(b'{"a":"x', "a string has no end", "", id="a string without an end"),
    pytest.param(b'{"a":{"b":1}', "it ends too early", "", id="an object without an end"),
    pytest.param(b'{"a":"\x01"}', "a control character", "", id="a control character in a string"),
    pytest.param(b'{"a":"\\x"}', "an escape that JSON does not have", "", id="an unknown escape"),
    pytest.param(b'{"a":01}', "not a JSON number", "", id="a leading zero"),
    pytest.param(b'{"a":1.}', "not a JSON number", "", id="a point without digits"),
    pytest.param(b'{"a":1e999999999}', "exponent is beyond 999", "", id="a huge exponent"),
    pytest.param(b'{"a":1e-999999999}', "exponent is beyond 999", "", id="a huge negative exponent"),
    pytest.param(b'{"a":1e9999999999999999999999}', "exponent is beyond 999", "", id="an exponent beyond Decimal"),
    pytest.param(b'{"a":' + b"7" * 101 + b"}", "more than 100 characters", "", id="an integer of 101 digits"),
    pytest.param(b'{"a":' + b"7" * 100_000 + b"}", "more than 100 characters", "", id="an integer of 100,000 digits"),
    pytest.param(b'{"a":0.' + b"7" * 5000 + b"}", "more than 100 characters", "", id="a fraction of 5,000 digits"),
    pytest.param(
        b'{"resourceType":"Patient","name":[{"family":"a"},{"given":["b","\\ud800"]}]}',
        "half of a surrogate pair",
        "Patient.name[1].given[1]",
        id="a lone surrogate, its place",
    ),
    pytest.param(b'{"a":"\\udc00\\ud800"}', "half of a surrogate pair", "", id="surrogates the wrong way round"),
    pytest.param(b'{"a":"\\ud83dA"}', "half of a surrogate pair", "", id="half a pair before a letter"),
    pytest.param(b'{"\\ud800":1}', "half of a surrogate pair", "", id="a lone surrogate in a name"),
    pytest.param(b'{"resourceType":"Patient","id":"\\u0000"}', "NUL", "Patient.id", id="NUL, its place"),
    pytest.param(b'{"a\\u0000":1}', "NUL", "", id="NUL in a name"),
]


@pytest.mark.parametrize(("data", "why", "place"), REFUSED)
def test_what_cannot_be_read_is_refused_with_its_place(data, why, place):
    with pytest.raises(Malformed) as refusal:
        decode(data)

    assert why in refusal.value.diagnostics
    assert refusal.value.issues[0].expression == place


DUPLICATES = [
    pytest.param(b'{"id":"a","id":"b"}', id="compact"),
    pytest.param(b'{"id" : "a",\n "id" : "b"}', id="spaced"),
    pytest.param(b'{"id"\t:"a","id":"b"}', id="a tab before one colon"),
    pytest.param(b'{"id":"a","\\u0069d":"b"}', id="one name in escapes"),
    pytest.param(b'{"x":"\\u0022:","id":"a","id":"b"}', id="beside a text that looks like the end of a name"),
    pytest.param(b'{"x":"\\":","id":"a","id":"b"}', id="beside a quoted colon"),
    pytest.param(b'{"id":{"a":1,"b":2},"id":{"a":1}}', id="whole objects"),
    pytest.param(b'{"id":null,"id":null}', id="nulls"),
]


@pytest.mark.parametrize("data", DUPLICATES)
def test_a_property_that_stands_twice_is_named(data):
    with pytest.raises(Malformed, match="'id' stands twice"):
        decode(data)


def test_the_place_of_a_property_that_stands_twice_is_told():
    data = b'{"resourceType":"Patient","contact":[{},{"name":{"text":"a",\n"text":"b"}}]}'

    with pytest.raises(Malformed, match="line 2, column 1") as refusal:
        decode(data)

    assert refusal.value.issues[0].expression == "Patient.contact[1].name.text"


@pytest.mark.parametrize(
    ("open_", "close", "levels"), [('{"a":', "}", 1), ('{"a":[', "]}", 2)], ids=["objects", "arrays"]
)
def test_depth_is_limited_without_a_recursion_error(open_, close, levels):
    def nested(depth: int) -> bytes:
        return (open_ * (depth // levels) + "1" + close * (depth // levels)).encode()

    assert decode(nested(64))
    for depth in (66, *range(900, 1010, 2), 2000, 200_000):  # Python's own limit is near 1000
        with pytest.raises(Malformed, match="more than 64 levels"):
            decode(nested(depth))
    with pytest.raises(Malformed, match="more than 8 levels"):
        decode(nested(10), max_depth=8)


def test_empty_containers_count_for_depth():
    assert decode(b'{"a":' + b"[" * 7 + b"]" * 7 + b"}", max_depth=8)
    with pytest.raises(Malformed, match="more than 8 levels"):
        decode(b'{"a":' + b"[" * 8 + b"]" * 8 + b"}", max_depth=8)


@pytest.mark.parametrize("text", ["1.10", "0.0", "-0.00", "1E+2", "1.5E-7", "3.14159265358979323846264338327950288"])
def test_decimals_keep_their_digits(text):
    assert encode(decode(f'{{"value":{text}}}'.encode())) == f'{{"value":{text}}}'.encode()


def test_numbers_are_int_or_decimal_never_float():
    read = decode(b'{"a":1,"b":1.0,"c":1e2,"d":12345678901234567890123}')

    assert [(type(v), v) for v in read.values()] == [
        (int, 1),
        (Decimal, Decimal("1.0")),
        (Decimal, Decimal(100)),
        (int, 12345678901234567890123),
    ]
    assert encode(read) == b'{"a":1,"b":1.0,"c":1E+2,"d":12345678901234567890123}'


def test_order_and_text_are_kept_and_output_is_utf8():
    data = '{"z":"é\\n\\"😀","a":[null,true,{}]}'.encode()

    assert encode(decode(data)) == data


def test_what_only_looks_wrong_is_read():
    assert decode(b'{"a":"\\\\u0000","b":"\\ud83d\\ude00","c":"\\":","d":"{[{[","e" :"x :"}') == {
        "a": "\\u0000",
        "b": "😀",
        "c": '":',
        "d": "{[{[",
        "e": "x :",
    }
    digits = "1234567890" * 20
    assert decode(f'{{"a":"{digits}"}}'.encode()) == {"a": digits}


def test_raw_json_is_put_in_as_it_is_and_pretty_is_indented():
    resource = {"entry": [msgspec.Raw(b'{"value":1.10}')]}

    assert encode(resource) == b'{"entry":[{"value":1.10}]}'
    assert encode(resource, pretty=True) == b'{\n  "entry": [\n    {\n      "value": 1.10\n    }\n  ]\n}'


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab":{}[] \\é', max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text("abc", max_size=3), VALUES), st.sampled_from([None, 1]), st.booleans())
def test_all_that_json_can_say_is_read_alike_however_it_is_spelled(value, indent, ascii_only):
    data = json.dumps(value, indent=indent, ensure_ascii=ascii_only, separators=(" , ", " : ") if indent else None)

    assert decode(data.encode()) == value
    assert decode(encode(value)) == value


@given(st.binary(max_size=200) | st.text('{}[]":,\\u0d8ae1.-+ \n', max_size=60).map(str.encode))
def test_no_bytes_make_anything_but_an_object_or_a_refusal(data):
    try:
        read = decode(data)
    except Malformed:
        return
    assert read == json.loads(data, parse_float=Decimal)
