from dataclasses import dataclass, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal, TypedDict, get_args

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpcli.errors import Exit, GpcliError, list_coded_errors
from gpcli.model import appointment
from gpcli.model import service as money
from gpcli.model.account import Finding
from gpcli.model.prescription import WhyNot
from gpcli.render.json_schema import (
    ANSWERS,
    DIALECT,
    STDERR_LINES,
    build_schema,
    find_description,
    find_schema,
    list_schema_names,
)
from gpcli.render.stderr import StderrJson, WordedPlan
from gpcli.render.terminal import LineWriter
from gpcli.render.view import to_json_object

NAMES = list_schema_names()
CODES = sorted({kind.code for kind in list_coded_errors()})
PARTS = {part for hint in ANSWERS.values() for part in (hint, *get_args(hint))}
KINDS = sorted(
    {kind for part in PARTS for kind in (part, *get_args(part)) if is_dataclass(kind)},
    key=lambda kind: kind.__name__,
)
FINITE = st.decimals(allow_nan=False, allow_infinity=False)
AWARE = st.datetimes(timezones=st.just(UTC))
A_CODE = st.sampled_from(CODES)

for type_, strategy in (
    (Decimal, FINITE),
    (datetime, AWARE),
    (Finding, st.builds(Finding, cause=A_CODE)),
    (WhyNot, st.builds(WhyNot, code=A_CODE)),
):
    st.register_type_strategy(type_, strategy)


def described(hint):
    return build_schema(hint, "made up", "Made up")


def validator(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def valid(record, schema):
    validator(schema).validate(record)
    return True


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_answer_is_what_its_schema_says(kind):
    promised = validator(described(kind))

    @settings(max_examples=5, deadline=None)
    @given(st.from_type(kind))
    def holds(item):
        promised.validate(to_json_object(item))

    holds()


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_one_and_says_which(name):
    schema = find_schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:gpcli:schema:1:{name.replace(' ', '-')}"
    assert name in schema["title"]


def test_what_has_no_schema_is_told_by_none():
    assert find_schema("demo") is None


def test_a_schema_is_spelled_out_from_the_types_and_the_texts():
    decimal = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?([Ee][+-]?[0-9]+)?$"}

    def record(kind, **properties):
        texts = {name: {"description": find_description(kind, name)} for name in properties}
        return {
            "title": kind.__name__,
            "description": find_description(kind, "object"),
            "type": "object",
            "properties": {name: properties[name] | texts[name] for name in properties},
            "required": list(properties),
            "additionalProperties": False,
        }

    assert build_schema(money.Price, "gp price", "A price") == {
        "$schema": DIALECT,
        "$id": "urn:gpcli:schema:1:gp-price",
        "title": "A price",
        "$ref": "#/$defs/Price",
        "$defs": {
            "Price": record(
                money.Price,
                low=decimal,
                high=decimal,
                currency={"type": "string"},
                rates={"type": "array", "items": {"$ref": "#/$defs/Rate"}},
                at_sending={"type": "boolean"},
            ),
            "Rate": record(
                money.Rate,
                applies={"type": ["string", "null"]},
                amount=decimal,
                surcharges={"type": "array", "items": {"$ref": "#/$defs/Surcharge"}},
            ),
            "Surcharge": record(money.Surcharge, name={"type": ["string", "null"]}, amount=decimal),
        },
    }


def test_an_array_has_its_records_among_the_definitions(a_slot):
    schema = described(list[appointment.Slot])
    assert (schema["type"], schema["items"]) == ("array", {"$ref": "#/$defs/Slot"})
    assert valid([to_json_object(a_slot()), to_json_object(a_slot("s2"))], schema)


def test_an_error_has_one_of_the_codes_and_exits_that_there_are():
    error = find_schema("error")["$defs"]["Failed"]["properties"]
    ends = {Exit.OK, Exit.INTERRUPTED, Exit.CLOSED_PIPE, Exit.TERMINATED}
    assert error["code"]["enum"] == CODES
    assert error["exit"]["enum"] == sorted({*Exit} - ends)


@pytest.mark.parametrize("name", [*STDERR_LINES])
def test_a_line_on_stderr_has_nothing_but_what_is_listed(name):
    assert not validator(find_schema(name)).is_valid({name: {"message": "x", "more": 1}})


def test_any_line_on_stderr_is_valid_against_the_schema_of_them_all(make_output):
    shown = make_output(format="json")
    shown.output.notice("Open this page.", url="https://portal.example")
    shown.output.warning("Nobody knows.")
    shown.output.plan(WordedPlan("Book a time", (("When", "Today"),), "sandbox", ("It is late.",)))
    shown.output.error(GpcliError("It failed."))
    StderrJson(LineWriter(shown.err)).progress("Asking")
    lines = shown.stderr_json
    line, kinds = (
        validator(find_schema("stderr")),
        ("notice", "warning", "plan", "error", "progress"),
    )
    assert [line.is_valid(each) for each in lines] == [True] * 5
    assert [validator(find_schema(kind)).is_valid(lines[0]) for kind in kinds] == [
        True,
        False,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    "broken",
    [
        lambda record: record.pop("channel"),
        lambda record: record.update(extra=1),
        lambda record: record.update(start=5),
        lambda record: record.update(zone=None),
    ],
    ids=["key missing", "key too many", "wrong type", "null where none is"],
)
def test_a_record_that_departs_from_its_schema_is_found(a_slot, broken):
    record = to_json_object(a_slot())
    broken(record)
    with pytest.raises(jsonschema.ValidationError):
        valid(record, described(appointment.Slot))


@dataclass(frozen=True)
class Errand:
    """A record with every kind of field."""

    kind: Literal["book", "cancel"]
    pair: tuple[str, int]
    day: date | None
    counts: dict[str, int]
    within: "Errand | None"


def test_choices_pairs_mappings_and_a_type_within_itself_are_described():
    inner = Errand("book", ("a", 1), None, {}, None)
    outer = Errand("cancel", ("b", 2), date(2026, 11, 24), {"x": 1}, inner)
    schema = described(Errand)
    assert valid(to_json_object(outer), schema)
    assert schema["$defs"]["Errand"]["properties"] == {
        "kind": {"type": "string", "enum": ["book", "cancel"]},
        "pair": {
            "type": "array",
            "prefixItems": [{"type": "string"}, {"type": "integer"}],
            "items": False,
            "minItems": 2,
        },
        "day": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
        "within": {"anyOf": [{"$ref": "#/$defs/Errand"}, {"type": "null"}]},
    }


class Letter(TypedDict, total=False):
    stamp: int


class Parcel(Letter):
    weight: float | None


def test_a_key_may_be_absent_only_where_its_type_says_so():
    schema = described(Parcel)
    sent = [{"weight": 1.5}, {"weight": None, "stamp": 2}, {"stamp": 2}]
    assert [validator(schema).is_valid(each) for each in sent] == [True, True, False]


@dataclass(frozen=True)
class Unknown:
    """Holds what JSON has no word for."""

    module: complex


def test_a_type_without_a_place_in_json_is_refused():
    with pytest.raises(TypeError, match="has no JSON Schema"):
        described(Unknown)
