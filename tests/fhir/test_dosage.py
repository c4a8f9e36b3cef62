"""Dosage and Timing: how a medicine is taken, in words; nothing rounded, nothing left out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.fhir.dosage import HAS_MORE, NOT_WORDED, Dosing, read_dosing, word_dosage
from gpcli.fhir.element import Element, Malformed, read_resource
from tests.portal.builders import Json, concept

SNOMED = "http://snomed.info/sct"
V3 = "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation"


def words(**dosage: Any) -> str | None:
    return word_dosage(Element(dosage, "Dosage"))


def repeat(**repeat: Any) -> str | None:
    return words(timing={"repeat": repeat})


def amount(value: Any, unit: str | None = None, **more: Any) -> Json:
    return {"value": value, **({"unit": unit} if unit else {}), **more}


def dosing(*dosages: Json) -> Dosing:
    return read_dosing(Element({"dosageInstruction": list(dosages)}, "X"), "dosageInstruction")


@pytest.mark.parametrize(
    ("said", "phrase"),
    [
        ({"frequency": 1, "period": 6, "periodUnit": "h"}, "every 6 hours"),
        ({"frequency": 1, "period": 1, "periodUnit": "h"}, "once an hour"),
        ({"frequency": 1, "period": 1, "periodUnit": "d"}, "once a day"),
        ({"frequency": 2, "period": 1, "periodUnit": "d"}, "twice a day"),
        ({"frequency": 3, "frequencyMax": 4, "period": 1, "periodUnit": "d"}, "3 to 4 times a day"),
        ({"frequencyMax": 4, "period": 1, "periodUnit": "d"}, "at most 4 times a day"),
        ({"frequency": 3, "period": 2, "periodUnit": "wk"}, "3 times every 2 weeks"),
        ({"period": 4, "periodMax": 6, "periodUnit": "h"}, "every 4 to 6 hours"),
        ({"period": Decimal("0.50"), "periodUnit": "a"}, "every 0.50 years"),
        ({"frequency": 1, "period": 1, "periodMax": 2, "periodUnit": "mo"}, "every 1 to 2 months"),
        ({"frequency": 3}, "3 times"),
        ({"dayOfWeek": ["mon"]}, "on Monday"),
        ({"dayOfWeek": ["mon", "thu", "sun"]}, "on Monday, Thursday and Sunday"),
        ({"timeOfDay": ["08:00:00", "20:30:15"]}, "at 08:00 and 20:30:15"),
        ({"when": ["ACM", "ACV"], "offset": 30}, "30 minutes before breakfast and before dinner"),
        ({"when": ["HS"], "offset": 1}, "1 minute before going to sleep"),
        ({"when": ["MORN", "CV"]}, "in the morning and at dinner"),
        ({"duration": 30, "durationUnit": "min"}, "for 30 minutes each time"),
        ({"duration": 1, "durationMax": 2, "durationUnit": "h"}, "for 1 to 2 hours each time"),
        ({"count": 10}, "10 times in all"),
        ({"count": 1, "countMax": 3}, "1 to 3 times in all"),
        ({"boundsDuration": amount(7, code="d")}, "for 7 days"),
        ({"boundsDuration": amount(7, "days", comparator="<=")}, "for at most 7 days"),
        ({"boundsRange": {"low": amount(7, "d"), "high": amount(10, "d")}}, "for 7 to 10 days"),
        ({"boundsRange": {"high": amount(1, "wk")}}, "for at most 1 week"),
        ({"boundsPeriod": {"start": "2027-01", "end": "2027-02-01"}},
         "from 2027-01 until 2027-02-01"),
        ({"boundsPeriod": {"end": "2027"}}, "until 2027"),
        ({"frequency": 1, "period": 1, "periodUnit": "d", "timeOfDay": ["08:00:00"], "count": 5},
         "once a day, at 08:00, 5 times in all"),
    ],
)  # fmt: skip
def test_a_repetition_is_worded(said: Json, phrase: str):
    assert repeat(**said) == phrase


@pytest.mark.parametrize(
    ("said", "phrase"),
    [
        ({"when": ["MORN"], "offset": 30}, f"in the morning, {HAS_MORE}"),
        ({"when": ["CCC"]}, NOT_WORDED),
        ({"offset": 30}, NOT_WORDED),
        ({"dayOfWeek": ["mon", "holiday"]}, f"on Monday, {HAS_MORE}"),
        ({"frequency": 2, "period": 1}, f"twice, {HAS_MORE}"),
        ({"period": 1, "periodUnit": "moon"}, NOT_WORDED),
        ({"duration": 30}, NOT_WORDED),
        ({"duration": -30, "durationUnit": "min"}, NOT_WORDED),
        ({"when": ["AC"], "offset": -30}, f"before meals, {HAS_MORE}"),
        ({"count": 0}, NOT_WORDED),
        ({"count": -2, "frequency": 3}, f"3 times, {HAS_MORE}"),
        ({"boundsRange": {}}, NOT_WORDED),
        ({"boundsPeriod": {}}, NOT_WORDED),
        ({"boundsDuration": {"unit": "d"}}, NOT_WORDED),
        ({"frequency": 1, "period": 1, "periodUnit": "d", "new": True}, f"once a day, {HAS_MORE}"),
    ],
)
def test_what_can_not_be_worded_is_said_to_be_there(said: Json, phrase: str):
    assert repeat(**said) == phrase


@pytest.mark.parametrize(
    ("timing", "phrase"),
    [
        ({"code": {"text": "Twice daily with food", "coding": [{"code": "BID"}]}},
         "Twice daily with food"),
        ({"code": concept("TID", V3)}, "3 times a day"),
        ({"code": {"text": "QOD"}}, "every 2 days"),
        ({"code": concept("307469008", SNOMED)}, NOT_WORDED),
        ({"code": {"coding": [{"code": "PM"}]}}, "every afternoon"),
        ({"code": concept("PM", "urn:oid:2.16.840.1.113883.5.1022")}, "every afternoon"),
        ({"code": concept("PM", "urn:example:ward-rounds")}, NOT_WORDED),
        ({"code": concept("BID", V3), "repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
         "twice a day"),
        ({"code": concept("BID", V3), "repeat": {"boundsDuration": amount(7, "d")}},
         "twice a day, for 7 days"),
        ({"event": ["2027-03-02", "2027-03-09T08:00:00+01:00"]},
         "on 2027-03-02 and 2027-03-09T08:00:00+01:00"),
        ({"event": ["2027"], "new": 1}, f"on 2027, {HAS_MORE}"),
    ],
)  # fmt: skip
def test_a_timing_is_worded(timing: Json, phrase: str):
    assert words(timing=timing) == phrase


@pytest.mark.parametrize(
    ("said", "phrase"),
    [
        ({"doseQuantity": amount(Decimal("2.50"), "mg")}, "2.50 mg"),
        ({"doseQuantity": amount(2, code="{tablet}")}, "2 tablet"),
        ({"doseQuantity": amount(2, code="1")}, "2"),
        ({"doseQuantity": amount(5, "mg", comparator="<")}, "less than 5 mg"),
        ({"doseQuantity": amount(5, "mg", comparator=">=")}, "at least 5 mg"),
        ({"doseQuantity": amount(5, "mg", comparator="ad")}, NOT_WORDED),
        ({"doseQuantity": {"unit": "mg"}}, NOT_WORDED),
        (
            {"doseRange": {"low": amount(1, "tablets"), "high": amount(2, "tablets")}},
            "1 to 2 tablets",
        ),
        ({"doseRange": {"low": amount(500, "mg"), "high": amount(1, "g")}}, "500 mg to 1 g"),
        ({"doseRange": {"low": amount(1, "g")}}, "at least 1 g"),
        ({"doseRange": {"low": amount(1, "g", comparator="<"), "high": amount(2, "g")}},
         NOT_WORDED),
        ({"rateRatio": {"numerator": amount(10, "ml"), "denominator": amount(1, code="h")}},
         "at 10 ml per hour"),
        ({"rateRatio": {"numerator": amount(10, "ml"), "denominator": amount(4, code="h")}},
         "at 10 ml per 4 hours"),
        ({"rateRange": {"low": amount(1, "l/min"), "high": amount(2, "l/min")}}, "at 1 to 2 l/min"),
        ({"doseQuantity": amount(1, "l"), "rateQuantity": amount(5, "ml/h")}, "1 l, at 5 ml/h"),
        ({"doseQuantity": amount(1, "l"), "type": {"text": "calculated"}}, "1 l (calculated)"),
        ({"rateRatio": {"numerator": amount(10, "ml")}}, NOT_WORDED),
    ],
)  # fmt: skip
def test_a_dose_and_its_rate_are_worded_with_their_own_digits(said: Json, phrase: str):
    assert words(doseAndRate=[said]) == phrase


@pytest.mark.parametrize(
    ("said", "phrase"),
    [
        ({"asNeededBoolean": True}, "as needed"),
        ({"asNeededBoolean": False}, None),
        ({"asNeededCodeableConcept": {"text": "pain"}}, "as needed for pain"),
        ({"asNeededCodeableConcept": {}}, f"as needed, {HAS_MORE}"),
        ({"route": {"text": "by mouth"}}, "by mouth"),
        ({"route": concept("26643006", SNOMED)}, "by mouth"),
        ({"route": concept("999", SNOMED)}, NOT_WORDED),
        ({"route": concept("PO", "urn:example:post-office")}, NOT_WORDED),
        ({"site": concept("1", SNOMED, display="Left arm")}, "site: Left arm"),
        ({"site": concept("1", SNOMED)}, NOT_WORDED),
        ({"method": {"text": "Chew"}}, "method: Chew"),
        ({"maxDosePerPeriod": {"numerator": amount(4, "g"), "denominator": amount(1, "d")}},
         "at most 4 g per day"),
        ({"maxDosePerAdministration": amount(1, "g")}, "at most 1 g at a time"),
        ({"maxDosePerLifetime": amount(9, "g")}, "at most 9 g in a lifetime"),
        ({"maxDosePerLifetime": {"unit": "g"}}, NOT_WORDED),
        ({"maxDosePerPeriod": {"numerator": amount(4, "g"), "denominator": amount(-1, "d")}},
         NOT_WORDED),
        ({"maxDosePerPeriod": {"numerator": amount(4, "g"), "denominator": amount(0, "d")}},
         NOT_WORDED),
        ({"route": concept("6064005", SNOMED)}, "topically"),
        ({"somethingNew": 1}, NOT_WORDED),
        ({"id": "1", "extension": [{"url": "x"}], "_text": {}, "sequence": 1}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_the_rest_of_a_dosage_is_worded(said: Json, phrase: str | None):
    assert words(**said) == phrase


def test_everything_is_in_one_phrase_from_the_dose_to_the_most():
    timing = {"repeat": {"frequency": 1, "period": 6, "periodUnit": "h"}}
    assert words(
        maxDosePerPeriod={"numerator": amount(4, "g"), "denominator": amount(24, "h")},
        route={"text": "by mouth"},
        timing=timing,
        asNeededCodeableConcept={"text": "pain"},
        doseAndRate=[{"doseQuantity": amount(500, "mg")}],
    ) == ("500 mg every 6 hours, as needed for pain, by mouth, at most 4 g per 24 hours")


def test_the_portals_words_come_first_and_nothing_beside_them_is_dropped():
    assert dosing(
        {
            "text": "1 tablet daily",
            "asNeededBoolean": True,
            "additionalInstruction": [{"text": "With food"}, concept("X", SNOMED)],
            "patientInstruction": "Stop and call if you get a rash",
        }
    ) == Dosing("1 tablet daily", "as needed", "With food; X; Stop and call if you get a rash")


def test_the_patients_instruction_is_the_dose_where_nothing_else_is():
    assert dosing({"patientInstruction": "As told"}) == Dosing("As told", None, None)


def test_dosages_come_in_their_sequence_and_those_without_one_last():
    steps = [(None, "d"), (2, "b"), (None, "e"), (1, "a"), (2, "c")]
    said = [{"text": text, **({"sequence": at} if at else {})} for at, text in steps]
    assert dosing(*said).dose == "a; then b; c; d; e"


def test_steps_follow_each_other_and_what_is_of_one_step_holds_together():
    once = {"doseAndRate": [{"doseQuantity": amount(1, "tablet")}]}
    twice = {"doseAndRate": [{"doseQuantity": amount(2, "tablets")}]}
    assert dosing({**once, "sequence": 2}, {**twice, "sequence": 1}).dose == (
        "2 tablets; then 1 tablet"
    )
    assert dosing({**once, "sequence": 1}, {**twice, "sequence": 1}).dose == "1 tablet; 2 tablets"
    assert dosing(
        {**once, "sequence": 1, "text": "a"}, {"sequence": 2}, {**twice, "sequence": 3, "text": "c"}
    ) == Dosing("a; then c", "1 tablet; then 2 tablets", None)


def test_an_instruction_of_several_dosages_is_said_once():
    each = {"additionalInstruction": [{"text": "With food"}]}
    assert dosing({"text": "a", **each}, {"text": "b", **each}).instructions == "With food"


def test_nothing_is_said_of_nothing():
    assert dosing() == dosing({}) == Dosing(None, None, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"timing": "daily"},
        {"timing": {"repeat": {"frequency": "1"}}},
        {"timing": {"event": "2027"}},
        {"doseAndRate": {}},
        {"doseAndRate": [{"doseQuantity": 7}]},
        {"asNeededBoolean": "yes"},
        {"route": "by mouth"},
        {"maxDosePerPeriod": []},
    ],
)
def test_wrong_types_are_malformed_and_cost_the_property_of_a_portals_record(wrong: Json):
    with pytest.raises(Malformed):
        words(**wrong)


# Every Dosage that R4 allows, as far as its own rules go.
NUMBERS = st.decimals(min_value=0, max_value=10**6, allow_nan=False).map(lambda each: +each)
COUNTS = st.integers(1, 10**6)
TEXTS = st.text(st.characters(categories=("L", "N", "S")), min_size=1, max_size=8)
CONCEPTS = st.one_of(
    st.fixed_dictionaries({"text": TEXTS}),
    st.fixed_dictionaries({"coding": st.lists(
        st.fixed_dictionaries({"code": TEXTS}, optional={"display": TEXTS}), min_size=1)}),
)  # fmt: skip
QUANTITIES = st.fixed_dictionaries(
    {"value": NUMBERS}, optional={"unit": TEXTS, "code": st.sampled_from(["mg", "d", "1", "{x}"])}
)
COMPARED = st.fixed_dictionaries(
    {"value": NUMBERS}, optional={"comparator": st.sampled_from(["<", "<=", ">=", ">"])}
)
RATIOS = st.fixed_dictionaries({"numerator": COMPARED, "denominator": QUANTITIES})
RANGES = st.fixed_dictionaries({"low": QUANTITIES}, optional={"high": QUANTITIES})
UNITS = st.sampled_from(["s", "min", "h", "d", "wk", "mo", "a"])
EVENTS = [
    *("MORN", "MORN.early", "MORN.late", "NOON", "AFT", "AFT.early", "AFT.late", "EVE"),
    *("EVE.early", "EVE.late", "NIGHT", "PHS", "HS", "WAKE", "C", "CM", "CD", "CV"),
    *("AC", "ACM", "ACD", "ACV", "PC", "PCM", "PCD", "PCV"),
]
BOUNDS = st.one_of(
    st.fixed_dictionaries({"boundsDuration": COMPARED}),
    st.fixed_dictionaries({"boundsRange": RANGES}),
    st.fixed_dictionaries({"boundsPeriod": st.fixed_dictionaries({"start": st.just("2027-01")})}),
)
SPANS = st.fixed_dictionaries(
    {"period": NUMBERS, "periodUnit": UNITS},
    optional={"periodMax": NUMBERS, "frequency": COUNTS, "frequencyMax": COUNTS},
)
LENGTHS = st.fixed_dictionaries(
    {"duration": NUMBERS, "durationUnit": UNITS}, optional={"durationMax": NUMBERS}
)
OTHERS = st.fixed_dictionaries(
    {"count": COUNTS},
    optional={
        "countMax": COUNTS,
        "dayOfWeek": st.lists(st.sampled_from(["mon", "tue", "wed", "sun"]), min_size=1),
        "timeOfDay": st.lists(st.sampled_from(["08:00:00", "20:15:30"]), min_size=1),
        "when": st.lists(st.sampled_from(EVENTS), min_size=1),
    },
)
TOGETHER = st.builds(dict.__or__, SPANS, st.builds(dict.__or__, OTHERS, BOUNDS))
REPEATS = st.one_of(SPANS, LENGTHS, OTHERS, BOUNDS, TOGETHER)
TIMINGS = st.one_of(
    st.fixed_dictionaries({"repeat": REPEATS}, optional={"code": CONCEPTS}),
    st.fixed_dictionaries({"event": st.lists(st.just("2027-01-02"), min_size=1)}),
)
DOSES = st.one_of(
    st.fixed_dictionaries({"doseQuantity": COMPARED}, optional={"type": CONCEPTS}),
    st.fixed_dictionaries({"doseRange": RANGES, "rateRatio": RATIOS}),
    st.fixed_dictionaries({"rateQuantity": QUANTITIES}),
)
PARTS = {
    "timing": TIMINGS,
    "doseAndRate": st.lists(DOSES, min_size=1, max_size=2),
    "asNeededCodeableConcept": CONCEPTS,
    "route": CONCEPTS,
    "site": CONCEPTS,
    "method": CONCEPTS,
    "maxDosePerPeriod": RATIOS,
    "maxDosePerAdministration": QUANTITIES,
    "maxDosePerLifetime": QUANTITIES,
}


def numbers_in(json: object) -> list[str]:
    """The digits of every number in a JSON document."""
    if isinstance(json, dict):
        return [digits for each in json.values() for digits in numbers_in(each)]
    if isinstance(json, list):
        return [digits for each in json for digits in numbers_in(each)]
    return [format(Decimal(json), "f")] if isinstance(json, int | Decimal) else []


@given(
    st.sampled_from(sorted(PARTS)).flatmap(
        lambda name: PARTS[name].map(lambda value: {name: value})
    )
)
def test_each_part_that_r4_allows_is_worded_or_said_to_be_there(said: Json):
    assert words(**said)


@given(st.fixed_dictionaries({}, optional=PARTS))
def test_no_number_of_a_dosage_is_rounded_or_left_out_unless_that_is_said(said: Json):
    result = words(**said) or ""
    assert bool(result) == bool(said)
    if HAS_MORE not in result and result != NOT_WORDED:
        assert [number for number in numbers_in(said) if not is_worded(number, result)] == []


def is_worded(number: str, result: str) -> bool:
    """Whether a number stands in the words, or is one that has a word of its own."""
    return number in result or number in {"1", "2"} or Decimal(number) == 1


NAMES = [
    *PARTS,
    *("repeat", "code", "text", "coding", "event", "frequency", "period", "periodUnit", "when"),
    *("offset", "dayOfWeek", "timeOfDay", "count", "duration", "durationUnit", "boundsDuration"),
    *("boundsRange", "boundsPeriod", "low", "high", "value", "unit", "comparator", "numerator"),
    *("denominator", "doseQuantity", "doseRange", "rateRatio", "start", "end", "sequence"),
    *("patientInstruction", "additionalInstruction", "type"),
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | TEXTS | st.sampled_from(["d", "<", "HS"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=6))
def test_whatever_a_portal_sends_for_a_dosage_it_costs_no_more_than_that(said: Json):
    flaws: list[str] = []
    json = {"resourceType": "MedicationRequest", "id": "1", "dosageInstruction": [said]}
    result = read_dosing(read_resource(json, flaws), "dosageInstruction")
    assert result.dose is None or isinstance(result.dose, str)
