"""What a service costs: rates, what they add up to, and when it is charged."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from gpcli.fhir.element import Malformed, read_resource
from gpcli.fhir.healthcare_service import read_prices
from gpcli.model.service import Price, PriceRule, Rate, Surcharge
from tests.portal.builders import a_part, a_price, a_rate, ref

SERVICE_TYPE = "http://terminology.hl7.org/CodeSystem/service-type"
CODE_MAP = {f"{SERVICE_TYPE}|57": ("booking",)}


NOW = datetime(2027, 3, 1, 8, tzinfo=ZoneInfo("Europe/Oslo"))


def rule_of(*rates: dict, service: str = "booking", **more: object) -> PriceRule | None:
    prices = read_prices(read_resource(a_price(service, *rates, **more)), CODE_MAP, NOW)
    return next(iter(prices), None)


def price_of(*rates: dict, **more: object) -> Price | None:
    rule = rule_of(*rates, **more)
    assert rule
    return rule.price


def test_a_price_is_a_range_over_rates_of_base_surcharges_and_deductions():
    day = a_rate(a_part("base", Decimal("180.50")), a_part("surcharge", 65), applies="by day")
    evening = a_rate(a_part("base", 300), a_part("tax", 10), a_part("discount", 20))
    assert price_of(day, evening) == Price(
        low=Decimal("245.50"),
        high=Decimal(290),
        currency="NOK",
        rates=(
            Rate("by day", Decimal("245.50"), (Surcharge(None, Decimal(65)),)),
            Rate(None, Decimal(290)),
        ),
    )


def test_a_surcharge_has_the_name_that_the_price_gives_it():
    fee = a_part("surcharge", Decimal("69.00")) | {"code": {"text": "Invoice fee"}}
    deposit = a_part("surcharge", 10) | {"code": {"coding": [{"display": "Deposit"}]}}
    price = price_of(a_rate(a_part("base", 100), fee, deposit))
    assert price
    assert price.rates == (
        Rate(
            None,
            Decimal("179.00"),
            (Surcharge("Invoice fee", Decimal("69.00")), Surcharge("Deposit", Decimal(10))),
        ),
    )


def charged_at(code: object) -> dict:
    return {"extension": [{"url": "urn:gpcli:charged-at", "valueCode": code}]}


@pytest.mark.parametrize(
    ("service", "more", "at_sending"),
    [
        ("e-consultation", {}, True),
        ("prescription-renewal", {}, False),
        ("prescription-renewal", charged_at("sending"), True),
        ("prescription-renewal", charged_at("visit"), False),
        ("contact", {"extension": [{"url": "urn:other", "valueCode": "sending"}]}, False),
    ],
)
def test_sending_costs_for_an_e_consultation_and_where_the_record_says_so(
    service: str, more: dict, at_sending: bool
):
    rule = rule_of(a_rate(a_part("base", 100)), service=service, **more)
    assert rule
    assert rule.price
    assert (rule.service, rule.price.at_sending) == (service, at_sending)


def test_when_it_is_charged_must_be_a_code():
    with pytest.raises(Malformed, match="valueCode"):
        price_of(a_rate(a_part("base", 100)), **charged_at(["sending"]))


def test_a_free_service_costs_nothing_which_is_not_unknown():
    assert price_of(a_rate(a_part("base", 0))) == Price(
        Decimal(0), Decimal(0), "NOK", (Rate(None, Decimal(0)),)
    )


def test_a_component_that_only_informs_does_not_count():
    price = price_of(a_rate(a_part("base", 100), a_part("informational", 500)))
    assert price
    assert price.high == 100


@pytest.mark.parametrize(
    "rates",
    [
        [],
        [a_rate()],
        [a_rate(a_part("informational", 100))],
        [a_rate(a_part("base", 100)), a_rate(a_part("base", 10, "EUR"))],
        [a_rate(a_part("base", 100), {"type": "surcharge", "factor": Decimal("1.5")})],
    ],
    ids=["none", "empty", "informational", "mixed currencies", "factor"],
)
def test_a_price_that_can_not_be_told_is_unknown(rates: list):
    assert price_of(*rates) is None


@pytest.mark.parametrize("more", [{"status": "draft"}, {"code": None}])
def test_a_price_that_is_not_active_or_for_nothing_does_not_count(more: dict):
    assert rule_of(a_rate(a_part("base", 100)), **more) is None


@pytest.mark.parametrize("amount", [{"currency": "NOK"}, {"value": 1}, {"value": "1"}, []])
def test_a_broken_amount_is_malformed(amount: object):
    with pytest.raises(Malformed, match="amount"):
        price_of(a_rate({"type": "base", "amount": amount}))


BASE = a_rate(a_part("base", 100))


@pytest.mark.parametrize(
    ("more", "is_now"),
    [
        ({"status": "retired"}, False),
        ({"experimental": True}, False),
        ({"experimental": False}, True),
        ({"effectivePeriod": {"start": "2027-01-01"}}, True),
        ({"effectivePeriod": {"end": "2027-03-01"}}, True),
        ({"effectivePeriod": {"end": "2027-02-28"}}, False),
        ({"effectivePeriod": {"start": "2027-03-02"}}, False),
    ],
)
def test_a_price_counts_while_it_is_in_use(more: dict, is_now: bool):
    assert (rule_of(BASE, **more) is not None) is is_now


@pytest.mark.parametrize(
    "broken",
    [
        {"status": 1},
        {"experimental": "no"},
        {"effectivePeriod": {"end": "x"}},
        {"effectivePeriod": "2027"},
    ],
)
def test_what_decides_whether_a_price_counts_is_read_strictly(broken: dict):
    with pytest.raises(Malformed):
        rule_of(BASE, **broken)


def venue(**value: object) -> dict:
    return {"code": {"code": "venue"}, **value}


@pytest.mark.parametrize(
    ("more", "owners"),
    [
        ({}, set()),
        ({"publisher": "Elvebakken", "contact": [{"name": "Elvebakken"}]}, set()),
        (
            {"useContext": [venue(valueReference=ref("Organization/elvebakken"))]},
            {"Organization/elvebakken"},
        ),
        (
            {
                "useContext": [
                    venue(valueReference=ref("Location/1")),
                    venue(valueReference=ref("HealthcareService/booking-1")),
                ],
                "instance": [ref("Device/1")],
            },
            {"Location/1", "HealthcareService/booking-1", "Device/1"},
        ),
        (
            {
                "useContext": [
                    venue(valueReference={"identifier": {"system": "urn:o", "value": "7"}})
                ]
            },
            {"urn:o|7"},
        ),
        ({"useContext": [venue(valueReference={"display": "Another surgery"})]}, {"not told"}),
        ({"useContext": [venue(valueReference=None)]}, {"not told"}),
    ],
)
def test_a_price_belongs_to_whom_it_refers_to(more: dict, owners: set[str]):
    rule = rule_of(BASE, **more)
    assert rule
    assert rule.owners == owners


def test_when_a_price_applies_is_said_in_the_portals_words():
    contexts = [
        {"code": {"display": "Age range"}, "valueRange": {"low": {"value": 0}, "high": years(17)}},
        {"code": {"code": "age"}, "valueQuantity": years(16) | {"comparator": "<"}},
        {"code": {"code": "program"}, "valueCodeableConcept": {"text": "Maternity"}},
        venue(valueReference=ref("Location/1")),
    ]
    rate = BASE | {"applicability": [{"description": "by day"}, {"expression": "%now.time()"}]}
    price = price_of(rate, useContext=contexts, applicability=[{"description": "without a card"}])
    assert price
    assert [each.applies for each in price.rates] == [
        "Age range: 0 to 17 years; age: <16 years; program: Maternity; without a card; by day; "
        "%now.time()"
    ]


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (("low", "high"), ["age: 0 years to 17 years"]),
        (("low",), ["age: from 0 years"]),
        (("high",), ["age: up to 17 years"]),
        ((), [None]),
    ],
)
def test_an_age_with_one_end_is_told_by_that(span: tuple[str, ...], words: list[str | None]):
    ends = {"low": years(0), "high": years(17)}
    context = {"code": {"code": "age"}, "valueRange": {name: ends[name] for name in span}}
    price = price_of(BASE, useContext=[context])
    assert price
    assert [each.applies for each in price.rates] == words


def years(value: int) -> dict:
    return {"value": value, "unit": "years"}
