from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from inspect import getdoc
from typing import Literal

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpcli.model import appointment, service
from gpcli.model import service as money
from gpcli.render.json_schema import (
    DIALECT,
    ITEM_TYPES,
    LIST_TYPES,
    build_array_schema,
    build_schema,
)
from gpcli.render.view import to_json_object

ANSWERS = {*LIST_TYPES.values(), *(kind for kinds in ITEM_TYPES.values() for kind in kinds)}
KINDS = sorted(ANSWERS, key=lambda kind: kind.__name__)
FINITE = st.decimals(allow_nan=False, allow_infinity=False)
AWARE = st.datetimes(timezones=st.just(UTC))

for type_, strategy in ((Decimal, FINITE), (datetime, AWARE)):
    st.register_type_strategy(type_, strategy)


def validator(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def valid(record, schema):
    validator(schema).validate(record)
    return True


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_answer_is_what_its_schema_says(kind):
    promised = validator(build_schema(kind))

    @settings(max_examples=15, deadline=None)
    @given(st.builds(kind))
    def holds(item):
        promised.validate(to_json_object(item))

    holds()


def test_a_schema_is_spelled_out_from_type_hints_and_docstrings():
    assert build_schema(money.Price) == {
        "$schema": DIALECT,
        "title": "Price",
        "description": getdoc(money.Price),
        "type": "object",
        "properties": {
            "low": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?([Ee][+-]?[0-9]+)?$"},
            "high": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?([Ee][+-]?[0-9]+)?$"},
            "currency": {"type": "string"},
            "rates": {"type": "array", "items": {"$ref": "#/$defs/Rate"}},
            "at_sending": {"type": "boolean"},
        },
        "required": ["low", "high", "currency", "rates", "at_sending"],
        "additionalProperties": False,
        "$defs": {
            "Rate": {
                "title": "Rate",
                "description": money.Rate.__doc__,
                "type": "object",
                "properties": {
                    "applies": {"type": ["string", "null"]},
                    "amount": {
                        "type": "string",
                        "pattern": r"^-?[0-9]+(\.[0-9]+)?([Ee][+-]?[0-9]+)?$",
                    },
                    "surcharges": {"type": "array", "items": {"$ref": "#/$defs/Surcharge"}},
                },
                "required": ["applies", "amount", "surcharges"],
                "additionalProperties": False,
            },
            "Surcharge": {
                "title": "Surcharge",
                "description": money.Surcharge.__doc__,
                "type": "object",
                "properties": {
                    "name": {"type": ["string", "null"]},
                    "amount": {
                        "type": "string",
                        "pattern": r"^-?[0-9]+(\.[0-9]+)?([Ee][+-]?[0-9]+)?$",
                    },
                },
                "required": ["name", "amount"],
                "additionalProperties": False,
            },
        },
    }


def test_an_array_of_records_keeps_the_definitions_at_the_top(a_slot):
    schema = build_array_schema(build_schema(service.Service))
    assert set(schema) == {"$schema", "$defs", "type", "items"}
    assert valid(
        [to_json_object(a_slot()), to_json_object(a_slot("s2"))],
        build_array_schema(build_schema(appointment.Slot)),
    )


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
        valid(record, build_schema(appointment.Slot))


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
    schema = build_schema(Errand)
    assert valid(to_json_object(outer), schema)
    assert schema["properties"] == {
        "kind": {"enum": ["book", "cancel"]},
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


@dataclass(frozen=True)
class Unknown:
    """Holds what JSON has no word for."""

    module: complex


def test_a_type_without_a_place_in_json_is_refused():
    with pytest.raises(TypeError, match="has no JSON Schema"):
        build_schema(Unknown)
