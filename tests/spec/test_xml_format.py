"""XML and JSON say the same, for every example of the specification; attacks and oddities are refused."""

from __future__ import annotations

import json
import os
import time
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from fhir_server.kernel.errors import Malformed
from fhir_server.spec import json_format
from fhir_server.spec.packages import load_definitions
from fhir_server.spec.xml_format import decode_xml, encode_xml

DEFINITIONS = load_definitions()
SHARED = Path(os.environ.get("FHIR_SHARED", "../shared"))
EXAMPLES = sorted((SHARED / "samples" / "r4-examples").glob("*.json"))
F = 'xmlns="http://hl7.org/fhir"'
X = 'xmlns="http://www.w3.org/1999/xhtml"'


def with_digits(resource):
    """The resource with numbers as their digits, so that 1.10 is not 1.1."""
    return json.loads(json_format.encode(resource), parse_float=str)


@pytest.mark.skipif(not EXAMPLES, reason="the R4 examples are not here (FHIR_SHARED)")
def test_all_examples_are_the_same_after_json_xml_json():
    changed = []
    for path in EXAMPLES:
        resource = json_format.decode(path.read_bytes())
        for pretty in (False, True):
            data = encode_xml(resource, DEFINITIONS, pretty=pretty)
            etree.fromstring(data)
            if with_digits(decode_xml(data, DEFINITIONS)) != with_digits(resource):
                changed.append((path.name, pretty))

    assert changed == []
    assert len(EXAMPLES) == 708


def test_elements_stand_in_the_order_of_the_definition_and_primitives_in_attributes():
    patient = {
        "birthDate": "1974",
        "_birthDate": {"id": "b", "extension": [{"url": "http://x", "valueDecimal": Decimal("1.10")}]},
        "resourceType": "Patient",
        "name": [{"given": ["a", None], "_given": [None, {"id": "g"}], "id": "n"}],
        "active": False,
        "id": "1",
        "contained": [{"resourceType": "Organization", "id": "o"}],
        "text": {"div": f"<div {X}>a &amp; b</div>", "status": "generated"},
        "deceasedBoolean": True,
    }

    assert encode_xml(patient, DEFINITIONS).decode() == (
        f'<?xml version="1.0" encoding="UTF-8"?><Patient {F}><id value="1"/>'
        f'<text><status value="generated"/><div {X}>a &amp; b</div></text>'
        '<contained><Organization><id value="o"/></Organization></contained><active value="false"/>'
        '<name id="n"><given value="a"/><given id="g"/></name><birthDate value="1974" id="b">'
        '<extension url="http://x"><valueDecimal value="1.10"/></extension></birthDate>'
        '<deceasedBoolean value="true"/></Patient>'
    )
    assert decode_xml(encode_xml(patient, DEFINITIONS), DEFINITIONS) == patient


def test_raw_json_inside_a_bundle_is_written_as_xml():
    bundle = {"resourceType": "Bundle", "entry": [{"resource": msgspec.Raw(b'{"resourceType":"Patient","id":"1"}')}]}

    assert b'<resource><Patient><id value="1"/></Patient></resource>' in encode_xml(bundle, DEFINITIONS)


def test_what_the_definition_does_not_know_is_no_silent_loss():
    with pytest.raises(ValueError, match="does not know"):
        encode_xml({"resourceType": "Patient", "foo": 1}, DEFINITIONS)


def test_a_broken_narrative_does_not_break_the_document():
    for div in ("<div>a <b>b</div>", "text", "<?xml version='1.0'?><div/>", "<!DOCTYPE a><a/>"):
        patient = {"resourceType": "Patient", "text": {"status": "generated", "div": div}}
        etree.fromstring(encode_xml(patient, DEFINITIONS))


LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))
REFUSED = [
    pytest.param("", "no element found", "", id="nothing"),
    pytest.param("{}", "not well-formed", "", id="JSON"),
    pytest.param(f"<!DOCTYPE a><Patient {F}/>", "DOCTYPE", "", id="a DOCTYPE"),
    pytest.param(
        f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Patient {F}><id value="&x;"/></Patient>',
        "DOCTYPE", "", id="an external entity",
    ),
    pytest.param(f'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><Patient {F}/>', "DOCTYPE", "", id="an external DTD"),
    pytest.param(
        f'<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><Patient {F}><id value="&l11;"/></Patient>',
        "DOCTYPE", "", id="a billion laughs",
    ),
    pytest.param(f'<Patient {F}><id value="&x;"/></Patient>', "undefined entity", "Patient", id="an unknown entity"),
    pytest.param(f"<Patient {F}><text><div {X}>&nbsp;</div></text></Patient>", "undefined entity", "Patient.text", id="an HTML entity"),
    pytest.param("<Patient/>", "in no namespace", "", id="no namespace"),
    pytest.param('<Patient xmlns="http://hl7.org"/>', "in the namespace 'http://hl7.org'", "", id="another namespace"),
    pytest.param(f"<Pateint {F}/>", "did you mean 'Patient'", "", id="an unknown type"),
    pytest.param(f"<Patient {F}><nam/></Patient>", "did you mean 'name'", "Patient", id="an unknown element"),
    pytest.param(f'<Patient {F} active="true"/>', "the attribute 'active'", "Patient", id="an element as an attribute"),
    pytest.param(f'<Patient {F}><id value="a" extra="b"/></Patient>', "the attribute 'extra'", "Patient.id", id="an unknown attribute"),
    pytest.param(f'<Patient {F}><extension url="a"><url value="b"/></extension></Patient>', "'url' is no element", "Patient.extension[0]", id="an attribute as an element"),
    pytest.param(f'<Patient {F}><active value="1"/></Patient>', "not a boolean", "Patient.active", id="a wrong boolean"),
    pytest.param(f'<Patient {F}><multipleBirthInteger value="1.0"/></Patient>', "of the type integer", "Patient.multipleBirthInteger", id="a wrong integer"),
    pytest.param(f'<Patient {F}><multipleBirthInteger value="{"1" * 101}"/></Patient>', "100 characters", "Patient.multipleBirthInteger", id="a long integer"),
    pytest.param(f'<Observation {F}><valueQuantity><value value="1e9999"/></valueQuantity></Observation>', "exponent", "Observation.valueQuantity.value", id="a huge exponent"),
    pytest.param(f"<Patient {F}><active>true</active></Patient>", "text is not allowed", "Patient.active", id="text in place of a value"),
    pytest.param(f'<Patient {F}><active value="true"/><active value="true"/></Patient>', "stands twice", "Patient", id="a single element twice"),
    pytest.param(f"<Patient {F}><active/></Patient>", "neither a value nor", "Patient.active", id="an empty primitive"),
    pytest.param(f"<Patient {F}><contained/></Patient>", "a resource is missing", "Patient.contained[0]", id="contained, empty"),
    pytest.param(f"<Patient {F}><contained><Patient/><Patient/></contained></Patient>", "only one", "Patient.contained[0]", id="contained, two"),
    pytest.param(
        f"<Bundle {F}><entry/><entry><resource><Patient><name/><name><foo/></name></Patient></resource></entry></Bundle>",
        "'foo'", "Bundle.entry[1].resource.name[1]", id="the place in a Bundle",
    ),
    pytest.param(f"<Patient {F}><text><div>a</div></text></Patient>", "1999/xhtml", "Patient.text", id="a div in FHIR's namespace"),
    pytest.param(f"<Patient {F}/><a/>", "junk after", "", id="two roots"),
    pytest.param(f'<?xml version="1.0" encoding="ISO-8859-1"?><Patient {F}/>', "UTF-8", "", id="another encoding"),
    pytest.param(f'<Patient {F}><id value="&#0;"/></Patient>', "invalid character", "Patient", id="NUL as a reference"),
    pytest.param(f"<Patient {F}>" + '<extension url="a">' * 100_000, "64 levels", None, id="100,000 levels"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "why", "place"), REFUSED)
def test_what_is_no_fhir_xml_is_refused_with_its_place(text, why, place):
    begin = time.perf_counter()
    with pytest.raises(Malformed) as refusal:
        decode_xml(text.encode(), DEFINITIONS)

    assert why in refusal.value.diagnostics
    if place is not None:
        assert refusal.value.issues[0].expression == place
    assert time.perf_counter() - begin < 1


def nested(count, innermost=""):
    inside = '<extension url="a">' * count + innermost + "</extension>" * count
    return f"<Patient {F}>{inside}</Patient>".encode()


