"""Reading FHIR JSON with its types checked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpcli.fhir.element import Coding, Element, Malformed, read_resource

ACCESSORS: dict[str, Callable[[Element], Any]] = {
    "string": lambda element: element.string("x"),
    "require_string": lambda element: element.require_string("x"),
    "strings": lambda element: element.strings("x"),
    "boolean": lambda element: element.boolean("x"),
    "decimal": lambda element: element.decimal("x"),
    "instant": lambda element: element.instant("x"),
    "child": lambda element: element.child("x"),
    "children": lambda element: element.children("x"),
    "codings": lambda element: element.codings("x"),
    "concept_text": lambda element: element.concept_text("x"),
    "reference": lambda element: element.reference("x"),
    "references": lambda element: element.references("x"),
}
WRONG: dict[str, tuple[Any, ...]] = {
    "string": (1, True, [], {}, Decimal(1)),
    "require_string": (None, "", 1, ["a"]),
    "strings": ("a", [1], [["a"]], {}),
    "boolean": ("true", 0, 1, []),
    "decimal": ("1", True, 1.5, []),
    "instant": ("today", "2027-03-28", "2027-03-28T09:00:00", 1, "0001-01-01T00:00:00Z"),
    "child": ("a", [], 1, False),
    "children": ({}, "a", [1], [None]),
    "codings": ("a", [1], {"coding": {}}, {"coding": [{"code": 1}]}),
    "concept_text": ("a", [], {"text": 1}, {"coding": [{"display": []}]}),
    "reference": ("Patient/1", [], {"reference": 1}),
    "references": ({"reference": "Patient/1"}, [{"reference": 1}]),
}
ABSENT: dict[str, Any] = {
    **dict.fromkeys(
        ("string", "boolean", "decimal", "instant", "child", "concept_text", "reference")
    ),
    **dict.fromkeys(("strings", "children", "codings", "references"), ()),
}


def element(value: Any) -> Element:
    return Element({"x": value}, "Slot")


@pytest.mark.parametrize("accessor", ABSENT)
def test_what_is_absent_or_null_is_none_or_nothing(accessor: str):
    read = ACCESSORS[accessor]
    assert [read(Element({}, "Slot")), read(element(None))] == [ABSENT[accessor]] * 2


@pytest.mark.parametrize(
    ("accessor", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_wrong_type_is_malformed_and_names_the_element_but_not_its_content(
    accessor: str, value: Any
):
    with pytest.raises(Malformed, match=r"^Slot\.x(\.coding)?(\.\w+)? (is|has) [\w ]+$"):
        ACCESSORS[accessor](element(value))


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("coding", "system", "code", "display", "text", "reference", "url"))
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
LIKELY = ANY_JSON | st.builds(
    lambda word: {"reference": word},
    st.from_regex(r"(https?://\[?|#|urn:)?[\w:/\]?_-]{0,12}") | st.just("http://["),
)


@settings(deadline=None)
@given(value=LIKELY, accessor=st.sampled_from(sorted(ACCESSORS)))
def test_no_json_whatsoever_raises_anything_but_malformed(value: Any, accessor: str):
    with suppress(Malformed):
        ACCESSORS[accessor](element(value))


@settings(deadline=None)
@given(value=ANY_JSON)
def test_anything_is_a_resource_or_malformed(value: Any):
    with suppress(Malformed):
        assert read_resource(value).resource_type == value["resourceType"]


def test_an_instant_keeps_the_offset_that_the_portal_wrote():
    read = element("2027-03-28T09:00:00+02:00").instant("x")
    assert read == datetime(2027, 3, 28, 7, tzinfo=UTC)
    assert read.isoformat() == "2027-03-28T09:00:00+02:00"


def test_a_decimal_keeps_the_digits_of_the_record():
    assert str(element(Decimal("180.50")).decimal("x")) == "180.50"


def test_nulls_that_only_hold_the_place_of_extensions_are_passed_over():
    assert element([None, "Kari", None]).strings("x") == ("Kari",)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Patient/1", "Patient/1"),
        ("https://portal.example/fhir/R4/Patient/1", "Patient/1"),
        ("Patient/1/_history/3", "Patient/1"),
        ("https://portal.example/fhir/Patient/1/_history/3", "Patient/1"),
        ("#until", "#until"),
        (
            "urn:uuid:4b5f9a52-5f0c-4f0e-9b6a-6a3f5f2a7c11",
            "urn:uuid:4b5f9a52-5f0c-4f0e-9b6a-6a3f5f2a7c11",
        ),
        ("Patient?identifier=1", "Patient"),
        ("http://[::1", "/[::1"),
        ("", None),
    ],
)
def test_references_are_read_as_type_and_id_however_they_are_written(
    written: str, read: str | None
):
    assert element({"reference": written}).reference("x") == read


def test_a_list_of_references_leaves_out_those_without_a_target():
    written = [{"reference": "Slot/1"}, {"display": "a time"}]
    assert element(written).references("x") == ("Slot/1",)


def test_codings_are_read_from_one_concept_and_from_a_list_of_them():
    one = {"coding": [{"system": "s", "code": "a"}, {"code": "b"}]}
    assert element(one).codings("x") == (Coding("s", "a"), Coding("", "b"))
    assert element([one, {"text": "c"}, {"coding": [{}]}]).codings("x") == (
        Coding("s", "a"),
        Coding("", "b"),
        Coding("", ""),
    )


@pytest.mark.parametrize(
    ("concept", "words"),
    [
        ({"text": "Flu", "coding": [{"display": "Influenza"}]}, "Flu"),
        ({"coding": [{"code": "1"}, {"display": "Influenza"}]}, "Influenza"),
        ({"coding": [{"code": "1"}]}, None),
    ],
)
def test_a_concept_in_words_is_its_text_before_any_display(concept: dict, words: str | None):
    assert element(concept).concept_text("x") == words


def test_an_extension_is_found_by_its_url():
    extensions = [{"url": "urn:a", "valueCode": "1"}, {"url": "urn:b", "valueCode": "2"}]
    read = Element({"extension": extensions}, "Slot").extension("urn:b")
    assert read == Element(extensions[1], "Slot.extension")


@pytest.mark.parametrize(
    "body", [None, [], "Slot", {}, {"resourceType": 1}, {"resourceType": ""}, {"id": "1"}]
)
def test_what_is_not_a_resource_is_malformed(body: Any):
    with pytest.raises(Malformed, match="not a FHIR resource"):
        read_resource(body)


def test_a_resource_is_named_by_type_and_id():
    assert read_resource({"resourceType": "Slot", "id": "1"}).relative_reference == "Slot/1"


def test_a_resource_without_an_id_has_no_name():
    with pytest.raises(Malformed, match=r"^Slot\.id is missing$"):
        read_resource({"resourceType": "Slot"}).relative_reference  # noqa: B018 - reading it raises
