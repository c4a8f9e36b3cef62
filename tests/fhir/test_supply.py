"""How long what was handed out lasts: by the dispense's own days, or by a dose told in full."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.fhir.element import Element, read_resource
from gpcli.fhir.medication import read_dispense
from gpcli.fhir.supply import read_supply
from gpcli.model.prescription import Supply, SupplyBasis
from tests.portal.builders import Json, ref
from tests.portal.medicines import a_dispense, a_request
from tests.portal.scripted import NOW, OSLO

TODAY = NOW.date()
TABLETS = {"value": 60, "unit": "tablets"}
UCUM = "http://unitsofmeasure.org"
ABBREVIATIONS = "http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation"


def supply(request: Json, *dispenses: Json, now: datetime = NOW, shown: bool = True):
    requests = [Element(request, "MedicationRequest")]
    records = [read_dispense(Element(each, "MedicationDispense")) for each in dispenses]
    return read_supply(requests, records if shown else None, OSLO, now)


def daily(frequency: Any = 1, period: Any = 1, unit: Any = "d", **more: Any) -> Json:
    """A Timing with a frequency."""
    said = {"frequency": frequency, "period": period, "periodUnit": unit}
    return {"repeat": {**said, **more}}


def repeat(**said: Any) -> Json:
    return {"timing": {"repeat": said}}


def timing(code: str, system: str = ABBREVIATIONS, **more: Any) -> Json:
    return {"code": {"coding": [{"system": system, "code": code}]}, **more}


def a_dosage(value: Any = 1, unit: str = "tablets", **more: Any) -> Json:
    """A Dosage of some tablets once a day."""
    dose = {"doseQuantity": {"value": value, "unit": unit}}
    return {"timing": daily(), "doseAndRate": [dose], **more}


def taken(*dosages: Json, **more: Any) -> Json:
    return a_request(dosageInstruction=list(dosages), **more)


def fetched(days_ago: int = 10, id: str = "d-1", **more: Any) -> Json:
    """What was handed out so many days ago."""
    day = (TODAY - timedelta(days=days_ago)).isoformat()
    return a_dispense(id, **{"whenHandedOver": day, "quantity": TABLETS, **more})


def days_supply(value: Any, unit: str | None = "days", **more: Any) -> Json:
    return {"daysSupply": {"value": value, **({"unit": unit} if unit else {}), **more}}


def days(request: Json, *dispenses: Json) -> int | None:
    """The days that it lasts from when the last one of the dispenses was handed out."""
    found = supply(request, *dispenses)
    return (found.until - found.handed_over).days + 1 if found else None


def test_an_amount_lasts_from_the_day_on_which_it_was_handed_out():
    assert supply(taken(a_dosage(2)), fetched(10)) == Supply(
        until=date(2027, 3, 20), days=19, basis=SupplyBasis.DOSE, handed_over=date(2027, 2, 19)
    )


def test_the_dispenses_own_days_go_before_the_dose():
    found = supply(taken(a_dosage(2)), fetched(10, **days_supply(45)))
    assert found == Supply(
        date(2027, 4, 4), 34, SupplyBasis.DAYS_SUPPLY, handed_over=date(2027, 2, 19)
    )


def test_without_a_dose_the_dispenses_own_days_tell_it():
    assert days(a_request(), fetched(**days_supply(30))) == 30


@pytest.mark.parametrize(("fetched_before", "left"), [(29, 30), (59, 0), (60, 0), (500, 0)])
def test_what_is_used_up_has_no_days_left(fetched_before: int, left: int):
    found = supply(taken(a_dosage()), fetched(fetched_before))
    assert found
    assert (found.days, found.until) == (left, TODAY + timedelta(days=59 - fetched_before))


ONE_UNIT = [
    ({"unit": "tablets"}, {"unit": "Tablets"}),
    ({"unit": "tablet", "code": "{tbl}", "system": UCUM}, {"code": "{tbl}", "system": UCUM}),
    (
        {"unit": "tablet", "code": "{tbl}", "system": UCUM},
        {"unit": "tablets", "code": "{tbl}", "system": UCUM},
    ),
    ({"unit": "ml", "code": "mL", "system": UCUM}, {"unit": "ml"}),
    ({"code": "1", "system": UCUM}, {"unit": "tablets", "code": "1", "system": UCUM}),
]
OTHER_UNITS = [
    ({}, {}),
    ({"unit": "tablets"}, {}),
    ({"unit": "tablet"}, {"unit": "tablets"}),
    ({"unit": "mg"}, {"unit": "tablets"}),
    ({"unit": "mg", "code": "mg", "system": UCUM}, {"unit": "g", "code": "g", "system": UCUM}),
    ({"unit": "x", "code": "TAB", "system": "urn:a"}, {"unit": "x", "code": "TAB", "system": UCUM}),
    (
        {"unit": "tablet", "code": "1", "system": UCUM},
        {"unit": "pack", "code": "1", "system": UCUM},
    ),
]


@pytest.mark.parametrize(("dose", "pack"), ONE_UNIT)
def test_a_dose_and_an_amount_of_one_unit_can_be_compared(dose: Json, pack: Json):
    request = taken(a_dosage() | {"doseAndRate": [{"doseQuantity": {"value": 2, **dose}}]})
    assert days(request, fetched(quantity={"value": 60, **pack})) == 30


@pytest.mark.parametrize(("dose", "pack"), OTHER_UNITS)
def test_a_dose_in_another_unit_tells_nothing(dose: Json, pack: Json):
    request = taken(a_dosage() | {"doseAndRate": [{"doseQuantity": {"value": 2, **dose}}]})
    assert supply(request, fetched(quantity={"value": 60, **pack})) is None


TOLD = [
    (a_dosage(), 60),
    (a_dosage(Decimal("0.5")), 120),
    (a_dosage(Decimal("0.7")), 85),
    (a_dosage(timing=daily(2)), 30),
    (a_dosage(timing=daily(1, 8, "h")), 20),
    (a_dosage(timing=daily(1, 7, "h")), 17),
    (a_dosage(timing=daily(1, 2)), 120),
    (a_dosage(timing=daily(3, 1, "wk")), 140),
    (a_dosage() | repeat(period=1, periodUnit="d"), 60),
    (a_dosage(timing=timing("BID")), 30),
    (a_dosage(timing=timing("Q6H")), 15),
    (a_dosage(timing=timing("QOD")), 120),
    (a_dosage(timing=timing("QD", "")), 60),
    (a_dosage(timing=timing("BID", **daily(2))), 30),
    (a_dosage(timing=timing("morgen", "urn:local", **daily(2))), 30),
    (a_dosage(timing={"code": {"text": "Morgen og kveld"}, **daily(2)}), 30),
    (a_dosage(timing=timing("BID", repeat={"boundsPeriod": {"start": "2027-01"}})), 30),
    (a_dosage() | repeat(timeOfDay=["08:00:00", "20:00:00"]), 30),
    (a_dosage(timing=daily(2, timeOfDay=["08:00:00", "20:00:00"])), 30),
    (a_dosage() | repeat(timeOfDay=["08:00:00"], dayOfWeek=["mon", "thu"]), 210),
    (a_dosage(timing=daily(when=["HS"])), 60),
    (a_dosage(timing=daily(3, when=["AC"], offset=30)), 20),
    (a_dosage(timing=daily(2, when=["MORN", "EVE"])), 30),
    (a_dosage(timing=daily(dayOfWeek=["mon", "wed", "fri"])), 140),
    (a_dosage(timing=daily(1, 1, "wk", dayOfWeek=["mon"])), 420),
    (a_dosage(asNeededBoolean=False), 60),
    (a_dosage(sequence=1, text="1 om dagen", patientInstruction="Ta med mat"), 60),
    (a_dosage(route={"text": "by mouth"}, additionalInstruction=[{"text": "with food"}]), 60),
    (a_dosage(timing=daily(boundsPeriod={"start": "2027-01-01", "end": "2027-12-31"})), 60),
]
"""One Dosage that tells all: the days for which 60 tablets last."""


@pytest.mark.parametrize(("dosage", "expected"), TOLD)
def test_a_dosage_that_tells_all_tells_how_long_an_amount_lasts(dosage: Json, expected: int):
    assert days(taken(dosage), fetched()) == expected


def with_dose(**dose: Any) -> Json:
    return a_dosage(doseAndRate=[dose])


HALF_A_PAIR = [{"doseQuantity": TABLETS}, {"doseQuantity": TABLETS}]
NOT_TOLD = [
    {},
    {"text": "1 tablet daily"},
    a_dosage(timing=None),
    a_dosage(timing={}),
    a_dosage(doseAndRate=None),
    a_dosage(doseAndRate=HALF_A_PAIR),
    a_dosage(asNeededBoolean=True),
    a_dosage(asNeededBoolean="no"),
    a_dosage(_asNeededBoolean={"extension": []}),
    a_dosage(asNeededCodeableConcept={"text": "pain"}),
    a_dosage(maxDosePerPeriod={"numerator": TABLETS, "denominator": {"value": 1, "unit": "d"}}),
    a_dosage(maxDosePerAdministration=TABLETS),
    a_dosage(modifierExtension=[{"url": "urn:x"}]),
    a_dosage(unknown=1),
    a_dosage(sequence="1"),
    with_dose(doseRange={"low": {"value": 1, "unit": "tablets"}}),
    with_dose(doseQuantity={"value": 1, "unit": "tablets"}, rateQuantity=TABLETS),
    with_dose(doseQuantity={"value": 1, "unit": "tablets", "comparator": "<"}),
    with_dose(doseQuantity={"value": "1", "unit": "tablets"}),
    with_dose(doseQuantity={"unit": "tablets"}),
    a_dosage(0),
    a_dosage(-1),
    a_dosage(10**9),
    a_dosage(Decimal("1e-300")),
    a_dosage(Decimal("1e999999")),
    a_dosage(Decimal("NaN")),
    a_dosage(Decimal("0.01")),
    a_dosage(61),
    a_dosage(timing={"event": ["2027-03-01"]}),
    a_dosage(timing=timing("MO")),
    a_dosage(timing=timing("BID", "urn:other")),
    a_dosage(timing=timing("BID", **daily(3))),
    a_dosage(timing={"code": {"text": "twice a day"}}),
    a_dosage(timing=daily(2, frequencyMax=3)),
    a_dosage(timing=daily(1, 4, "h", periodMax=6)),
    a_dosage(timing=daily(count=7)),
    a_dosage(timing=daily(duration=2, durationUnit="h")),
    a_dosage(timing=daily(unit="mo")),
    a_dosage(timing=daily(unit="min")),
    a_dosage(timing=daily(unit=None)),
    a_dosage(timing=daily(0)),
    a_dosage(timing=daily(Decimal("1.5"))),
    a_dosage(timing=daily(None)),
    a_dosage(timing=daily(1, 0)),
    a_dosage(timing=daily(1, -1)),
    a_dosage() | repeat(frequency=2),
    a_dosage() | repeat(when=["MORN"]),
    a_dosage(timing=daily(when=["MORN", "EVE"])),
    a_dosage(timing=daily(when=["C"])),
    a_dosage(timing=daily(when=["soon"])),
    a_dosage(timing=daily(2, when=["C", "MORN"])),
    a_dosage(timing=daily(1, timeOfDay=["08:00:00", "20:00:00"])),
    a_dosage(timing=daily(2, timeOfDay=["08:00:00", "08:00:00"])),
    a_dosage() | repeat(timeOfDay=["noon"]),
    a_dosage() | repeat(timeOfDay=["08:00:00"], when=["MORN"]),
    a_dosage(timing=daily(1, 1, "wk", dayOfWeek=["mon", "thu"])),
    a_dosage(timing=daily(1, 2, dayOfWeek=["mon"])),
    a_dosage(timing=daily(dayOfWeek=["mon", "mon"])),
    a_dosage(timing=daily(dayOfWeek=["funday"])),
    a_dosage(timing=daily(boundsDuration={"value": 7, "unit": "d"})),
    a_dosage(timing=daily(boundsPeriod={"end": "2027-02-28"})),
    a_dosage(timing=daily(boundsPeriod={"end": "2027-03-10"})),
    a_dosage(timing=daily(boundsPeriod={"start": "2027-02-20"})),
    a_dosage(timing=daily(boundsPeriod={"start": "soon"})),
    a_dosage(timing=daily(boundsPeriod={"start": "2027-01-01", "x": 1})),
]
"""One Dosage that leaves open how much a day, or whose dose is beyond all measure."""


@pytest.mark.parametrize("dosage", NOT_TOLD)
def test_a_dosage_that_leaves_anything_open_tells_nothing(dosage: Json):
    assert supply(taken(dosage), fetched()) is None


@pytest.mark.parametrize(
    ("dosages", "expected"),
    [
        ([a_dosage(1), a_dosage(2)], 20),
        ([a_dosage(1, sequence=1), a_dosage(2, sequence=1)], 20),
        ([a_dosage(1, sequence=1), a_dosage(2, sequence=2)], None),
        ([a_dosage(1), a_dosage(2, sequence=1)], None),
        ([a_dosage(1), a_dosage(2, asNeededBoolean=True)], None),
        ([a_dosage(1), {"text": "and 1 at night"}], None),
        ([a_dosage(1), a_dosage(5, "mg")], None),
        (
            [
                a_dosage(2, timing=daily(boundsPeriod={"end": "2027-03-05"})),
                a_dosage(1, timing=daily(boundsPeriod={"start": "2027-03-06"})),
            ],
            None,
        ),
    ],
)
def test_dosages_count_together_only_where_all_hold_at_the_same_time(
    dosages: list[Json], expected: int | None
):
    assert days(taken(*dosages), fetched()) == expected


@pytest.mark.parametrize(
    ("value", "unit", "more", "expected"),
    [
        (30, "day", {}, 30),
        (30, "Dager", {}, 30),
        (30, "tage", {"code": "d", "system": UCUM}, 30),
        (30, None, {"code": "d"}, 30),
        (Decimal("30.9"), "days", {}, 30),
        (30, None, {}, None),
        (3, "weeks", {}, None),
        (3, "days", {"code": "wk", "system": UCUM}, None),
        (30, "days", {"code": "d", "system": "urn:other"}, None),
        (30, "days", {"comparator": ">"}, None),
        (0, "days", {}, None),
        (Decimal("0.5"), "days", {}, None),
        (-3, "days", {}, None),
        (4000, "days", {}, None),
        (Decimal("1e400000"), "days", {}, None),
        ("30", "days", {}, None),
    ],
)
def test_the_days_of_a_dispense_are_whole_days_or_nothing(
    value: Any, unit: str | None, more: Json, expected: int | None
):
    assert days(taken(a_dosage()), fetched(**days_supply(value, unit, **more))) == expected


@pytest.mark.parametrize("of", [7, [], "30 days", {"unit": "days"}])
def test_days_that_can_not_be_read_are_not_replaced_by_the_dose(of: Any):
    assert supply(taken(a_dosage()), fetched(daysSupply=of)) is None


@pytest.mark.parametrize(
    "quantity",
    [
        None,
        {"unit": "tablets"},
        *({"value": each, "unit": "tablets"} for each in (0, -5, 10**9, Decimal("1e99999"))),
    ],
)
def test_without_an_amount_of_some_measure_a_dose_tells_nothing(quantity: Any):
    assert supply(taken(a_dosage()), fetched(quantity=quantity)) is None


@pytest.mark.parametrize(
    ("ages", "until"),
    [
        ((80, 30), 40),  # ten days before the first were over: they come on top
        ((80, 60), 40),
        ((80, 20), 40),  # on the day after the last of the first
        ((80, 19), 41),  # a day later: nothing is left over
        ((200, 10), 50),
        ((200, 80, 30), 40),
        ((10, 10), 110),
    ],
)
def test_amounts_add_up_where_one_was_fetched_before_the_other_was_used_up(
    ages: tuple[int, ...], until: int
):
    dispenses = [fetched(age, f"d-{place}") for place, age in enumerate(ages)]
    for order in (dispenses, dispenses[::-1]):
        found = supply(taken(a_dosage()), *order)
        assert found
        assert (found.until, found.days) == (TODAY + timedelta(days=until - 1), until - 1)
        assert found.handed_over == TODAY - timedelta(days=min(ages))


def test_of_amounts_that_add_up_the_dose_is_the_basis_if_any_rests_on_it():
    told = fetched(30, "a", **days_supply(60)), fetched(10, "b")
    apart = fetched(300, "c"), fetched(30, "d", **days_supply(60))
    found = [supply(taken(a_dosage()), *each) for each in (told, apart)]
    assert [each and each.basis for each in found] == [SupplyBasis.DOSE, SupplyBasis.DAYS_SUPPLY]


def test_it_counts_from_the_last_dispense_on_that_does_not_tell_its_days():
    vague = {"quantity": {"value": 1, "unit": "pack"}}
    before, after = fetched(50, "a", **vague), fetched(5, "b", **vague)
    assert days(taken(a_dosage()), before, fetched(10)) == 60
    assert supply(taken(a_dosage()), fetched(10), after) is None
    assert supply(taken(a_dosage()), fetched(10), fetched(10, "c", **vague)) is None


@pytest.mark.parametrize(
    "status",
    [
        *("preparation", "in-progress", "cancelled", "on-hold", "entered-in-error"),
        *("stopped", "declined"),
    ],
)
def test_what_was_not_handed_out_does_not_count(status: str):
    assert supply(taken(a_dosage()), fetched(status=status)) is None
    assert days(taken(a_dosage()), fetched(), fetched(5, "b", status=status)) == 60


@pytest.mark.parametrize(
    "more",
    [
        {"status": "unknown"},
        {"whenHandedOver": None},
        {"whenHandedOver": None, "whenPrepared": "2027-02-20"},
        {"whenHandedOver": "2027-02"},
        {"whenHandedOver": "2027"},
        {"whenHandedOver": "2027-W08-1"},
        {"whenHandedOver": "soon"},
        {"whenHandedOver": 7},
        {"whenHandedOver": "2027-02-20T10:00:00"},
        {"whenHandedOver": "2027-03-02"},
        {"whenHandedOver": "9999-12-31"},
    ],
)
def test_one_that_does_not_tell_when_it_was_handed_out_leaves_all_untold(more: Json):
    assert supply(taken(a_dosage()), fetched(**more)) is None
    assert supply(taken(a_dosage()), fetched(), fetched(5, "b", **more)) is None


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2027-02-20T23:30:00Z", date(2027, 2, 21)),
        ("2027-02-20T23:30:00+01:00", date(2027, 2, 20)),
        ("2027-02-20", date(2027, 2, 20)),
    ],
)
def test_days_are_those_of_the_surgery(written: str, day: date):
    found = supply(taken(a_dosage()), fetched(whenHandedOver=written))
    assert found
    assert (found.handed_over, found.until) == (day, day + timedelta(days=59))


def test_today_is_the_surgerys():
    late = datetime(2027, 3, 1, 23, 30, tzinfo=UTC)
    found = supply(taken(a_dosage()), fetched(0), now=late)
    assert found
    assert found.days == 58


@pytest.mark.parametrize(
    ("more", "lasts"),
    [
        ({}, True),
        ({"status": "completed"}, True),
        ({"dispenseRequest": {"validityPeriod": {"end": "2027-02-25"}}}, True),
        ({"status": "on-hold"}, False),
        ({"status": "unknown"}, False),
        ({"status": "stopped"}, False),
        ({"status": "cancelled"}, False),
        ({"status": "draft"}, False),
        ({"status": "entered-in-error"}, False),
        ({"intent": "proposal"}, False),
        ({"doNotPerform": True}, False),
    ],
)
def test_only_of_what_is_to_be_taken_something_lasts(more: Json, lasts: bool):
    assert (supply(taken(a_dosage(), **more), fetched()) is not None) is lasts


def test_what_was_handed_out_for_another_prescription_does_not_count():
    both = [ref("MedicationRequest/rx-1"), ref("MedicationRequest/rx-2")]
    assert supply(taken(a_dosage()), a_dispense(of="rx-2", whenHandedOver="2027-02-20")) is None
    assert supply(taken(a_dosage()), fetched(authorizingPrescription=both)) is None
    told = fetched(authorizingPrescription=both, **days_supply(30))
    assert days(taken(a_dosage()), told) == 30


def test_where_the_dispenses_are_not_all_known_nothing_is_told():
    assert supply(taken(a_dosage()), fetched(), shown=False) is None
    assert supply(taken(a_dosage())) is None


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"dosageInstruction": [a_dosage(2)]}, 30),
        ({"dosageInstruction": [a_dosage(2, asNeededBoolean=True)]}, None),
        ({"dosageInstruction": [{"text": "1 daily"}]}, 60),
        ({"dosageInstruction": 7}, None),
        ({"substitution": {"wasSubstituted": False}}, 60),
        ({"substitution": {"wasSubstituted": True}}, None),
        ({"substitution": {}}, None),
        ({"substitution": True}, None),
        ({"substitution": {"wasSubstituted": True}, "dosageInstruction": [a_dosage(2)]}, 30),
    ],
)
def test_a_dispense_is_taken_by_its_own_dose_if_it_has_one(more: Json, expected: int | None):
    assert days(taken(a_dosage()), fetched(**more)) == expected


def test_what_would_last_beyond_all_measure_is_not_told():
    many = [fetched(5, f"d-{number}", **days_supply(3660)) for number in range(3000)]
    assert supply(a_request(), many[0]) is not None
    assert supply(a_request(), *many) is None


def test_what_can_not_be_read_is_silent_and_costs_nothing_else():
    flaws: list[str] = []
    wrong = fetched(daysSupply=7, whenHandedOver=7, dosageInstruction=7, substitution=7)
    record = read_resource(wrong, flaws)
    dispense = read_dispense(record.strictly())
    request = read_resource(taken(a_dosage(timing=7)), flaws)
    assert read_supply([request], [dispense], OSLO, NOW) is None
    assert dispense.completed
    assert flaws == []


WORDS = st.sampled_from(
    ["d", "h", "wk", "tablets", "days", "BID", "mon", "MORN", "08:00:00", "2027-02-20", "", "x"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 10**12)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | WORDS
)
KEYS = st.sampled_from(
    [
        *("timing", "repeat", "code", "doseAndRate", "doseQuantity", "value", "unit", "sequence"),
        *("frequency", "period", "periodUnit", "dayOfWeek", "timeOfDay", "when", "boundsPeriod"),
        *("start", "end", "asNeededBoolean", "coding", "system", "wasSubstituted"),
    ]
)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner), max_leaves=9
)


@given(
    st.fixed_dictionaries({}, optional={"timing": ANYTHING, "doseAndRate": ANYTHING}),
    st.fixed_dictionaries(
        {},
        optional={
            "quantity": st.just(TABLETS) | st.dictionaries(KEYS, SCALARS),
            "daysSupply": ANYTHING,
            "whenHandedOver": ANYTHING | st.dates().map(str),
            "dosageInstruction": ANYTHING,
            "substitution": ANYTHING,
        },
    ),
)
def test_whatever_a_portal_sends_gives_an_answer(dosage: Json, more: Json):
    request = Element(taken(a_dosage() | dosage), "MedicationRequest")
    handed_out = a_dispense(whenHandedOver="2027-02-20", quantity=TABLETS) | more
    record = Element(handed_out, "MedicationDispense")
    try:
        dispense = read_dispense(record)
    except ValueError:  # then there is none
        return
    found = read_supply([request], [dispense], OSLO, NOW)
    assert found is None or found.days == max((found.until - TODAY).days, 0) <= 3660


@given(
    st.decimals("0.001", 1000, places=3),
    st.decimals("0.1", 20, places=1),
    st.integers(1, 6),
)
def test_the_days_are_those_for_which_the_amount_is_enough(
    amount: Decimal, dose: Decimal, often: int
):
    handed_out = fetched(0, quantity={"value": amount, "unit": "tablets"})
    found = days(taken(a_dosage(dose, timing=daily(often))), handed_out) or 0
    assert found * dose * often <= amount
    assert (found + 1) * dose * often > amount or found == 0