@pytest.mark.parametrize(
    "innermost",
    [
        "",
        '<valueString value="a"/>',
        '<valueString id="a"/>',
        '<valueString><extension url="a"/></valueString>',
        "<valuePeriod/>",
    ],
    ids=["nothing", "a primitive", "a primitive's id", "a primitive's extension", "an object"],
)
def test_the_limit_of_depth_is_that_of_the_json(innermost):
    data = nested(10, innermost)
    resource = decode_xml(data, DEFINITIONS)
    deepest = next(n for n in range(20, 30) if is_read(json_format.decode, json_format.encode(resource), max_depth=n))

    assert decode_xml(data, DEFINITIONS, max_depth=deepest) == resource
    with pytest.raises(Malformed, match=f"more than {deepest - 1} levels"):
        decode_xml(data, DEFINITIONS, max_depth=deepest - 1)


def is_read(decode, data, **options):
    try:
        decode(data, **options)
    except Malformed:
        return False
    return True


@pytest.mark.parametrize(
    "data",
    [
        f"<Patient {F}/>".encode("utf-16"),
        f"<Patient {F}/>".encode("utf-16-le"),
        b"\x00",
        b"<a>\xff</a>",
        b"<a>\x00</a>",
    ],
    ids=["UTF-16", "UTF-16 without a mark", "NUL", "invalid UTF-8", "NUL in text"],
)
def test_only_utf8_is_read(data):
    with pytest.raises(Malformed, match="UTF-8"):
        decode_xml(data, DEFINITIONS)


TAKEN = [
    pytest.param('<f:Patient xmlns:f="http://hl7.org/fhir"><f:id value="a"/></f:Patient>', {"id": "a"}, id="a prefix"),
    pytest.param(
        f'<?xml version="1.0" encoding="utf-8"?><!-- c --><Patient {F} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xsi:schemaLocation="a b"><!-- c --><?p i?><id value="a"/></Patient>',
        {"id": "a"}, id="a declaration, comments, instructions and a schema location",
    ),
    pytest.param(f'<Patient {F}><id value="a&#10;b"/></Patient>', {"id": "a\nb"}, id="a line break as a reference"),
    pytest.param(
        f"<Patient {F}><text><div {X} title='a>b' /></text></Patient>", {"text": {"div": f"<div {X} title='a>b' />"}},
        id="an empty div",
    ),
    pytest.param(
        f"<Patient {F}><text><div {X}>a<br></br>&lt;<!-- c --></div ></text></Patient>",
        {"text": {"div": f"<div {X}>a<br></br>&lt;<!-- c --></div >"}}, id="a div as it was sent",
    ),
    pytest.param(
        f'<Patient {F}><name><given id="g"/><given value="x"/></name></Patient>',
        {"name": [{"given": [None, "x"], "_given": [{"id": "g"}, None]}]}, id="a primitive without a value",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "members"), TAKEN)
def test_what_xml_allows_is_taken(text, members):
    assert decode_xml(text.encode(), DEFINITIONS) == {"resourceType": "Patient", **members}


def test_a_narrative_whose_namespace_is_declared_outside_declares_it_inside():
    text = f'<Patient {F} xmlns:h="http://www.w3.org/1999/xhtml"><text><h:div><h:p>a</h:p></h:div></text></Patient>'
    div = decode_xml(text.encode(), DEFINITIONS)["text"]["div"]

    root = etree.fromstring(div)
    assert [e.tag for e in root.iter()] == [f"{{http://www.w3.org/1999/xhtml}}{name}" for name in ("div", "p")]


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1)
    | st.text("<&>\"'\t\n\r é", min_size=1)
)
def test_any_text_is_the_same_after_json_xml_json(text):
    patient = {"resourceType": "Patient", "name": [{"text": text}], "extension": [{"url": text, "valueString": text}]}

    assert decode_xml(encode_xml(patient, DEFINITIONS), DEFINITIONS) == patient


@given(
    st.binary(max_size=60)
    | st.lists(
        st.sampled_from(
            [
                f"<Patient {F}>",
                "</Patient>",
                "<name>",
                "</name>",
                '<id value="a"/>',
                "<!--",
                "-->",
                "<![CDATA[",
                "]]>",
                "&amp;",
                "<?x?>",
                f"<div {X}>",
                "</div>",
                "<text>",
                "</text>",
                "a",
                "<contained>",
                "</contained>",
            ]
        ),
        max_size=12,
    ).map(lambda parts: "".join(parts).encode())
)
def test_no_bytes_make_anything_but_a_resource_or_a_refusal(data):
    try:
        resource = decode_xml(data, DEFINITIONS)
    except Malformed:
        return
    assert resource["resourceType"] == "Patient"
