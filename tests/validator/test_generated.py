"""Resources drawn from the definitions are valid; broken in one place, they are refused at that place."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_server.spec.json_format import decode, encode
from fhir_server.spec.xml_format import decode_xml, encode_xml
from fhir_server.validator.validate import Validator
from tests.validator.resources import DEFINITIONS, places, resources, wrong_for

VALIDATOR = Validator(DEFINITIONS)
SLOW = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@SLOW
@given(resources())
def test_a_resource_as_the_definitions_allow_it_is_valid(resource):
    assert VALIDATOR.check(resource) == []


@SLOW
@given(resources())
def test_a_valid_resource_is_the_same_after_json_and_xml(resource):
    assert decode(encode(resource)) == resource
    assert decode_xml(encode_xml(resource, DEFINITIONS), DEFINITIONS) == resource


def refused_at(resource, place):
    """Whether the one thing wrong is told at `place`, or at what stands in it."""
    issues = VALIDATOR.check(resource)
    return bool(issues) and all(
        i.expression == place or i.expression.startswith((f"{place}.", f"{place}[")) for i in issues
    )


def drawn_place(data, resource, wanted=lambda *_: True):
    found = [p for p in places(resource) if wanted(*p)]
    return data.draw(st.sampled_from(found)) if found else None


def place_of(place, key, structure):
    meaning = structure.json_names[key]
    return (
        f"{place}.{meaning.element.name}.ofType({meaning.type_code})" if meaning.element.is_choice else f"{place}.{key}"
    )


@SLOW
@given(resources(), st.data())
def test_an_unknown_element_is_refused_where_it_stands(resource, data):
    broken = decode(encode(resource))  # a copy in which no object stands twice
    chosen = drawn_place(data, broken)
    if chosen:
        place, owner, *_ = chosen
        owner["unheardOf"] = "a"
        assert [(i.code, i.expression) for i in VALIDATOR.check(broken)] == [("structure", f"{place}.unheardOf")]


@SLOW
@given(resources(), st.data())
def test_a_missing_element_is_named(resource, data):
    def is_needed(_place, owner, key, structure, _type):
        element = structure.json_names[key].element
        return element.minimum > 0 and f"_{key}" not in owner and len(owner) > 1

    broken = decode(encode(resource))  # a copy in which no object stands twice
    chosen = drawn_place(data, broken, is_needed)
    if chosen:
        place, owner, key, structure, _ = chosen
        del owner[key]
        name = structure.json_names[key].element.name
        assert [(i.code, i.expression) for i in VALIDATOR.check(broken)] == [("required", f"{place}.{name}")]


@SLOW
@given(resources(), st.data())
def test_a_wrong_value_of_a_primitive_is_refused_where_it_stands(resource, data):
    def is_primitive(_place, _owner, _key, _structure, type_code):
        return DEFINITIONS.structure(type_code).kind == "primitive-type"

    broken = decode(encode(resource))  # a copy in which no object stands twice
    chosen = drawn_place(data, broken, is_primitive)
    if chosen:
        place, owner, key, structure, type_code = chosen
        at = place_of(place, key, structure)
        wrong = data.draw(
            st.sampled_from([wrong_for(type_code), None, {}, {"a": 1}, True if type_code != "boolean" else 1])
        )
        if isinstance(owner[key], list):
            owner[key][0], at = wrong, f"{at}[0]"
        else:
            owner[key] = wrong
        if wrong is None and f"_{key}" in owner and isinstance(owner[key], list):
            assert VALIDATOR.check(broken) == []  # the extension stands for the value
        else:
            assert refused_at(broken, at)


@SLOW
@given(resources(), st.data(), st.booleans())
def test_arrays_and_single_values_do_not_stand_for_each_other(resource, data, empty):
    broken = decode(encode(resource))  # a copy in which no object stands twice
    chosen = drawn_place(data, broken)
    if chosen:
        place, owner, key, structure, _ = chosen
        if isinstance(owner[key], list):
            owner[key] = [] if empty else owner[key][0]
        else:
            owner[key] = [] if empty else [owner[key]]
        owner.pop(f"_{key}", None)
        assert refused_at(broken, place_of(place, key, structure))


@SLOW
@given(resources(), st.data())
def test_empty_objects_are_refused_where_they_stand(resource, data):
    def is_object(_place, owner, key, *_):
        return isinstance(owner[key][0] if isinstance(owner[key], list) else owner[key], dict)

    broken = decode(encode(resource))  # a copy in which no object stands twice
    chosen = drawn_place(data, broken, is_object)
    if chosen:
        place, owner, key, structure, _ = chosen
        at = place_of(place, key, structure)
        if isinstance(owner[key], list):
            owner[key][-1] = {}
            at += f"[{len(owner[key]) - 1}]"
        else:
            owner[key] = {}
        assert {(i.code, i.expression) for i in VALIDATOR.check(broken)} <= {("structure", at), ("code-invalid", at)}
        assert VALIDATOR.check(broken)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "resourceType",
                    "id",
                    "_id",
                    "name",
                    "_name",
                    "extension",
                    "url",
                    "contained",
                    "text",
                    "div",
                    "reference",
                    "value",
                    "valueString",
                    "coding",
                    "given",
                    "_given",
                    "subject",
                    "entry",
                    "resource",
                    "",
                ]
            ),
            inner | st.sampled_from(["Patient", "Bundle", "#a"]),
            max_size=4,
        )
    ),
    max_leaves=15,
)


@settings(max_examples=300, deadline=None)
@given(JSON, st.sampled_from(["Patient", "Bundle", "Observation", "Parameters", None]))
def test_no_json_breaks_the_validator(value, resource_type):
    if resource_type and isinstance(value, dict):
        value["resourceType"] = resource_type
    for issue in VALIDATOR.check(value):
        assert issue.diagnostics
